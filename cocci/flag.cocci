// SPDX-License-Identifier: GPL-2.0-only
/// Find wrong use of page mappings, old and new: leaks, wrong order, use after
/// unmap, addresses that leave the thread or the page, and the like.
/// make coccicheck SPFLAGS="-D rule=kmap-leak,kmap-nested" looks for these rules
/// only, SPFLAGS="-D ignore=kmap-deprecated" for all but this one.
///
// Confidence: Moderate
// Options: --no-includes --keep-comments
// Comments: What is found comes from kmaplocal, which follows every path of a
// Comments: function; of other files nothing is known here.
// Comments: In patch mode it mends what has one right answer: kmap-nesting-order,
// Comments: kmap-mixed-pair, kmap-wrong-argument, kmap-null-check, kmap-leak; of these
// Comments: one a function.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
# kmaplocal is where this file is from, or where its command is installed.
import os, shutil, sys
words = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
files = [word for word in words if word.endswith(".cocci")] + [shutil.which("kmaplocal")]
sys.path += [os.path.join(os.path.dirname(os.path.realpath(f)), "../scripts") for f in files if f]
try:
    from kmaplocal import inline
except ImportError:
    sys.exit("kmaplocal is not found: install it (make install), or link this file to it")

@initialize:python@
rule << virtual.rule;
@@
inline.rule = rule

@initialize:python@
ignore << virtual.ignore;
@@
inline.ignore = ignore

// Words that spatch looks for before it reads a file.
@kmap_flag_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kmap_local_page@p\|
  kmap_local_page_prot@p\|kmap_local_folio@p\|kmap_local_pfn@p\|bvec_kmap_local@p\|
  kunmap@p\|kunmap_atomic@p\|kunmap_local@p\|sg_miter_next@p\|skb_seq_read@p\)(...)

@kmap_flag_left depends on patch && kmap_flag_calls@
statement S;
position p : script:python() { inline.adds(p) != "" };
@@
S@p

@script:python kmap_flag_before@
p << kmap_flag_left.p;
call;
@@
coccinelle.call = cocci.make_expr(inline.adds(p))

@depends on patch@
statement S;
position kmap_flag_left.p;
expression kmap_flag_before.call;
@@
+ call;
S@p

@kmap_flag_fix depends on patch && kmap_flag_calls@
expression E;
identifier f;
position c : script:python() { inline.replaces(c) };
position r : script:python() { inline.fix(r) == "remove" };
position p;
@@
(
f@p@c(...)
|
E@p@r
)

@script:python kmap_flag_new@
p << kmap_flag_fix.p;
call;
@@
coccinelle.call = cocci.make_expr(inline.fix(p))

@depends on patch@
position kmap_flag_fix.p;
expression kmap_flag_new.call;
position swap : script:python() { inline.fix(swap) == "swap" };
expression A, B, E;
identifier f, g;
statement S;
@@
(
- f@p@swap(A);
- g(B);
+ g(B);
+ f(A);
|
- if (!E@p) S
|
- if (unlikely(!E@p)) S
|
- if (E@p == NULL) S
|
- if (IS_ERR(E@p)) S
|
- f@p(...)
+ call
)

@kmap_flag_shown depends on context && kmap_flag_calls@
expression E;
position p : script:python() { inline.marked(p) };
@@
(
* return@p ...;
|
* E@p
)

@kmap_flag_found depends on (org || report) && kmap_flag_calls@
expression E;
position p : script:python() { inline.found(p) };
@@
(
return@p ...;
|
E@p
)

@script:python depends on org@
p << kmap_flag_found.p;
@@
for text in inline.tell(p):
    coccilib.org.print_todo(p[0], text)

@script:python depends on report@
p << kmap_flag_found.p;
@@
for text in inline.tell(p):
    coccilib.report.print_report(p[0], text)
