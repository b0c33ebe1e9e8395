// SPDX-License-Identifier: GPL-2.0-only
/// A test of an address that cannot be NULL: no map call ever fails.
//
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: What is found comes from scripts/kmaplocal, which follows every path of the
// Comments: function; of other files nothing is known here.
// Comments: In patch mode a test that guards nothing but a way out is removed.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("kmap_null_check.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

// Words that spatch looks for before it reads a file.
@kmap_null_check_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kmap_local_page@p\|
  kmap_local_page_prot@p\|kmap_local_folio@p\|kmap_local_pfn@p\|bvec_kmap_local@p\|
  kunmap@p\|kunmap_atomic@p\|kunmap_local@p\)(...)

@depends on patch && kmap_null_check_calls@
expression E;
statement S;
position p : script:python() { inline.fix("kmap-null-check", p) != "" };
@@
(
- if (!E@p) S
|
- if (unlikely(!E@p)) S
|
- if (E@p == NULL) S
|
- if (IS_ERR(E@p)) S
)

@kmap_null_check_shown depends on context && kmap_null_check_calls@
expression E;
position p : script:python() { inline.found("kmap-null-check", p) };
@@
* E@p

@kmap_null_check_told depends on (org || report) && kmap_null_check_calls@
expression E;
position p : script:python() { inline.found("kmap-null-check", p) };
@@
E@p

@script:python depends on org@
p << kmap_null_check_told.p;
@@
for text in inline.tell("kmap-null-check", p):
    coccilib.org.print_todo(p[0], text)

@script:python depends on report@
p << kmap_null_check_told.p;
@@
for text in inline.tell("kmap-null-check", p):
    coccilib.report.print_report(p[0], text)
