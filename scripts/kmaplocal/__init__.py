# SPDX-License-Identifier: GPL-2.0-only
"""kmaplocal: retire kmap() and kmap_atomic() from Linux kernel code.

The way of the data, a room each, from the bottom:

knowledge row functions (the one table of the kernel's functions) memory user pages
          context values (its rows), api (the mapping calls)
c         lexer lines nesting limits tags outline oldcalls conditions arms labels inner
          (one file before spatch), parsing syntax (what spatch says of it), guards
          regions cleanup cfg places assembly (the tree of a function), dominance
          reaching (what is passed, and set, on every path), text linear sizes types
          exprtypes structs (its types, sums), respelt (members as variables), heads
          (macros as loops)
tree      kernel repository (the tree), search shard (its candidate files), likely
          definitions generated initialisers members index (what is defined where),
          answers invalidation (what was asked of it, and what a change makes of that),
          source module target (the kernel a module is for), spatch standing processes
          patching (running spatch), facts (what it says), kconfig objects (what a file
          is built for), outcome
cache     cache (the database), facts (known ones), state incremental (results)
flow      engine (every mapping along every path), values state conditions (what is
          known on the way), relevance (what can matter), evaluator branches stores
          transfer calls maps (what a step does), escape (who can reach a local
          variable), events trace (what is recorded), pointers tree memo (what is
          asked of the rest of the tree), holder (what keeps addresses between calls)
bounds    translate (an expression as a sum), limits guards (what bounds it), prover
          query (inside of the page or not), segments (bio_vecs of one page), offsets
          many extents (how far the accesses of a mapping go)
summaries callees effects chains mappings named (what a function does with an address,
          and to the mappings of its callers), knowledge (all that, as one file has it),
          requests (what is not known yet), pointers (which functions a pointer can
          be), reaching users (who maps by others), linear (who asks page_address())
repairs   order explicit base_pointer (what can be put right), repair (how that is
          done), folios vectors asked, roles steady late carry heads (addresses that go
          with their pages, from function to function, and the parameters for them)
certify   analysis file (all of it), learner (what they ask for), view (who looks at
          what), readings called gaps doubts offers (what was not read, or is not
          there), dependencies (what a result depends on), function (one that was
          followed), paired lifo local faults preempt one_page (an obligation each),
          context, certificate certify (what follows), wrappers family conditional
          unrepaired carried (mapped here, unmapped there), closed postponed rewritten
          afterwards (what carried looks at), aliases (two mappings of one page),
          lowmem members (pages that need no mapping), holders holding (structures that
          keep addresses), parallel (parts of a tree, a process each)
idioms    idioms copies sets fills casts (page helpers), flushes
steps     steps task (what a person has to change where a mapping is kept, and the
          kinds of that), kept unmapping callers (what its rules look at); the rules:
          handed stored passed paths context pages reading
apply     plan agreement together (what is to be done), edit edits blanks layout braces
          comments conversion (making the edits by the semantic patches), outcomes
          cached (of many files), goldens, patch replace
findings  survey (files), checks context called additions roots (one function, as the
          rules look at it), registry architectures elsewhere finding report text
          handbook mend; rules/ (a rule, and its page), accept/ (comments, baselines,
          what apply does), change/ (what a patch is answerable for), formats/ (how it
          is told)
prove     reference alignment (both sides of a change), objects farm kbuild bench
          (what to compile, and where), identity assembly unmaps builds
          complaints context checkpatch flags (the doors), record (what each of
          them said), trial (all of it), steps (changes one after the other), boot/ (a
          kernel with the change and one without, each seen to run)
history   history bodies (what upstream did)
series    request draft (what is asked, and what becomes of it), conversions fixes (the
          two kinds of series), account message safety changes remedy blame checked
          cover left (the argument), grouping maintainers prefix recipients (to whom),
          verified (what stands against it), commits branches mails previous writing
report    report listing output (certificates of a tree), page events (the same for a
          browser)
cost      bench meter (what the commands cost)
commands  apply flag report series verify boot history merge goldens bench clean_cache
          answer: a command a file, options included; fixtures (make goldens ONLY=),
          html unfound answers (what they print, and tell spatch)

At the top: cli (the doors), console errors home workers, and inline, which the semantic
patches ask from inside spatch.
"""

VERSION = "1.0"
