# SPDX-License-Identifier: GPL-2.0-only
"""kmaplocal: retire kmap() and kmap_atomic() from Linux kernel code.

The way of the data, and the modules along it:

read      kernel (the tree), outline tags lexer oldcalls (one file before spatch),
          spatch parsing workers (running it), syntax (its facts as a tree),
          definitions generated structs (the rest of the tree)
judge     paths trace (every mapping along every path), callees primitives
          (what others do with an address), places offsets bounds (where, how
          far), judge certificate analysis (the six obligations)
convert   idioms fills flushes plan (what is to be done), inline (what the
          semantic patches ask), edits layout convert (bringing it together)
tell      apply report listing history bodies doors output patch goldens
          fixtures console cli
"""
