// SPDX-License-Identifier: GPL-2.0-only
/// Replace kmap(), kmap_atomic() and their unmaps by kmap_local_page() and
/// kunmap_local(), or by a helper such as memcpy_to_page() that maps, copies and
/// unmaps. SPFLAGS="-D oldest=5.15" names the oldest kernel the code is for:
/// nothing newer is called. SPFLAGS="-D source=path" names the kernel, or its headers,
/// in which what a module calls is looked up. SPFLAGS="-D idioms" does nothing but
/// offer such helpers for mappings that are local already.
///
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: The edits come from kmaplocal, which reads the whole function: it is
// Comments: converted with all it needs, when every mapping in it is certified, or left.
// Comments: Of other files nothing is known here, but by -D source.

virtual patch
virtual context
virtual org
virtual report
virtual idioms
// Of the driver, which knows what changes with other files.
virtual joined

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
oldest << virtual.oldest;
@@
inline.oldest = oldest

@initialize:python@
source << virtual.source;
@@
inline.source = source

// Words that spatch looks for before it reads a file.
@kmap_local_calls@
position p;
@@
\(kmap@p\|kmap_atomic@p\|kmap_atomic_prot@p\|kmap_atomic_pfn@p\|kunmap@p\|kunmap_atomic@p\)(...)

@kmap_local_offers depends on idioms@
position p;
@@
kmap_local_page@p(...)

@script:python depends on idioms@
@@
inline.idioms = True

// The places of the edits. Each is seen before any is made: what one pattern here
// does not match keeps the whole file as it is. No statement has two of them that
// are on different lines here: the first one alone would match.
@kmap_local_edit depends on kmap_local_calls || kmap_local_offers || joined@
position p;
position beside : script:python() { inline.does(beside, "before", "pair", "after", "ahead") };
position declare : script:python() { inline.does(declare, "declare") };
position unused : script:python() { inline.does(unused, "undeclare") };
position many : script:python() { inline.does(many, "statements", "open", "room") };
position gone : script:python() { inline.does(gone, "unassign") };
position drop : script:python() { inline.does(drop, "drop") };
position init : script:python() { inline.does(init, "drop", "forget", "keep", "early") };
position keep : script:python() { inline.does(keep, "keep") };
position sum : script:python() { inline.does(sum, "sum") };
position call : script:python() { inline.does(call, "name", "replace") };
statement S;
declaration D;
expression E, F, v;
type T, C;
identifier x, f;
@@
(
S@p@beside
|
D@p@declare
|
T x@p@unused;
|
T x@p@unused = NULL;
|
T x@p@unused = 0;
|
E@p@many;
|
E@p@gone = F;
|
v = f@p@drop(...);
|
f@p@drop(...);
|
T x = f@p@init(...);
|
T x = (C)f@p@keep(...);
|
T x = <+... f@p@keep(...) ...+>;
|
  f@p@sum(...) + F
|
  (C)f@p@sum(...) + F
|
f@p@call(...)
)

@script:python@
p << kmap_local_edit.p;
@@
inline.seen(p)

@script:python kmap_local_new@
p << kmap_local_edit.p;
called; first; second; third;
@@
if not inline.all_seen(p):
    cocci.include_match(False)
coccinelle.called = cocci.make_ident(inline.text(p, "name"))
coccinelle.first = cocci.make_expr(inline.text(p, "first"))
coccinelle.second = cocci.make_expr(inline.text(p, "second"))
coccinelle.third = cocci.make_expr(inline.text(p, "third"))

// One rule makes all edits: spatch reads a function that a rule changed anew, and
// no position holds there any more.
@depends on patch@
position kmap_local_edit.p;
identifier kmap_local_new.called;
expression kmap_local_new.first, kmap_local_new.second, kmap_local_new.third;
position before : script:python() { inline.does(before, "before") };
position pair : script:python() { inline.does(pair, "pair") };
position after : script:python() { inline.does(after, "after") };
position ahead : script:python() { inline.does(ahead, "ahead") };
position opened : script:python() { inline.does(opened, "open") };
position room : script:python() { inline.does(room, "room") };
position drop : script:python() { inline.does(drop, "drop") };
position forget : script:python() { inline.does(forget, "forget") };
position keep : script:python() { inline.does(keep, "keep") };
position early : script:python() { inline.does(early, "early") };
position one : script:python() { inline.statements(one) == 1 };
position two : script:python() { inline.statements(two) == 2 };
position three : script:python() { inline.statements(three) == 3 };
position other : script:python() { inline.does(other, "name") };
position sum : script:python() { inline.does(sum, "sum") };
position whole : script:python() { inline.does(whole, "replace") };
position gone : script:python() { inline.does(gone, "unassign") };
position unused : script:python() { inline.does(unused, "undeclare") };
statement S;
declaration D;
expression E, F, v;
type T, C;
identifier x, f;
@@
(
+ first;
  S@p@before
|
+ first;
+ second;
  S@p@pair
|
  S@p@after
+ first;
|
+ void *called;
  S@p@ahead
|
  D@p
+ void *called;
|
- T x@p@unused;
|
- T x@p@unused = NULL;
|
- T x@p@unused = 0;
|
- E@p@one;
+ first;
|
- E@p@two;
+ first;
+ second;
|
- E@p@three;
+ first;
+ second;
+ third;
|
- E@p@opened;
+ void *called = first;
+ second;
|
- E@p@room;
+ void *called;
+ first;
+ second;
+ third;
|
- E@p@gone = F;
|
- v = f@p@drop(...);
|
- T x = f@p@drop(...);
|
- f@p@drop(...);
|
  T x
- = f@p@forget(...)
  ;
|
+ void *called;
  T x =
- f@p@early(...)
+ first
  ;
|
+ void *called = first;
  T x =
- f@p@keep(...)
+ called
  ;
|
+ void *called = first;
  T x =
- (C)f@p@keep(...)
+ called
  ;
|
+ void *called = first;
  T x =
  <+...
- f@p@keep(...)
+ called
  ...+>;
|
- (f@p@sum(...) + F)
+ first
|
- ((C)f@p@sum(...) + F)
+ first
|
- f@p@other
+ called
  (...)
|
- f@p@whole(...)
+ first
)

// The parameters that functions get, once all that calls them is changed; spatch
// changes the declarations in the same file with a definition.
@kmap_local_taker depends on patch && kmap_local_edit@
identifier f : script:python() { inline.gained(f) != "" };
parameter list ps;
@@
f(ps) { ... }

@script:python kmap_local_address@
f << kmap_local_taker.f;
pointer; added;
@@
pointer, _, name = inline.gained(f).rpartition("*")
coccinelle.pointer = cocci.make_type(pointer + "*")
coccinelle.added = cocci.make_ident(name)

@depends on patch@
identifier kmap_local_taker.f, kmap_local_address.added;
type kmap_local_address.pointer;
parameter list ps;
@@
f(ps
+ , pointer added
  ) { ... }

// ... and where they are only declared.
@kmap_local_taking depends on patch && joined@
identifier f : script:python() { inline.declared(f) != "" };
type T;
parameter list ps;
@@
T f(ps);

@script:python kmap_local_taken@
f << kmap_local_taking.f;
pointer; added;
@@
pointer, _, name = inline.declared(f).rpartition("*")
coccinelle.pointer = cocci.make_type(pointer + "*")
coccinelle.added = cocci.make_ident(name)

@depends on patch@
identifier kmap_local_taking.f, kmap_local_taken.added;
type T, kmap_local_taken.pointer;
parameter list ps;
@@
T f(ps
+ , pointer added
  );

@kmap_local_shown depends on context@
position kmap_local_edit.p;
statement S;
declaration D;
expression E, F;
type T;
identifier x, f;
@@
(
* S@p
|
* D@p
|
* T x@p;
|
* T x@p = NULL;
|
* T x@p = 0;
|
* E@p;
|
* E@p = F;
|
* f@p(...)
)

@script:python depends on org@
p << kmap_local_edit.p;
@@
coccilib.org.print_todo(p[0], inline.message(p))

@script:python depends on report@
p << kmap_local_edit.p;
@@
coccilib.report.print_report(p[0], inline.message(p))

@finalize:python@
@@
inline.tell_unseen()
