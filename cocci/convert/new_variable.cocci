// SPDX-License-Identifier: GPL-2.0-only
/// Declare a variable that other edits need, after the declarations of a block.
///
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: The plan comes from scripts/kmaplocal: a function is converted only when
// Comments: every mapping in it is certified, so that none is left half converted.
// Comments: To be used together with saved_address.cocci.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("new_variable.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

// Words that spatch looks for before it reads a file.
@new_variable_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kunmap@p\|kunmap_atomic@p\)(...)

@new_variable_place depends on new_variable_calls@
declaration D;
position p : script:python() { inline.has("new_variable", p) };
@@
D@p

@script:python new_variable_with@
p << new_variable_place.p;
added;
@@
coccinelle.added = cocci.make_ident(inline.get("new_variable", p, "name"))

@depends on patch && new_variable_calls@
declaration new_variable_place.D;
position new_variable_place.p;
identifier new_variable_with.added;
@@
  D@p
+ void *added;

@new_variable_shown depends on context && new_variable_calls@
declaration D;
position p : script:python() { inline.has("new_variable", p) };
@@
* D@p

@new_variable_told depends on (org || report) && new_variable_calls@
declaration D;
position p : script:python() { inline.has("new_variable", p) };
@@
D@p

@script:python depends on org@
p << new_variable_told.p;
@@
coccilib.org.print_todo(p[0], inline.message("new_variable", p))

@script:python depends on report@
p << new_variable_told.p;
@@
coccilib.report.print_report(p[0], inline.message("new_variable", p))
