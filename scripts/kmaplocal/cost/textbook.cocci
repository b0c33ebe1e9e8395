// SPDX-License-Identifier: GPL-2.0-only
/// What a textbook would do: each old name becomes its new one, wherever it is
/// used. It leaves functions half converted, and is here only to be measured.
// Confidence: Low
// Options: --no-includes --include-headers

virtual patch

@depends on patch@
expression e;
@@
- kmap(e)
+ kmap_local_page(e)

@depends on patch@
expression e;
@@
- kmap_atomic(e)
+ kmap_local_page(e)

@depends on patch@
expression e;
@@
- kunmap_atomic(e)
+ kunmap_local(e)
