// SPDX-License-Identifier: GPL-2.0-only
/// Replace kmap() and kunmap() by kmap_local_page() and kunmap_local(), which
/// takes the address where kunmap() took the page.
///
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: The plan comes from scripts/kmaplocal: a function is converted only when
// Comments: every mapping in it is certified, so that none is left half converted.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("kmap.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

@kmap_call@
expression E;
position p : script:python() { inline.has("kmap", p) };
@@
(
kmap@p(E)
|
kunmap@p(E)
)

@script:python kmap_with@
p << kmap_call.p;
address;
@@
coccinelle.address = cocci.make_expr(inline.get("kmap", p, "address") or "given")

@depends on patch@
position kmap_call.p;
expression kmap_with.address;
expression E;
@@
(
- kmap@p
+ kmap_local_page
  (E)
|
- kunmap@p(E)
+ kunmap_local(address)
)

@kmap_shown depends on context@
position p : script:python() { inline.has("kmap", p) };
@@
(
* kmap@p(...)
|
* kunmap@p(...)
)

@kmap_told depends on org || report@
position p : script:python() { inline.has("kmap", p) };
@@
(
kmap@p(...)
|
kunmap@p(...)
)

@script:python depends on org@
p << kmap_told.p;
@@
coccilib.org.print_todo(p[0], inline.message("kmap", p))

@script:python depends on report@
p << kmap_told.p;
@@
coccilib.report.print_report(p[0], inline.message("kmap", p))
