// SPDX-License-Identifier: GPL-2.0-only
/// Remove the declaration of a local variable that held an address and is not
/// used any more.
///
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: The plan comes from scripts/kmaplocal: a function is converted only when
// Comments: every mapping in it is certified, so that none is left half converted.
// Comments: To be used together with page_helper.cocci and struct_fill.cocci.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("unused_variable.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

// Words that spatch looks for before it reads a file.
@unused_variable_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kunmap@p\|kunmap_atomic@p\)(...)

@depends on patch && unused_variable_calls@
identifier x;
type T;
position p : script:python() { inline.has("unused_variable", p) };
@@
(
- T x@p;
|
- T x@p = NULL;
|
- T x@p = 0;
)

@unused_variable_shown depends on context && unused_variable_calls@
identifier x;
type T;
position p : script:python() { inline.has("unused_variable", p) };
@@
(
* T x@p;
|
* T x@p = NULL;
|
* T x@p = 0;
)

@unused_variable_told depends on (org || report) && unused_variable_calls@
identifier x;
type T;
position p : script:python() { inline.has("unused_variable", p) };
@@
(
T x@p;
|
T x@p = NULL;
|
T x@p = 0;
)

@script:python depends on org@
p << unused_variable_told.p;
@@
coccilib.org.print_todo(p[0], inline.message("unused_variable", p))

@script:python depends on report@
p << unused_variable_told.p;
@@
coccilib.report.print_report(p[0], inline.message("unused_variable", p))
