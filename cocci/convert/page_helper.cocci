// SPDX-License-Identifier: GPL-2.0-only
/// Replace a mapping that serves one memcpy(), memset(), clear_page() or
/// copy_page() by the helper that maps, copies and unmaps:
/// memcpy_to_page(), memcpy_from_page(), memcpy_page(), memset_page(),
/// memzero_page(), copy_highpage() or clear_highpage().
///
// Confidence: Medium
// Options: --no-includes --keep-comments
// Comments: The plan comes from scripts/kmaplocal: a function is converted only when
// Comments: every mapping in it is certified, so that none is left half converted.
// Comments: A helper checks that offset + length stay in the page; it is used only where
// Comments: the code shows that they do.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("page_helper.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

// Words that spatch looks for before it reads a file.
@page_helper_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kunmap@p\|kunmap_atomic@p\)(...)

@page_helper_place depends on page_helper_calls@
position p : script:python() { inline.has("page_helper", p) };
@@
\(kmap@p\|kmap_atomic@p\|kunmap@p\|kunmap_atomic@p\|flush_dcache_page@p\|memcpy@p\|memset@p\|clear_page@p\|copy_page@p\)(...)

@script:python page_helper_with@
p << page_helper_place.p;
helper;
@@
coccinelle.helper = cocci.make_expr(inline.get("page_helper", p, "new") or "none")

@depends on patch && page_helper_calls@
position page_helper_place.p;
position d : script:python() { inline.has("page_helper", d, what="drop") };
position u : script:python() { inline.has("page_helper", u, what="forget") };
position c : script:python() { inline.has("page_helper", c, what="call") };
expression page_helper_with.helper;
expression v;
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
- \(kunmap@p@d\|kunmap_atomic@p@d\|flush_dcache_page@p@d\)(...);
|
- \(memcpy@p@c\|memset@p@c\|clear_page@p@c\|copy_page@p@c\)(...)
+ helper
)

@page_helper_shown depends on context && page_helper_calls@
position p : script:python() { inline.has("page_helper", p) };
@@
* \(kmap@p\|kmap_atomic@p\|kunmap@p\|kunmap_atomic@p\|flush_dcache_page@p\|memcpy@p\|memset@p\|clear_page@p\|copy_page@p\)(...)

@page_helper_told depends on (org || report) && page_helper_calls@
position p : script:python() { inline.has("page_helper", p) };
@@
\(kmap@p\|kmap_atomic@p\|kunmap@p\|kunmap_atomic@p\|flush_dcache_page@p\|memcpy@p\|memset@p\|clear_page@p\|copy_page@p\)(...)

@script:python depends on org@
p << page_helper_told.p;
@@
coccilib.org.print_todo(p[0], inline.message("page_helper", p))

@script:python depends on report@
p << page_helper_told.p;
@@
coccilib.report.print_report(p[0], inline.message("page_helper", p))
