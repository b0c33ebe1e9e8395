// SPDX-License-Identifier: GPL-2.0-only
/// Replace kmap_atomic() and kunmap_atomic() by kmap_local_page() and
/// kunmap_local(), which leave page faults and preemption enabled.
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
place = next(a for a in arguments if a.endswith("kmap_atomic.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

@kmap_atomic_call@
expression E;
position p : script:python() { inline.has("kmap_atomic", p) };
@@
(
kmap_atomic@p(E)
|
kmap_atomic_prot@p(E, ...)
|
kmap_atomic_pfn@p(E)
|
kunmap_atomic@p(E)
)

@script:python kmap_atomic_with@
p << kmap_atomic_call.p;
E << kmap_atomic_call.E;
address;
@@
given = inline.get("kmap_atomic", p, "address")
coccinelle.address = cocci.make_expr(given or "given")

@depends on patch@
position kmap_atomic_call.p;
position q : script:python() { inline.has("kmap_atomic", q, address="") };
expression kmap_atomic_with.address;
expression E;
@@
(
- kmap_atomic@p
+ kmap_local_page
  (E)
|
- kmap_atomic_prot@p
+ kmap_local_page_prot
  (E, ...)
|
- kmap_atomic_pfn@p
+ kmap_local_pfn
  (E)
|
- kunmap_atomic@p@q
+ kunmap_local
  (E)
|
- kunmap_atomic@p(E)
+ kunmap_local(address)
)

@kmap_atomic_shown depends on context@
position p : script:python() { inline.has("kmap_atomic", p) };
@@
(
* kmap_atomic@p(...)
|
* kmap_atomic_prot@p(...)
|
* kmap_atomic_pfn@p(...)
|
* kunmap_atomic@p(...)
)

@kmap_atomic_told depends on org || report@
position p : script:python() { inline.has("kmap_atomic", p) };
@@
(
kmap_atomic@p(...)
|
kmap_atomic_prot@p(...)
|
kmap_atomic_pfn@p(...)
|
kunmap_atomic@p(...)
)

@script:python depends on org@
p << kmap_atomic_told.p;
@@
coccilib.org.print_todo(p[0], inline.message("kmap_atomic", p))

@script:python depends on report@
p << kmap_atomic_told.p;
@@
coccilib.report.print_report(p[0], inline.message("kmap_atomic", p))
