// SPDX-License-Identifier: GPL-2.0-only
/// Disable page faults or preemption by name where kmap_atomic() did it on the
/// side and the code up to the unmap counts on it.
///
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: The plan comes from scripts/kmaplocal: a function is converted only when
// Comments: every mapping in it is certified, so that none is left half converted.
// Comments: To be used together with kmap_atomic.cocci, which changes the calls.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("explicit_disable.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

// Words that spatch looks for before it reads a file.
@explicit_disable_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kunmap@p\|kunmap_atomic@p\)(...)

@explicit_disable_place depends on explicit_disable_calls@
statement S;
position p : script:python() { inline.has("explicit_disable", p) };
@@
S@p

@script:python explicit_disable_with@
p << explicit_disable_place.p;
call;
@@
coccinelle.call = cocci.make_expr(inline.get("explicit_disable", p, "call"))

@depends on patch && explicit_disable_calls@
statement explicit_disable_place.S;
position explicit_disable_place.p;
position a : script:python() { inline.has("explicit_disable", a, where="after") };
position b : script:python() { inline.has("explicit_disable", b, where="before") };
expression explicit_disable_with.call;
@@
(
  S@p@a
+ call;
|
+ call;
  S@p@b
)

@explicit_disable_shown depends on context && explicit_disable_calls@
statement S;
position p : script:python() { inline.has("explicit_disable", p) };
@@
* S@p

@explicit_disable_told depends on (org || report) && explicit_disable_calls@
statement S;
position p : script:python() { inline.has("explicit_disable", p) };
@@
S@p

@script:python depends on org@
p << explicit_disable_told.p;
@@
coccilib.org.print_todo(p[0], inline.message("explicit_disable", p))

@script:python depends on report@
p << explicit_disable_told.p;
@@
coccilib.report.print_report(p[0], inline.message("explicit_disable", p))
