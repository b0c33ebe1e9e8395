# SPDX-License-Identifier: GPL-2.0-only
"""What a module is for: the kernel its callees are looked up in, the oldest one."""

import json
import subprocess

import pytest
from conftest import REPOSITORY

from kmaplocal import cli
from kmaplocal.certify.analysis import Analysis
from kmaplocal.errors import NotAKernelTree
from kmaplocal.tree import source
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.tree.target import NOWHERE, BadTarget, Target, target, version

COPY = """
static void {name}(struct page *page, char *to)
{{
	char *from = kmap_atomic(page);

	{use}
	kunmap_atomic(from);
}}
"""
USE = "strcpy(to, from);"
FILL = "memcpy(to, from, PAGE_SIZE);"


def function(name, use=USE):
    return COPY.format(name=name, use=use)


@pytest.fixture
def module(tmp_path):
    """A module's folder; call it with the text of its C file."""
    folder = tmp_path / "module"
    folder.mkdir()

    def write(text, name="m.c"):
        (folder / name).write_text(text)
        return folder

    return write


@pytest.fixture
def headers(tmp_path):
    """The headers of a kernel; call it with more of them, by their names."""
    top = tmp_path / "headers"

    def write(**more):
        (top / "include/linux").mkdir(parents=True, exist_ok=True)
        (top / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 1\n")
        (top / source.HEADER).write_text("void memcpy_from_page(void);\n")
        for name, text in more.items():
            (top / f"include/linux/{name}.h").write_text(text)
        return top

    return write


def whole(top):
    """Have the source of a kernel beside its headers at TOP."""
    (top / "mm").mkdir()
    (top / "mm/memory.c").write_text("")


def applied(folder, capfd, *more):
    """What apply of FOLDER says and prints, with the options MORE."""
    more = more if "--source" in more else (*more, "--source", "none")
    status = cli.main(["apply", "--kernel", str(folder), "--dry-run", *more, "."])
    told = capfd.readouterr()
    assert status == 0, told.err
    return told.err + told.out


# -- where callees are looked up ----------------------------------------------


def test_headers_are_enough_of_a_kernel(headers):
    assert source.top(headers()) == headers().resolve()
    assert not source.is_whole(headers())


def test_a_folder_it_was_built_in_leads_to_the_source(headers, tmp_path):
    (tmp_path / "built").mkdir()
    (tmp_path / "built/Makefile").write_text(f"include {headers()}/Makefile\n")
    assert source.top(tmp_path / "built") == headers().resolve()


def test_no_kernel(tmp_path):
    with pytest.raises(NotAKernelTree, match="SOURCE= names"):
        source.top(tmp_path)


def test_a_kernel_needs_no_other(headers):
    assert target(headers()).kernel is None
    assert target(headers()).kernels.newest == (6, 1, 255)
    with pytest.raises(BadTarget, match="is a kernel itself"):
        target(headers(), headers())


def test_the_kernel_of_a_module_says_which_is_the_newest(module, headers):
    found = target(module(""), headers())
    assert found.kernel == headers().resolve()
    assert found.kernels.newest == (6, 1, 255)
    assert target(module(""), NOWHERE).kernel is None


HELD = """
static void f(struct page *page, struct thing *thing)
{
	char *v = kmap(page);

	look_at(thing, v);
	kunmap(page);
}
"""
LOOKS = "static inline void look_at(struct thing *t, char *v)\n{\n\tt->n = v[0];\n}\n"


def test_a_callee_in_a_header_of_the_kernel(module, headers, capfd):
    folder = module(HELD)
    assert "no definition of look_at() was found" in applied(folder, capfd)
    found = applied(folder, capfd, "--source", str(headers(thing=LOOKS)))
    assert "1 functions converted" in found


def test_a_callee_that_the_kernel_has_otherwise_is_not_known_by_headers(
    module, headers, capfd
):
    other = (
        f"#ifdef CONFIG_THING\nvoid look_at(void *, char *);\n#else\n{LOOKS}#endif\n"
    )
    guarded = "#ifndef THING_H\n#define THING_H\n{}#endif\n"
    folder = module(HELD)
    top = headers(thing=guarded.format(other))
    assert "0 functions converted" in applied(folder, capfd, "--source", str(top))
    top = headers(thing=guarded.format(LOOKS))
    assert "1 functions converted" in applied(folder, capfd, "--source", str(top))


@pytest.mark.parametrize("exported", [True, False])
def test_a_module_calls_what_is_exported(module, headers, exported, capfd):
    top = headers()
    whole(top)
    line = "EXPORT_SYMBOL_GPL(look_at);\n" if exported else ""
    (top / "mm/thing.c").write_text(LOOKS.replace("static inline ", "") + line)
    found = applied(module(HELD), capfd, "--source", str(top))
    assert f"{int(exported)} functions converted" in found


def test_what_the_module_and_the_kernel_define_has_to_be_harmless_in_both(
    module, headers, capfd
):
    keeps = LOOKS.replace("t->n = v[0]", "t->v = v")
    folder = module(f"#ifdef OLD\n{LOOKS}#endif\n", "compat.h")
    module(HELD)
    found = applied(folder, capfd, "--source", str(headers(thing=keeps)))
    assert "0 functions converted" in found
    assert "1 functions converted" in applied(folder, capfd)


def test_what_is_not_defined_is_named_once(module, capfd):
    found = applied(module(HELD + HELD.replace("f(", "g(")), capfd)
    (line,) = [x for x in found.split("\n") if x.startswith("note: not defined")]
    assert line == (
        "note: not defined here: look_at(); SOURCE= names a kernel to look in"
    )


HELD_LOCALLY = """
void f(struct page *page)
{
	u32 *v = kmap_local_page(page);

	look_at(%s);
	kunmap_local(v);
}
"""


@pytest.mark.parametrize("given, named", [("v", True), ("v[0]", False)])
def test_what_is_not_defined_is_named_where_all_is_local(module, capfd, given, named):
    """Nothing is to be converted there, but what it does with an address matters."""
    folder = module(HELD_LOCALLY % given)
    assert cli.main(["flag", "--kernel", str(folder), "--source", "none"]) == 0
    told = capfd.readouterr().out
    assert ("note: not defined here: look_at();" in told) == named
    wanted = ["flag", "--kernel", str(folder), "--source", "none", "--format", "json"]
    assert cli.main(wanted) == 0
    assert json.loads(capfd.readouterr().out)["findings"] == []


def test_the_running_kernel_is_the_one_without_another(
    module, headers, capfd, monkeypatch
):
    top = headers(thing=LOOKS)
    monkeypatch.setattr(source, "of_running", lambda: top)
    command = ["apply", "--kernel", str(module(HELD)), "--dry-run", "."]
    assert cli.main(command) == 0
    told = capfd.readouterr().err
    assert "1 functions converted" in told
    assert f"note: what it calls is looked up in {top} as well" in told


POINTER = """
static void mine(char *v)
{
	v[0] = 1;
}
static const struct thing_ops mine_ops = { .look = mine };
static void f(struct page *page, struct thing *thing)
{
	char *v = kmap(page);

	thing->ops->look(v);
	kunmap(page);
}
"""
OPS = "struct thing_ops {\n\tvoid (*look)(char *v);\n};\n"


def test_others_may_put_functions_into_a_structure_of_the_kernel(
    module, headers, capfd
):
    top, folder = headers(thing=OPS), module(POINTER)
    assert "0 functions converted" in applied(folder, capfd)  # no structure is known
    assert "0 functions converted" in applied(folder, capfd, "--source", str(top))
    whole(top)
    assert "1 functions converted" in applied(folder, capfd, "--source", str(top))
    keeps = "static char *kept;\nstatic void theirs(char *v)\n{\n\tkept = v;\n}\n"
    (top / "mm/theirs.c").write_text(
        f"{keeps}static struct thing_ops ops = {{ .look = theirs }};\n"
    )
    assert "0 functions converted" in applied(folder, capfd, "--source", str(top))


def test_a_member_that_is_not_known_may_be_an_array(module):
    text = "static char *kept;\n" + function("f", "kept = ((struct s *)from)->name;")
    root = module(text)
    aim = Target(root)
    made = Analysis(root, find_spatch(), 60, 1, aim.definitions()).run(["m.c"])["m.c"]
    (verdict,) = made.verdicts
    assert verdict.verdict == "keep"


# -- the oldest kernel --------------------------------------------------------


@pytest.mark.parametrize("text", ["x", "5", "5.4.3.2", "5.x"])
def test_no_version(text):
    with pytest.raises(BadTarget, match="a version is needed"):
        version(text)


def test_versions():
    assert version("5.4") == (5, 4, 0) and version("5.10.3") == (5, 10, 3)


def test_the_oldest_kernel_is_not_later_than_the_kernel(module, headers):
    with pytest.raises(BadTarget, match="later than the kernel itself, 6.1"):
        target(module(""), headers(), (6, 2, 0))


def test_nothing_newer_than_the_oldest_kernel_is_called(module, capfd):
    folder = module(function("f", FILL))
    assert "+\tmemcpy_from_page(" in applied(folder, capfd, "--oldest", "5.12")
    found = applied(folder, capfd, "--oldest", "5.11")
    assert "kmap_local_page(page);" in found and "+\tmemcpy_from" not in found
    found = applied(folder, capfd, "--oldest", "5.10")
    why = "kmap_local_page() came with Linux 5.11, and this is for Linux 5.10"
    assert f"kept f: syntax: {why}" in found


FLUSHED = """
void f(struct page *page, char *from)
{
	char *to = kmap_atomic(page);

	memcpy(to, from, 64);
	flush_dcache_page(page);
	kunmap_atomic(to);
}
"""


def test_a_flush_is_left_to_a_helper_that_has_it_in_the_oldest_kernel(module, capfd):
    folder = module(FLUSHED)
    for oldest in ("5.12", "5.13"):
        found = applied(folder, capfd, "--oldest", oldest)
        assert "+\tmemcpy_to_page(" in found and "-\tflush" not in found
    assert "-\tflush_dcache_page(" in applied(folder, capfd, "--oldest", "5.14")
    found = applied(folder, capfd)
    assert "-\tflush_dcache_page(" in found
    assert "it needs Linux 5.14 or later, for memcpy_to_page()" in found
    found = applied(module(FLUSHED.replace("\tflush_dcache_page(page);\n", "")), capfd)
    assert "it needs Linux 5.12 or later, for memcpy_to_page()" in found


PAIRED = """
static void *map_it(struct page *page)
{
	return kmap_atomic(page);
}

static void unmap_it(void *addr)
{
	kunmap_atomic(addr);
}

void f(struct page *page, char *to)
{
	char *from = map_it(page);

	to[0] = from[0];
	unmap_it(from);
}

void g(struct page *page, char *to, struct page *other)
{
	char *from = map_it(page);
	char *addr = kmap_atomic(other);

	memcpy(to, addr, PAGE_SIZE);
	kunmap_atomic(addr);
	to[0] = from[0];
	unmap_it(from);
}
"""


def test_what_maps_for_its_callers_is_for_their_kernels(module, capfd):
    folder = module(PAIRED)
    found = applied(folder, capfd, "--oldest", "5.12")
    assert "+\tmemcpy_from_page(" in found and "+\treturn kmap_local_page(" in found
    found = applied(folder, capfd, "--oldest", "5.11")
    assert "+\tmemcpy_from" not in found and "+\treturn kmap_local_page(" in found
    found = applied(folder, capfd, "--oldest", "5.10")
    assert "kmap_local_page(page)" not in found and "0 functions converted" in found
    folder = module(between("", "(5, 11, 0)", PAIRED))
    assert "+\treturn" not in applied(folder, capfd)


def test_what_the_module_has_for_older_kernels(module, capfd):
    folder = module("#define kmap_local_page(page) kmap_atomic(page)\n", "compat.h")
    module(function("f", FILL))
    found = applied(folder, capfd, "--oldest", "5.4")
    assert "kmap_local_page(page);" in found and "+\tmemcpy_from" not in found


def between(first, last, text):
    condition = " && ".join(
        f"LINUX_VERSION_CODE {sign} KERNEL_VERSION{number}"
        for sign, number in ((">=", first), ("<", last))
        if number
    )
    return f"#if {condition}\n{text}#endif\n"


def test_what_is_for_old_kernels_alone_is_left(module, capfd):
    folder = module(between("", "(5, 11, 0)", function("f")))
    assert "this is for Linux before 5.11" in applied(folder, capfd)
    folder = module(between("", "(5, 11, 2)", function("f")))
    assert "1 functions converted" in applied(folder, capfd)
    folder = module(between("(5, 11, 0)", "(5, 12, 0)", function("f", FILL)))
    found = applied(folder, capfd)
    assert "kmap_local_page(page);" in found and "+\tmemcpy_from" not in found


def test_arms_for_dead_kernels_are_left_out(module, capfd):
    old = between("", "(5, 11, 0)", function("f"))
    folder = module(old + between("(5, 11, 0)", "", function("f")))
    assert "1 functions converted (1 mappings), 0 kept" in applied(
        folder, capfd, "--oldest", "5.12"
    )
    assert "1 functions converted (1 mappings), 1 kept" in applied(
        folder, capfd, "--oldest", "5.4"
    )


def test_helpers_that_its_kernel_does_not_have_are_not_called(module, headers, capfd):
    folder, top = module(function("f", FILL)), headers()
    assert "+\tmemcpy_from_page(" in applied(folder, capfd, "--source", str(top))
    (top / source.HEADER).write_text("\n")
    assert "+\tmemcpy_from" not in applied(folder, capfd, "--source", str(top))


# -- all commands -------------------------------------------------------------


def test_report_and_flag_know_them_as_well(module, headers, capfd):
    folder, top = module(HELD), headers(thing=LOOKS)
    asked = ["--kernel", str(folder), "--source", str(top), "."]
    assert cli.main(["report", *asked]) == 0
    assert "1 functions: 1 convert" in capfd.readouterr().out
    assert cli.main(["flag", "--fail-on", "never", *asked]) == 0
    assert "make apply converts it" in capfd.readouterr().out
    assert cli.main(["flag", "--fail-on", "never", "--oldest", "5.4", *asked]) == 0
    assert "kmap_local_page() came with Linux 5.11" in capfd.readouterr().out


def test_make_hands_them_on(module, headers):
    folder, top = module(HELD), headers(thing=LOOKS)
    given = [f"KERNEL={folder}", f"SOURCE={top}", "FILES=.", "DRY_RUN=1"]
    for door in ("apply", "report", "flag"):
        command = ["make", "-sn", door, *given, "OLDEST=5.12"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert '--source "$SOURCE" --oldest "$OLDEST"' in done.stdout


@pytest.mark.parametrize(
    "oldest, what", [("5.12", "memcpy_from_page"), ("5.11", "kmap_local_page")]
)
def test_plain_spatch_knows_the_oldest_kernel(module, oldest, what):
    folder = module(function("f", FILL))
    cocci = REPOSITORY / "cocci/kmap_local.cocci"
    command = ["spatch", "--sp-file", cocci, "--no-includes", "-D", "patch"]
    command += ["-D", f"oldest={oldest}", folder / "m.c"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{what}(" in done.stdout


@pytest.mark.parametrize("given", [True, False])
def test_plain_spatch_looks_up_what_a_module_calls(module, headers, given):
    folder, top = module(HELD), headers(thing=LOOKS)
    cocci = REPOSITORY / "cocci/kmap_local.cocci"
    command = ["spatch", "--sp-file", cocci, "--no-includes", "-D", "patch"]
    command += ["-D", f"source={top}"] if given else []
    command += [folder / "m.c"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ("kmap_local_page(" in done.stdout) == given


def test_plain_spatch_says_what_is_no_version(module):
    folder = module(function("f", FILL))
    cocci = REPOSITORY / "cocci/kmap_local.cocci"
    command = ["spatch", "--sp-file", cocci, "--no-includes", "-D", "patch"]
    command += ["-D", "oldest=new", folder / "m.c"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "OLDEST=new: a version is needed" in done.stderr
