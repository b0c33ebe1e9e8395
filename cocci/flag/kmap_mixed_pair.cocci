// SPDX-License-Identifier: GPL-2.0-only
/// A mapping that is ended by another kind's unmap.
//
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: What is found comes from scripts/kmaplocal, which follows every path of the
// Comments: function; of other files nothing is known here.
// Comments: In patch mode the unmap becomes the one of the map call, where its argument
// Comments: is known.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("kmap_mixed_pair.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

// Words that spatch looks for before it reads a file.
@kmap_mixed_pair_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kmap_local_page@p\|
  kmap_local_page_prot@p\|kmap_local_folio@p\|kmap_local_pfn@p\|bvec_kmap_local@p\|
  kunmap@p\|kunmap_atomic@p\|kunmap_local@p\)(...)

@kmap_mixed_pair_fixed depends on patch && kmap_mixed_pair_calls@
identifier call = {
  kunmap, kunmap_atomic, kunmap_local
};
position p : script:python() { inline.fix("kmap-mixed-pair", p) != "" };
@@
call@p(...)

@script:python kmap_mixed_pair_with@
p << kmap_mixed_pair_fixed.p;
C;
@@
coccinelle.C = cocci.make_expr(inline.fix("kmap-mixed-pair", p))

@depends on patch@
expression E;
expression kmap_mixed_pair_with.C;
position kmap_mixed_pair_fixed.p;
@@
(
- kunmap@p(E)
+ C
|
- kunmap_atomic@p(E)
+ C
|
- kunmap_local@p(E)
+ C
)

@kmap_mixed_pair_shown depends on context && kmap_mixed_pair_calls@
identifier call = {
  kunmap, kunmap_atomic, kunmap_local
};
position p : script:python() { inline.found("kmap-mixed-pair", p) };
@@
* call@p(...)

@kmap_mixed_pair_told depends on (org || report) && kmap_mixed_pair_calls@
identifier call = {
  kunmap, kunmap_atomic, kunmap_local
};
position p : script:python() { inline.found("kmap-mixed-pair", p) };
@@
call@p(...)

@script:python depends on org@
p << kmap_mixed_pair_told.p;
@@
for text in inline.tell("kmap-mixed-pair", p):
    coccilib.org.print_todo(p[0], text)

@script:python depends on report@
p << kmap_mixed_pair_told.p;
@@
for text in inline.tell("kmap-mixed-pair", p):
    coccilib.report.print_report(p[0], text)
