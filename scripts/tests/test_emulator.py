# SPDX-License-Identifier: GPL-2.0-only
"""The fixtures run in the emulator: as they are, converted, and by force.

What is converted does what it did before. What is refused is caught when it is
converted nevertheless, or its driver says why it cannot be.
"""

import re
import subprocess
from collections import Counter
from functools import cache

import pytest
from conftest import REPOSITORY
from emulated import (
    DRIVERS,
    EMULATOR,
    FOUND,
    TIMEOUT,
    Emulator,
    Fixture,
    Programs,
    listed,
    make,
    run,
)

from kmaplocal.commands import fixtures

GROUPED_BY = {"fixture": lambda fixture: fixture.name}
FIXTURES = [Fixture(name) for name in fixtures.names()]
SELF = EMULATOR / "self"
REFUSING = [f for f in FIXTURES if f.refused]
# The one expectation that compares two runs instead of naming a finding.
DIFFERS = "differs"
# What gcc catches, and no run.
UNBUILT = "does-not-compile"
# Whose message the emulator's README shows.
README_FIXTURE = Fixture("fixtures/keep/lifo/fifo.c")

every_fixture = pytest.mark.parametrize("fixture", FIXTURES, ids=lambda f: f.name)
every_refusal = pytest.mark.parametrize(
    "fixture, function",
    [(f, function) for f in REFUSING for function in sorted(f.refused)],
    ids=lambda x: x if isinstance(x, str) else x.name,
)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    return Emulator(tmp_path_factory.mktemp("emulator"))


@pytest.fixture(scope="module")
def programs(emulator):
    return Programs(emulator)


@pytest.fixture
def program(programs, fixture):
    """program(state): the program of the fixture at hand."""
    return lambda state: programs.program(fixture, state)


# -- the drivers -------------------------------------------------------------------


def test_every_fixture_has_a_driver_and_every_driver_a_fixture():
    drivers = {str(path) for path in DRIVERS.rglob("*.c")}
    wanted = {str(fixture.driver) for fixture in FIXTURES}
    assert (sorted(wanted - drivers), sorted(drivers - wanted)) == ([], [])


def test_no_two_fixtures_have_the_same_name():
    """A finding names its file without the folder, and so do people."""
    count = Counter(fixture.driver.name for fixture in FIXTURES)
    assert [name for name, times in count.items() if times > 1] == []


@every_fixture
def test_driver_includes_its_own_fixture(fixture):
    included = re.findall(
        r"#include <((?:convert|keep)/.*)>", fixture.driver.read_text()
    )
    assert included == [fixture.name.removeprefix("fixtures/")]


@every_fixture
def test_every_verdict_has_a_test(fixture, program):
    tests = set(listed(program("before")))
    assert tests and set(fixture.reported) <= tests


@every_fixture
def test_every_refusal_is_spoken_of_once(fixture):
    caught, excused = fixture.said("caught"), fixture.said("not caught")
    assert not set(caught) & set(excused)
    assert set(caught) | set(excused) == fixture.refused
    assert set(fixture.said("today")) <= fixture.refused


# -- what is converted ---------------------------------------------------------------


@every_fixture
def test_does_what_it_did_before(fixture, program):
    others = fixture.refused | set(fixture.said("mended"))
    tests = [t for t in listed(program("before")) if t not in others]
    if not tests:
        assert others
        return
    before = run(program("before"), *tests)
    assert before.clean, before.errors
    if fixture.diff.exists():
        after = run(program("after"), *tests)
        assert after.clean, after.errors
        assert _unflushed(after) == _unflushed(before)
        assert _flushed(before) <= _flushed(after)


MENDED = [(f, name) for f in FIXTURES for name in f.said("mended")]


@pytest.mark.parametrize(
    "fixture, function", MENDED, ids=[f"{f.name}-{name}" for f, name in MENDED]
)
def test_conversion_mends_what_was_wrong(fixture, function, program):
    assert function in fixture.reported and function not in fixture.refused
    assert run(program("before"), function).found(fixture.said("mended")[function])
    after = run(program("after"), function)
    assert after.clean, after.errors


def _flushed(ran):
    """Which pages were flushed: one more is right where a helper does it too."""
    lines = enumerate(_by_test(ran))
    return {(n, line) for n, test in lines for line in test if "flushed" in line}


def _unflushed(ran):
    return [[x for x in test if "flushed" not in x] for test in _by_test(ran)]


def _by_test(ran):
    """The lines of the output, a list for each test."""
    tests = []
    for line in ran.output.splitlines():
        if not line.startswith(" "):
            tests.append([])
        tests[-1].append(line)
    return tests


# -- what is refused -----------------------------------------------------------------


@pytest.mark.parametrize("fixture", REFUSING, ids=lambda f: f.name)
def test_force_is_used(fixture, programs):
    after = (programs.root(fixture, "forced") / fixture.name).read_bytes()
    assert after != (REPOSITORY / fixture.name).read_bytes()


@every_refusal
def test_refused_function_today(fixture, function, program):
    ran = run(program("before"), function)
    finding = fixture.said("today").get(function)
    if finding:
        assert ran.found(finding), ran
    else:
        assert ran.clean, ran.errors


@every_refusal
def test_refused_function_is_caught_by_force(fixture, function, program, programs):
    finding = fixture.said("caught").get(function)
    if finding == UNBUILT:
        _, gcc = programs.build(fixture, "forced")
        assert f"In function '{function}'" in gcc.stderr
        return
    ran = run(program("forced"), function)
    if finding == DIFFERS:
        assert ran.clean, ran.errors
        assert ran.output != run(program("before"), function).output
    elif finding:
        assert ran.found(finding), ran
    else:
        assert ran.clean, "it is caught: no explanation is needed any more"


def test_message_in_the_readme_is_real(programs):
    said = run(programs.program(README_FIXTURE, "forced"), "move_word").errors
    assert _without_folders(said) in README


def _without_folders(said):
    return re.sub(r"/\S*/", "", said)


# -- the emulator itself -------------------------------------------------------------


def described(source):
    """By test: what the comment above it says, its marks filled in."""
    blocks = re.split(r"^(?=/\* \[)", source.read_text(), flags=re.M)
    line = 1
    for block in blocks:
        if block.startswith("/* ["):
            marks = {
                mark: f"{source}:{line + n}"
                for n, text in enumerate(block.splitlines())
                for mark in re.findall(r"/\* \[(\w)\] \*/", text)
            }
            said = block[3:].partition(" */")[0].replace("\n *", "")
            name = block.partition("TEST(")[2].partition(")")[0]
            yield name, re.sub(r"\[(\w)\]", lambda m: marks[m[1]], said)
        line += block.count("\n")


DESCRIBED = dict(described(SELF / "findings.c"))


@pytest.fixture(scope="module")
def selves(emulator):
    """selves(name): the program of a file in self/."""

    def build(name):
        program = emulator.folder / name
        done = emulator.compile(SELF / f"{name}.c", program)
        assert (done.returncode, done.stderr) == (0, "")
        return program

    return cache(build)


@pytest.mark.parametrize("name", DESCRIBED)
def test_finding_is_said_in_one_line(name, selves):
    ran = run(selves("findings"), name)
    assert ran.status == FOUND
    assert ran.errors == DESCRIBED[name] + "\n"


def test_every_finding_is_described(selves):
    assert listed(selves("findings")) == list(DESCRIBED)
    assert {said.split(": ")[1] for said in DESCRIBED.values()} == _findings()


def _findings():
    """The names of all findings, from the emulator's sources."""
    sources = "".join(p.read_text() for p in (EMULATOR / "src").glob("*.c"))
    return set(re.findall(r"\bfinding(?:_at)?\(\s*\"([a-z-]+)\"", sources))


def test_finds_nothing_in_what_is_allowed(selves):
    ran = run(selves("clean"))
    assert ran.clean, ran.errors
    assert len(_by_test(ran)) == len(listed(selves("clean")))


def test_shows_results_and_what_changed_in_memory(selves):
    shown = run(selves("clean"), "what_is_shown").output
    assert re.sub(r": [0-9a-f]{8}$", ": ...", shown, flags=re.M).splitlines() == [
        "what_is_shown",
        "  test_bytes(0)[1]++ < 256 = 1",
        "  page 0: ...",
        "  page 2: ...",
        "  page 33: ...",
        "  user 3: ...",
        "  buffer 5: ...",
        "  page 4: flushed",
    ]


def test_implements_what_the_headers_declare(emulator):
    headers = REPOSITORY / "fixtures/include"
    ctags = ["ctags", "-R", "--languages=C,C++", "--langmap=C:+.h", "--kinds-C=p"]
    declared = _words(
        [*ctags, "--_xformat=%N", "-x", headers / "linux", headers / "asm"]
    )
    nm = ["nm", "--defined-only", "--format=just-symbols", emulator.library]
    of_libc = _words([*ctags, "--_xformat=%N", "-x", headers / "linux/string.h"])
    assert len(declared) > 100
    assert declared - _words(nm) <= of_libc - {"memchr_inv", "strscpy"}


def _words(command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_unknown_test_is_named(selves):
    ran = run(selves("clean"), "no_such")
    assert (ran.status, ran.errors) == (3, "no_such: no such test\n")


@pytest.mark.parametrize("call", ["kunmap_local", "kunmap_atomic"])
def test_page_for_an_address_does_not_compile(call, emulator, tmp_path):
    source = tmp_path / "page.c"
    source.write_text(
        "#include <linux/highmem.h>\n"
        f"int main(void) {{ struct page *p = 0; {call}(p); return 0; }}\n"
    )
    done = emulator.compile(source, tmp_path / "page")
    assert done.returncode and "__same_type((p), struct page *)" in done.stderr


# -- used by others ------------------------------------------------------------------

README = (EMULATOR / "README.md").read_text()
EXAMPLE = README.split("```c\n")[1].split("```")[0]


def test_installed_it_is_enough_for_a_test_elsewhere(emulator, tmp_path):
    make("install", f"O={emulator.folder}", f"DESTDIR={tmp_path}", "PREFIX=/opt/it")
    prefix = tmp_path / "opt/it"
    source = tmp_path / "sum.c"
    source.write_text(EXAMPLE)
    settings = (prefix / "lib/pkgconfig/kmap-emulator.pc").read_text()
    values = dict(re.findall(r"^(Cflags|Libs): (.*)$", settings, re.M))
    flags = " ".join(values.values()).replace("${prefix}", str(prefix)).split()
    command = ["gcc", "-Wall", "-Werror", source, *flags, "-o", tmp_path / "sum"]
    subprocess.run(command, check=True, timeout=TIMEOUT)
    ran = run(tmp_path / "sum")
    assert _without_folders(ran.errors) in README


def test_readme_names_every_finding():
    named = re.findall(r"`([a-z-]+)`", "".join(re.findall(r"^\| `.* \|", README, re.M)))
    assert _findings() <= set(named)
