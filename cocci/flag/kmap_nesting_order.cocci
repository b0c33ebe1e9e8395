// SPDX-License-Identifier: GPL-2.0-only
/// A mapping that is unmapped while a later one still is mapped: local and atomic
/// mappings are on one stack.
//
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: What is found comes from scripts/kmaplocal, which follows every path of the
// Comments: function; of other files nothing is known here.
// Comments: In patch mode two unmaps that follow each other are swapped.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("kmap_nesting_order.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

// Words that spatch looks for before it reads a file.
@kmap_nesting_order_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kmap_local_page@p\|
  kmap_local_page_prot@p\|kmap_local_folio@p\|kmap_local_pfn@p\|bvec_kmap_local@p\|
  kunmap@p\|kunmap_atomic@p\|kunmap_local@p\)(...)

@depends on patch && kmap_nesting_order_calls@
expression A, B;
position p : script:python() { inline.fix("kmap-nesting-order", p) != "" };
@@
(
- kunmap_local@p(A);
- kunmap_local(B);
+ kunmap_local(B);
+ kunmap_local(A);
|
- kunmap_atomic@p(A);
- kunmap_atomic(B);
+ kunmap_atomic(B);
+ kunmap_atomic(A);
|
- kunmap_local@p(A);
- kunmap_atomic(B);
+ kunmap_atomic(B);
+ kunmap_local(A);
|
- kunmap_atomic@p(A);
- kunmap_local(B);
+ kunmap_local(B);
+ kunmap_atomic(A);
)

@kmap_nesting_order_shown depends on context && kmap_nesting_order_calls@
identifier call = {
  kunmap_atomic, kunmap_local
};
position p : script:python() { inline.found("kmap-nesting-order", p) };
@@
* call@p(...)

@kmap_nesting_order_told depends on (org || report) && kmap_nesting_order_calls@
identifier call = {
  kunmap_atomic, kunmap_local
};
position p : script:python() { inline.found("kmap-nesting-order", p) };
@@
call@p(...)

@script:python depends on org@
p << kmap_nesting_order_told.p;
@@
for text in inline.tell("kmap-nesting-order", p):
    coccilib.org.print_todo(p[0], text)

@script:python depends on report@
p << kmap_nesting_order_told.p;
@@
for text in inline.tell("kmap-nesting-order", p):
    coccilib.report.print_report(p[0], text)
