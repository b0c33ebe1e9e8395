// SPDX-License-Identifier: GPL-2.0-only
/// Join a kmap() whose value is dropped and the page_address() of the same page
/// into one kmap_local_page(): page_address() knows nothing of local mappings.
///
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: The plan comes from scripts/kmaplocal: a function is converted only when
// Comments: every mapping in it is certified, so that none is left half converted.
// Comments: To be used together with kmap.cocci, which gives kunmap_local() the address.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("page_address.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

@depends on patch@
expression E;
position d : script:python() { inline.has("page_address", d, what="drop") };
position c : script:python() { inline.has("page_address", c, what="map") };
@@
(
- kmap@d(E);
|
- page_address@c
+ kmap_local_page
  (E)
)

@page_address_shown depends on context@
position p : script:python() { inline.has("page_address", p) };
@@
* \(kmap@p\|page_address@p\)(...)

@page_address_told depends on org || report@
position p : script:python() { inline.has("page_address", p) };
@@
\(kmap@p\|page_address@p\)(...)

@script:python depends on org@
p << page_address_told.p;
@@
coccilib.org.print_todo(p[0], inline.message("page_address", p))

@script:python depends on report@
p << page_address_told.p;
@@
coccilib.report.print_report(p[0], inline.message("page_address", p))
