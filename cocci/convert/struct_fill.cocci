// SPDX-License-Identifier: GPL-2.0-only
/// Replace a mapping that serves to fill every member of a structure at the
/// start of the page by one memcpy_to_page() of a compound literal.
///
// Confidence: Medium
// Options: --no-includes --keep-comments
// Comments: The plan comes from scripts/kmaplocal: a function is converted only when
// Comments: every mapping in it is certified, so that none is left half converted.
// Comments: A compound literal zeroes the members it does not name: assignments of zero
// Comments: are left out, and a structure with a member that is not assigned is refused.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("struct_fill.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

// Words that spatch looks for before it reads a file.
@struct_fill_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kunmap@p\|kunmap_atomic@p\)(...)

@struct_fill_place depends on struct_fill_calls@
expression E;
position p : script:python() { inline.has("struct_fill", p) };
@@
(
\(kmap@p\|kmap_atomic@p\|kunmap@p\|kunmap_atomic@p\|flush_dcache_page@p\)(...)
|
E@p = ...
)

@script:python struct_fill_with@
p << struct_fill_place.p;
filled;
@@
coccinelle.filled = cocci.make_expr(inline.get("struct_fill", p, "new") or "none")

@depends on patch && struct_fill_calls@
position struct_fill_place.p;
position d : script:python() { inline.has("struct_fill", d, what="drop") };
position u : script:python() { inline.has("struct_fill", u, what="forget") };
position c : script:python() { inline.has("struct_fill", c, what="call") };
expression struct_fill_with.filled;
expression v, E, F;
identifier x;
type T;
@@
(
- v = \(kmap@p@d\|kmap_atomic@p@d\)(...);
|
- T x = \(kmap@p@d\|kmap_atomic@p@d\)(...);
|
  T x
- = \(kmap@p@u\|kmap_atomic@p@u\)(...)
  ;
|
- E@p@d = F;
|
- flush_dcache_page@p@d(...);
|
- \(kunmap@p@c\|kunmap_atomic@p@c\)(...)
+ filled
)

@struct_fill_shown depends on context && struct_fill_calls@
position p : script:python() { inline.has("struct_fill", p) };
@@
* \(kmap@p\|kmap_atomic@p\|kunmap@p\|kunmap_atomic@p\)(...)

@struct_fill_told depends on (org || report) && struct_fill_calls@
position p : script:python() { inline.has("struct_fill", p) };
@@
\(kmap@p\|kmap_atomic@p\|kunmap@p\|kunmap_atomic@p\)(...)

@script:python depends on org@
p << struct_fill_told.p;
@@
coccilib.org.print_todo(p[0], inline.message("struct_fill", p))

@script:python depends on report@
p << struct_fill_told.p;
@@
coccilib.report.print_report(p[0], inline.message("struct_fill", p))
