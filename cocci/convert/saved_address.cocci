// SPDX-License-Identifier: GPL-2.0-only
/// Keep the address that a map call gives in a variable of its own, where the
/// cursor moves on and kunmap_local() is to be given an address in the page.
///
// Confidence: High
// Options: --no-includes --keep-comments
// Comments: The plan comes from scripts/kmaplocal: a function is converted only when
// Comments: every mapping in it is certified, so that none is left half converted.
// Comments: To be used together with new_variable.cocci, which declares the variable,
// Comments: and kmap.cocci and kmap_atomic.cocci, which change the unmaps.

virtual patch
virtual context
virtual org
virtual report

@initialize:python@
@@
import os, sys
arguments = open("/proc/self/cmdline").read().replace("=", "\0").split("\0")
place = next(a for a in arguments if a.endswith("saved_address.cocci"))
folder = os.path.dirname(os.path.abspath(place))
sys.path.append(os.path.join(folder, os.pardir, os.pardir, "scripts"))
from kmaplocal import inline

@saved_address_call@
position p : script:python() { inline.has("saved_address", p) };
@@
\(kmap@p\|kmap_atomic@p\)(...)

@script:python saved_address_with@
p << saved_address_call.p;
saved; call;
@@
coccinelle.saved = cocci.make_ident(inline.get("saved_address", p, "saved"))
coccinelle.call = cocci.make_expr(inline.get("saved_address", p, "call"))

@depends on patch@
position saved_address_call.p;
identifier saved_address_with.saved, x;
expression saved_address_with.call, page;
type T, C;
@@
(
+ saved = call;
  x =
- \(kmap@p\|kmap_atomic@p\)(page)
+ saved
  ;
|
+ saved = call;
  x =
- (C)\(kmap@p\|kmap_atomic@p\)(page)
+ saved
  ;
|
+ saved = call;
  x =
  <+...
- \(kmap@p\|kmap_atomic@p\)(page)
+ saved
  ...+>;
|
+ void *saved = call;
  T x =
- \(kmap@p\|kmap_atomic@p\)(page)
+ saved
  ;
|
+ void *saved = call;
  T x =
- (C)\(kmap@p\|kmap_atomic@p\)(page)
+ saved
  ;
|
+ void *saved = call;
  T x =
  <+...
- \(kmap@p\|kmap_atomic@p\)(page)
+ saved
  ...+>;
)

@saved_address_shown depends on context@
position p : script:python() { inline.has("saved_address", p) };
@@
* \(kmap@p\|kmap_atomic@p\)(...)

@saved_address_told depends on org || report@
position p : script:python() { inline.has("saved_address", p) };
@@
\(kmap@p\|kmap_atomic@p\)(...)

@script:python depends on org@
p << saved_address_told.p;
@@
coccilib.org.print_todo(p[0], inline.message("saved_address", p))

@script:python depends on report@
p << saved_address_told.p;
@@
coccilib.report.print_report(p[0], inline.message("saved_address", p))
