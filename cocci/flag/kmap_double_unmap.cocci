// SPDX-License-Identifier: GPL-2.0-only
/// A mapping that is unmapped twice on a path.
//
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: What is found comes from scripts/kmaplocal, which follows every path of the
// Comments: function; of other files nothing is known here.
// Comments: In patch mode it does nothing: a person has to decide.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("kmap_double_unmap.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

// Words that spatch looks for before it reads a file.
@kmap_double_unmap_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kmap_local_page@p\|
  kmap_local_page_prot@p\|kmap_local_folio@p\|kmap_local_pfn@p\|bvec_kmap_local@p\|
  kunmap@p\|kunmap_atomic@p\|kunmap_local@p\)(...)

// spatch refuses a file of which no rule applies.
@script:python depends on patch@
p << kmap_double_unmap_calls.p;
@@
pass

@kmap_double_unmap_shown depends on context && kmap_double_unmap_calls@
identifier call = {
  kunmap, kunmap_atomic, kunmap_local
};
position p : script:python() { inline.found("kmap-double-unmap", p) };
@@
* call@p(...)

@kmap_double_unmap_told depends on (org || report) && kmap_double_unmap_calls@
identifier call = {
  kunmap, kunmap_atomic, kunmap_local
};
position p : script:python() { inline.found("kmap-double-unmap", p) };
@@
call@p(...)

@script:python depends on org@
p << kmap_double_unmap_told.p;
@@
for text in inline.tell("kmap-double-unmap", p):
    coccilib.org.print_todo(p[0], text)

@script:python depends on report@
p << kmap_double_unmap_told.p;
@@
for text in inline.tell("kmap-double-unmap", p):
    coccilib.report.print_report(p[0], text)
