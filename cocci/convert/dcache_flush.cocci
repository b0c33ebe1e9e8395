// SPDX-License-Identifier: GPL-2.0-only
/// Add the flush_dcache_page() that is missing after a write through a mapping,
/// where the same file flushes pages of the same structure member after its
/// other writes.
///
// Confidence: Medium
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
place = next(a for a in arguments if a.endswith("dcache_flush.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

@dcache_flush_unmap@
position p : script:python() { inline.has("dcache_flush", p) };
@@
\(kunmap@p\|kunmap_atomic@p\)(...)

@script:python dcache_flush_with@
p << dcache_flush_unmap.p;
page;
@@
coccinelle.page = cocci.make_expr(inline.get("dcache_flush", p, "page"))

@depends on patch@
position dcache_flush_unmap.p;
expression dcache_flush_with.page;
@@
(
  kunmap@p(...);
+ flush_dcache_page(page);
|
  kunmap_atomic@p(...);
+ flush_dcache_page(page);
)

@dcache_flush_shown depends on context@
position p : script:python() { inline.has("dcache_flush", p) };
@@
* \(kunmap@p\|kunmap_atomic@p\)(...)

@dcache_flush_told depends on org || report@
position p : script:python() { inline.has("dcache_flush", p) };
@@
\(kunmap@p\|kunmap_atomic@p\)(...)

@script:python depends on org@
p << dcache_flush_told.p;
@@
coccilib.org.print_todo(p[0], inline.message("dcache_flush", p))

@script:python depends on report@
p << dcache_flush_told.p;
@@
coccilib.report.print_report(p[0], inline.message("dcache_flush", p))
