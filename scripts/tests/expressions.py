# SPDX-License-Identifier: GPL-2.0-only
"""Expressions of C for tests of what is said about one, as Coccinelle reads them."""

import os
import subprocess

from kmaplocal.c import syntax
from kmaplocal.commands.fixtures import REPOSITORY

_PARAMS = "struct page *page, struct holder *holder, char *p, char *q, int n, int rc"


def read(folder, texts):
    """The expressions that TEXTS are, by their text; FOLDER is written to."""
    lines = "".join(f"\ttake({text});\n" for text in texts)
    path = folder / "expressions.c"
    path.write_text(f"void f({_PARAMS})\n{{\n{lines}}}\n")
    rules = REPOSITORY / "cocci/facts.cocci"
    command = ["spatch", "--no-includes", "--very-quiet", "--sp-file", rules, path]
    environment = dict(os.environ, PATH="/usr/bin:/bin")
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    (function,) = syntax.read_facts(done.stdout).functions
    calls = sorted(function.calls({"take"}), key=lambda call: call.start)
    return {text: call.arguments[0] for text, call in zip(texts, calls, strict=True)}
