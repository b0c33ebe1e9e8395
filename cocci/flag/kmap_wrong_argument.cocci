// SPDX-License-Identifier: GPL-2.0-only
/// A page where an address belongs, or the reverse.
//
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: What is found comes from scripts/kmaplocal, which follows every path of the
// Comments: function; of other files nothing is known here.
// Comments: In patch mode the argument becomes the page or the address, where one
// Comments: variable holds it.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("kmap_wrong_argument.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

// Words that spatch looks for before it reads a file.
@kmap_wrong_argument_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kmap_local_page@p\|
  kmap_local_page_prot@p\|kmap_local_folio@p\|kmap_local_pfn@p\|bvec_kmap_local@p\|
  kunmap@p\|kunmap_atomic@p\|kunmap_local@p\)(...)

@kmap_wrong_argument_fixed depends on patch && kmap_wrong_argument_calls@
identifier call = {
  kunmap, kunmap_atomic, kunmap_local
};
position p : script:python() { inline.fix("kmap-wrong-argument", p) != "" };
@@
call@p(...)

@script:python kmap_wrong_argument_with@
p << kmap_wrong_argument_fixed.p;
C;
@@
coccinelle.C = cocci.make_expr(inline.fix("kmap-wrong-argument", p))

@depends on patch@
expression E;
expression kmap_wrong_argument_with.C;
position kmap_wrong_argument_fixed.p;
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

@kmap_wrong_argument_shown depends on context && kmap_wrong_argument_calls@
identifier call = {
  kmap, kmap_atomic, kmap_atomic_prot, kmap_atomic_pfn, kmap_local_page,
  kmap_local_page_prot, kmap_local_folio, kmap_local_pfn,
  bvec_kmap_local, kunmap, kunmap_atomic, kunmap_local
};
position p : script:python() { inline.found("kmap-wrong-argument", p) };
@@
* call@p(...)

@kmap_wrong_argument_told depends on (org || report) && kmap_wrong_argument_calls@
identifier call = {
  kmap, kmap_atomic, kmap_atomic_prot, kmap_atomic_pfn, kmap_local_page,
  kmap_local_page_prot, kmap_local_folio, kmap_local_pfn,
  bvec_kmap_local, kunmap, kunmap_atomic, kunmap_local
};
position p : script:python() { inline.found("kmap-wrong-argument", p) };
@@
call@p(...)

@script:python depends on org@
p << kmap_wrong_argument_told.p;
@@
for text in inline.tell("kmap-wrong-argument", p):
    coccilib.org.print_todo(p[0], text)

@script:python depends on report@
p << kmap_wrong_argument_told.p;
@@
for text in inline.tell("kmap-wrong-argument", p):
    coccilib.report.print_report(p[0], text)
