# SPDX-License-Identifier: GPL-2.0-only
"""kmaplocal: retire kmap() and kmap_atomic() from Linux kernel code.

The way of the data, a room each:

knowledge row functions (the one table of the kernel's functions) memory user pages
          context values (its rows), api (the mapping calls)
read      kernel (the tree), outline tags lexer oldcalls (one file before spatch),
          spatch parsing workers facts (running it), syntax (its facts as a tree),
          definitions generated structs initialisers (the rest of the tree)
bounds    text sizes types linear (what C's words say), flow (what changes where),
          exprtypes translate (an expression as a sum), limits guards (what bounds
          it), prover query (inside of the page or not), offsets many extents (how
          far the accesses of a mapping go)
flow      engine (every mapping along every path), cfg (which statement may follow
          which), values state conditions (what is known on the way), relevance
          (what can matter), evaluator branches stores transfer calls maps (what a
          step does), escape (who can reach a local variable), events (what is
          recorded)
judge     callees pointers (what others do with an address), places (where),
          assembly (what is given to it), order explicit saved (what can be put
          right), obligations doubts certificate (what holds), wrappers (mapped
          here, unmapped there), analysis (all of it)
convert   idioms fills flushes plan (what is to be done), edits layout conversion
          (bringing together what the semantic patches change), patch replace
tell      apply verify report listing history bodies doors output goldens
          fixtures
flag      finding survey (what is wrong with a mapping, old or new), inspection
          scene peers (one function, as the rules look at it), nesting escapes
          leaks lifetimes pairs pages sleeps checks deprecated (the rules), diff
          mail since changes scope (what a patch is answerable for), fingerprint
          suppression baseline acceptance (what is accepted), handbook and rules/
          (a page a rule), report formats door (what is told, and how), text
prove     reference alignment (both sides of a change), objects farm kbuild bench
          (what to compile, and where), identity assembly unmaps builds
          complaints context checkpatch flags (the doors), record (what each of
          them said), boot/ (a kernel with the change and one without, each seen
          to run)

At the top: cli (the doors), console errors home, and inline, which the semantic
patches ask from inside spatch.
"""

VERSION = "1.0"
