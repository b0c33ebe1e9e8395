# SPDX-License-Identifier: GPL-2.0-only
"""What an `#if` asks, and the readings of a function that has some."""

from itertools import product

import pytest

from kmaplocal.c import conditions, lexer
from kmaplocal.c.arms import Arms, Kernels, TooMany, dead, where
from kmaplocal.c.conditions import Configuration
from kmaplocal.c.outline import Outline, Span

HELD = {"CONFIG_A is set": True, "B is defined": False, "CONFIG_C is enabled": True}
OF_6_1 = Configuration((6, 1, 0), HELD)


def read(text):
    return conditions.condition(lexer.tokens(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("#ifdef CONFIG_A", True),
        ("#ifndef CONFIG_A", False),
        ("#if defined CONFIG_A && !defined(B)", True),
        ("#if (defined(B) || IS_ENABLED(CONFIG_C))", True),
        ("#elif defined(B)", False),
        ("#elifdef CONFIG_A", True),
        ("#elifndef CONFIG_A", False),
        ("#if IS_BUILTIN(CONFIG_A)", True),
        ("#if IS_MODULE(CONFIG_A)", None),
        ("#if 0", False),
        ("#if 1 /* for now */", True),
        ("#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)", True),
        ("#if LINUX_VERSION_CODE > KERNEL_VERSION(6,1,0)", False),
        ("#if KERNEL_VERSION(5, 11, 0) > LINUX_VERSION_CODE", False),
        ("#if LINUX_VERSION_CODE < 0x060200", True),
        ("#if defined(RHEL_MAJOR) && RHEL_MAJOR >= 8", False),
        ("#if RHEL_RELEASE_CODE < RHEL_RELEASE_VERSION(8, 2)", True),
        ("#if UNKNOWN > 2", None),
        ("#if UNKNOWN > 2 && 0", False),
        ("#if UNKNOWN ? 1 : 0", None),
        ("#if defined(", None),
    ],
)
def test_value(text, value):
    assert read(text).value(OF_6_1) is value


def test_opposites_ask_the_same():
    texts = "#if N < 2", "#if N >= 2", "#if !(N < 2)"
    asked = {tuple(read(text).questions()) for text in texts}
    assert asked == {("N >= 2 is true",)}


def arms(body, kernels=Kernels()):
    text = f"int f(struct page *page)\n{{\n{body}\n}}\n"
    span = Span("f", 1, text.count("\n"))
    return Arms(Outline(text, [span]), span, kernels)


def group(name, arm, other=""):
    return (
        f"#ifdef {name}\n{arm}\n" + (f"#else\n{other}\n" if other else "") + "#endif\n"
    )


SET = group("CONFIG_A", "n = 1;")


@pytest.mark.parametrize(
    ("body", "readings"),
    [
        (group("CONFIG_A", "pr_debug(n);"), 0),
        (group("CONFIG_A", "int n;"), 0),
        (group("CONFIG_A", "v = kmap(page);"), 2),
        (group("CONFIG_A", "return 1;"), 2),
        (group("CONFIG_A", "if (n) {"), 2),
        (group("CONFIG_A", "n++;"), 2),
        (group("CONFIG_A", "one();", "other();"), 2),
        ("call(n\n" + group("CONFIG_A", ", 0") + ");", 2),
        ("if (n)\n" + group("CONFIG_A", "call();"), 2),
        (group("CONFIG_A", "n = 1;") + group("CONFIG_B", "n = 2;"), 4),
        (group("CONFIG_A", "n = 1;") + group("CONFIG_A", "n = 2;"), 2),
        (group("CONFIG_A", group("CONFIG_B", "n = 1;") + "n = 2;"), 3),
        (group("CONFIG_A", "n = 1;") + group("CONFIG_B", "call();"), 2),
        ("#if 0\nn = 1;\n#endif", 1),
        (SET + "#if !defined(CONFIG_A)\nn = 2;\n#endif\n", 2),
        (SET + "#if IS_BUILTIN(CONFIG_A)\nn = 2;\n#endif\n", 2),
        (SET + "#if IS_ENABLED(CONFIG_A)\nn = 2;\n#endif\n", 3),
        (SET + "#if CONFIG_A > 2\nn = 2;\n#endif\n", 4),
        ("#ifdef B\nn = 1;\n#endif\n#if B\nn = 2;\n#endif\n", 3),
        (SET + "#define CONFIG_A 1\n" + SET, 4),
        (SET + "#undef CONFIG_A\n" + SET, 4),
        (SET + "#define CONFIG_B 1\n" + SET, 2),
    ],
)
def test_how_many_readings(body, readings):
    assert len(arms(body).readings()) == readings


def test_questions_are_not_multiplied():
    body = "".join(group(f"CONFIG_{n}", f"n = {n};") for n in range(7))
    assert len(arms(body).readings()) == 2 + 2 * 7
    with pytest.raises(TooMany, match="ask 8 questions, 7 are the most"):
        arms(body + group("CONFIG_7", "n = 7;")).readings()


def test_few_questions_are_asked_in_all_ways():
    body = "".join(group(f"CONFIG_{n}", f"n = {n};") for n in range(4))
    assert len(arms(body).readings()) == 16


def test_each_arm_is_read():
    seldom = " && ".join(f"{'!' * (n % 2)}defined(CONFIG_{n})" for n in range(6))
    body = "".join(group(f"CONFIG_{n}", f"n = {n};") for n in range(6))
    inner = group("CONFIG_6", "n = 7;")
    found = arms(f"{body}#if {seldom}\n{inner}return n;\n#endif\n")
    read = found.readings()
    assert len(read) == 2 + 2 * 6 + 1
    unread = frozenset.intersection(*(each.hidden for each in read))
    assert unread == found.outline.directives.keys()


def test_what_is_enabled_is_built_in_or_a_module():
    texts = ["CONFIG_A is enabled", "CONFIG_A is set", "CONFIG_A_MODULE is set"]
    good = {(False, False, False), (True, True, False), (True, False, True)}
    for answers in product((False, True), repeat=3):
        held = dict(zip(texts, answers))
        assert conditions.is_coherent(held) == (answers in good)


def test_a_directive_is_blank_to_its_end():
    """It is continued, or a comment on it goes on."""
    one = "#if defined(CONFIG_A) && \\\n    defined(CONFIG_B)\nn = 1;\n"
    (yes, no) = arms(one + "#endif /* of\n * both */\nn = 2;").readings()
    assert (yes.hidden, no.hidden) == ({3, 4, 6, 7}, {3, 4, 5, 6, 7})


def test_lines_stay():
    (yes, no) = arms(group("CONFIG_A", "n = 1;", "n = 2;")).readings()
    assert (yes.hidden, no.hidden) == ({3, 5, 6, 7}, {3, 4, 5, 7})
    assert where([yes], [yes, no]) == "CONFIG_A is set"
    assert where([yes, no], [yes, no]) == ""
    assert [yes.shows_gap(line) for line in (3, 4, 5, 6, 7, 8)] == [
        True,
        True,
        True,
        False,
        False,
        True,
    ]


OLD = "#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)\nn = 1;\n#else\nn = 2;\n#endif"


@pytest.mark.parametrize(
    ("kernels", "readings", "gone"),
    [
        (Kernels(), 1, set()),
        (Kernels((6, 1, 0), (5, 4, 0)), 2, set()),
        (Kernels((6, 1, 0), (5, 11, 0)), 1, {4}),
    ],
)
def test_kernels(kernels, readings, gone):
    found = arms(OLD, kernels)
    assert len(found.readings()) == readings
    assert dead(found.outline, kernels) == gone


def test_what_is_around_the_function_holds_in_it():
    body = group("CONFIG_A", "n = 1;", "n = 2;")
    text = f"#ifdef CONFIG_A\nint f(void)\n{{\n{body}}}\n#endif\n"
    span = Span("f", 2, text.count("\n") - 1)
    (only,) = Arms(Outline(text, [span]), span).readings()
    assert 5 not in only.hidden and 7 in only.hidden
