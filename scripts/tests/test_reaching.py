# SPDX-License-Identifier: GPL-2.0-only
"""c/reaching.py: what a variable was last set to, whichever path was taken."""

import os
import subprocess

import pytest
from conftest import REPOSITORY

from kmaplocal.c import syntax
from kmaplocal.c.reaching import Reaching

PARAMETERS = "int a, int n, struct item *item"

# By body: what `v` was last set to at use(v); None where paths differ.
DEFINITIONS = {
    "plain": ("v = a;\n\tuse(v);", "a"),
    "after_an_if": ("v = a;\n\tif (n)\n\t\tv = 2;\n\tuse(v);", None),
    "both_arms": ("if (n)\n\t\tv = 1;\n\telse\n\t\tv = 2;\n\tuse(v);", None),
    "set_again": ("if (n)\n\t\tv = 1;\n\tv = 2;\n\tuse(v);", "2"),
    "in_its_own_value": ("v = a;\n\tv = v + 1;\n\tuse(v);", "v + 1"),
    "backward_goto": ("v = 1;\nagain:\n\tuse(v);\n\tv = 2;\n\tgoto again;", None),
    "before_the_label": ("v = 1;\nagain:\n\tuse(v);\n\tgoto again;", "1"),
    "after_the_label": (
        "v = 1;\nagain:\n\tv = 2;\n\tuse(v);\n\tif (n)\n\t\tgoto again;",
        "2",
    ),
    "goto_past_it": (
        "v = 1;\n\tif (n)\n\t\tgoto out;\n\tv = 2;\nout:\n\tuse(v);",
        None,
    ),
    "goto_by_a_macro": (
        "v = 1;\n\tif (n)\n\t\tGOTO(out, a);\n\tv = 2;\nout:\n\tuse(v);",
        None,
    ),
    "goto_elsewhere": (
        "v = 1;\n\tif (n)\n\t\tgoto out;\n\tv = 2;\n\tuse(v);\nout:\n\treturn;",
        "2",
    ),
    "loop_changes": ("v = 1;\n\twhile (n--) {\n\t\tuse(v);\n\t\tv = 2;\n\t}", None),
    "loop_sets_first": ("v = 1;\n\twhile (n--) {\n\t\tv = 2;\n\t\tuse(v);\n\t}", "2"),
    "loop_is_skipped": ("v = 1;\n\twhile (n--)\n\t\tv = 2;\n\tuse(v);", None),
    "loop_is_not_skipped": ("do\n\t\tv = a;\n\twhile (n--);\n\tuse(v);", "a"),
    "do_while": ("v = 1;\n\tdo {\n\t\tuse(v);\n\t\tv = 2;\n\t} while (n--);", None),
    "header_of_a_loop": ("for (v = 0; v < n; v++)\n\t\tuse(v);", None),
    "goto_out_of_a_loop": (
        "for (;;) {\n\t\tv = 1;\n\t\tif (n)\n\t\t\tgoto out;\n\t\tv = 2;\n\t}\n"
        "out:\n\tuse(v);",
        "1",
    ),
    "breaks_out_of_a_loop": (
        "for (;;) {\n\t\tv = 1;\n\t\tif (n)\n\t\t\tbreak;\n\t\tv = 2;\n\t\tif (a)\n"
        "\t\t\tbreak;\n\t}\n\tuse(v);",
        None,
    ),
    "next_turn": (
        "v = 1;\n\twhile (n--) {\n\t\tif (a)\n\t\t\tcontinue;\n\t\tuse(v);\n\t}",
        "1",
    ),
    "falls_through": (
        "switch (n) {\n\tcase 1:\n\t\tv = 1;\n\tcase 2:\n\t\tuse(v);\n\t}\n\tv = 2;",
        None,
    ),
    "breaks": (
        "v = 1;\n\tswitch (n) {\n\tcase 1:\n\t\tv = 2;\n\t\tbreak;\n\tcase 2:\n"
        "\t\tuse(v);\n\t}",
        "1",
    ),
    "every_case": (
        "switch (n) {\n\tcase 1:\n\t\tv = 1;\n\t\tbreak;\n\tdefault:\n\t\treturn;\n"
        "\t}\n\tuse(v);\n\tv = 2;",
        "1",
    ),
    "into_a_loop": (
        "switch (n) {\n\tcase 1:\n\t\tdo {\n\t\t\tv = 1;\n\tcase 2:\n\t\t\tuse(v);\n"
        "\t\t} while (a--);\n\t}\n\tv = 2;",
        None,
    ),
    "never_returns": (
        "v = 1;\n\tif (n) {\n\t\tv = 2;\n\t\tBUG();\n\t}\n\tuse(v);",
        "1",
    ),
    "set_in_a_condition": ("v = 1;\n\tif (n && (v = 2))\n\t\ta++;\n\tuse(v);", None),
    "iterator_sets_it": ("v = 1;\n\tfor_each_item(v, item)\n\t\tuse(v);", None),
    "address_is_taken": ("v = 1;\n\tfill(&v);\n\tuse(v);", None),
    "out_of_reach": ("v = 1;\n\tuse(v);\n\treturn;\n\tv = 2;\n\tuse_not(v);", None),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The functions of DEFINITIONS and CONDITIONS, as Coccinelle reads them."""
    text = ""
    for name, (body, _) in {**DEFINITIONS, **CONDITIONS}.items():
        text += f"void {name}({PARAMETERS})\n{{\n\tint v;\n\n\t{body}\n}}\n"
    path = tmp_path_factory.mktemp("reaching") / "some.c"
    path.write_text(text)
    command = ["spatch", "--no-includes", "--very-quiet", "--sp-file"]
    command += [REPOSITORY / "cocci/facts.cocci", path]
    environment = dict(os.environ, PATH="/usr/bin:/bin")
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    found = syntax.read_facts(done.stdout)
    return {function.name: function for function in found.functions}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_definition(source, name):
    function = source[name]
    (call,) = function.calls({"use"})
    value = Reaching(function).value(call.arguments[0])
    assert (value and value.text) == DEFINITIONS[name][1]


def test_definition_in_an_arm_of_an_if_of_the_preprocessor(source):
    """It may not be there; what stands in the same arm has it."""
    function = source["set_again"]
    (call,) = function.calls({"use"})
    first = function.body[2].start[0]
    within = Reaching(function, branches=[(first - 1, first + 1)])
    assert within.value(call.arguments[0]) is not None
    without = Reaching(function, branches=[(first - 1, first)])
    assert function.body[2].text == "v = 2 ;" and call.start[0] == first + 1
    assert without.value(call.arguments[0]) is None


# By body: whether the first condition of it was true, false, or either, at use(v).
CONDITIONS = {
    "arm": ("if (n > 4)\n\t\tuse(v);", True),
    "other_arm": ("if (n > 4)\n\t\ta++;\n\telse\n\t\tuse(v);", False),
    "behind_both": ("if (n > 4)\n\t\ta++;\n\tuse(v);", None),
    "behind_a_return": ("if (n > 4)\n\t\treturn;\n\tuse(v);", False),
    "behind_a_nested_return": (
        "if (n > 4) {\n\t\tif (a)\n\t\t\treturn;\n\t\telse\n\t\t\treturn;\n\t}\n"
        "\tuse(v);",
        False,
    ),
    "behind_a_bug": ("if (n > 4)\n\t\tBUG();\n\tuse(v);", False),
    "goto_to_the_same": (
        "if (n > 4)\n\t\tgoto out;\n\ta++;\nout:\n\tuse(v);",
        None,
    ),
    "goto_elsewhere_instead": (
        "if (n > 4)\n\t\tgoto out;\n\tuse(v);\nout:\n\treturn;",
        False,
    ),
    "asked_in_each_turn": (
        "while (a--) {\n\t\tif (n > 4)\n\t\t\tcontinue;\n\t\tuse(v);\n\t}",
        False,
    ),
    "asked_again": (
        "again:\n\tif (n > 4) {\n\t\tn--;\n\t\tgoto again;\n\t}\n\tuse(v);",
        False,
    ),
    "in_a_loop": ("while (n > 4)\n\t\tuse(v);", True),
    "behind_a_loop": ("while (n > 4)\n\t\tn--;\n\tuse(v);", False),
    "behind_a_loop_left_early": (
        "while (n > 4)\n\t\tif (a)\n\t\t\tbreak;\n\tuse(v);",
        None,
    ),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_condition(source, name):
    function = source[name]
    (call,) = function.calls({"use"})
    paths = Reaching(function)
    tests = [e for e in function.exprs if e.text == "n > 4"]
    known = [
        truth
        for truth in (True, False)
        for test in tests
        if paths.decides(paths.place(test), truth, paths.place(call))
    ]
    assert known == ([] if CONDITIONS[name][1] is None else [CONDITIONS[name][1]])
