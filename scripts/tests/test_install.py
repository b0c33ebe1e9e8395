# SPDX-License-Identifier: GPL-2.0-only
"""Installed: the command, its library, and the semantic patches in a kernel."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import REPOSITORY
from test_doors import MAKES_OWN, make

from kmaplocal import VERSION
from kmaplocal.tree.spatch import find_spatch

TREE = REPOSITORY / "build/linux-source-6.1"
MODES = ("patch", "context", "org", "report")
SAMPLE = REPOSITORY / "fixtures/convert/kmap_atomic/atomic_pair.c"
MISSING = "kmaplocal is not found: install it (make install), or link this file to it\n"


@pytest.fixture(scope="module")
def destination(tmp_path_factory):
    """DESTDIR, with everything installed below /opt/k."""
    folder = tmp_path_factory.mktemp("destination")
    assert install(folder).returncode == 0
    return folder


def install(folder, door="install", prefix="/opt/k"):
    return make(door, f"DESTDIR={folder}", f"PREFIX={prefix}")


def run(*command, **options):
    """Run a command without what make and pytest have set."""
    hidden = {*MAKES_OWN, "PYTHONPATH"}
    settings = {k: v for k, v in os.environ.items() if k not in hidden}
    settings |= options.pop("env", {})
    return subprocess.run(
        command, env=settings, capture_output=True, text=True, **options
    )


def on_path(destination):
    return {"PATH": f"{destination}/opt/k/bin:{os.environ['PATH']}"}


# -- the command ---------------------------------------------------------------------


def test_command_runs_where_one_stands(destination, tmp_path):
    command = destination / "opt/k/bin/kmaplocal"
    assert run(command, "--version").stdout == f"kmaplocal {VERSION}\n"
    shutil.copy(SAMPLE, tmp_path)
    done = run(command, "flag", "--fail-on", "warning", cwd=tmp_path)
    assert done.returncode == 1
    assert "atomic_pair.c:" in done.stdout


def test_without_kernel_it_is_the_git_tree_around(destination, committed):
    command = destination / "opt/k/bin/kmaplocal"
    done = run(command, "apply", "--dry-run", cwd=committed / "fs")
    assert "fs/aio.c" in done.stdout + done.stderr
    assert "not a Linux kernel tree" not in done.stderr


def test_emulator_is_there(destination):
    place = destination / "opt/k"
    assert (place / "lib/libkmap-emulator.a").exists()
    assert list((place / "include/kmap-emulator/linux").glob("highmem.h"))
    pc = (place / "lib/pkgconfig/kmap-emulator.pc").read_text()
    assert pc.startswith("prefix=/opt/k\n")


def test_uninstall_removes_what_was_installed_and_nothing_else(tmp_path, contents):
    other = tmp_path / "opt/k/bin/other"
    other.parent.mkdir(parents=True)
    other.write_text("theirs")
    before = contents(tmp_path)
    for _ in "an", "update":
        assert install(tmp_path).returncode == 0
    assert run(tmp_path / "opt/k/bin/kmaplocal", "--version").returncode == 0
    assert install(tmp_path, "uninstall").returncode == 0
    assert contents(tmp_path) == before


def test_uninstall_where_nothing_is(tmp_path):
    done = install(tmp_path, "uninstall")
    assert done.returncode == 2
    assert "nothing is installed below" in done.stderr


def test_prefix_is_absolute(tmp_path):
    assert "not an absolute path" in install(tmp_path, prefix="here").stderr


# -- the semantic patches, copied and linked -----------------------------------------


@pytest.mark.parametrize("name", ["kmap_local", "flag"])
def test_copy_that_does_not_find_it_says_so(name, tmp_path):
    copy = shutil.copy(REPOSITORY / f"cocci/{name}.cocci", tmp_path)
    program = find_spatch().program
    done = run(program, "--very-quiet", "--sp-file", copy, "-D", "report", SAMPLE)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", MISSING)


@pytest.fixture
def tree(tmp_path):
    """A kernel of links to Linux 6.1, with no semantic patch in it yet."""
    top = tmp_path / "linux"
    (top / "scripts/coccinelle").mkdir(parents=True)
    for place in (TREE, TREE / "scripts"):
        for path in place.iterdir():
            link = top / path.relative_to(TREE)
            if not link.exists():
                link.symlink_to(path)
    return top


def coccicheck(tree, mode, env, *arguments):
    folder = tree.parent / "module"
    folder.mkdir(exist_ok=True)
    shutil.copy(SAMPLE, folder)
    command = ["make", "-C", tree, "coccicheck", f"MODE={mode}", f"M={folder}"]
    done = run(*command, *arguments, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"EXN|Traceback|coccicheck failed|not found", done.stdout)
    return done.stdout


def test_install_kernel_and_its_coccicheck(tree, destination, contents):
    before = contents(tree / "scripts/coccinelle")
    assert make("install-kernel", f"KERNEL={tree}").returncode == 0
    shown = {mode: coccicheck(tree, mode, on_path(destination)) for mode in MODES}
    assert re.search(r"(?m)^\+.*kunmap_local\(", shown["patch"])
    assert re.search(r"atomic_pair\.c:\d+:\d+-\d+: kmap_local: ", shown["report"])
    assert re.search(r"atomic_pair\.c:\d+:\d+-\d+: kmap-deprecated: ", shown["report"])
    assert re.search(r"(?m)^-.*kunmap_atomic\(", shown["context"])
    assert re.search(r"\[kmap_local: .*\]\]", shown["org"])
    assert make("uninstall-kernel", f"KERNEL={tree}").returncode == 0
    assert contents(tree / "scripts/coccinelle") == before


def test_linked_file_needs_nothing_installed(tree):
    link = tree / "scripts/coccinelle/kmap_local.cocci"
    link.symlink_to(REPOSITORY / "cocci/kmap_local.cocci")
    for mode in MODES:
        shown = coccicheck(tree, mode, {}, f"COCCI={link}")
        assert "atomic_pair.c" in shown


def test_install_kernel_needs_a_kernel(tmp_path):
    assert "KERNEL=path says" in make("install-kernel").stderr
    done = make("install-kernel", f"KERNEL={tmp_path}")
    assert "has no scripts/coccicheck" in done.stderr


# -- elsewhere, and beside other programs ----------------------------------------------


@pytest.mark.parametrize(
    "system, named",
    [("fedora", "ctags ocaml python3 python3-click"), ("arch", "python-click")],
)
def test_packages_are_named_where_there_is_no_apt(system, named):
    done = run(REPOSITORY / "scripts/install", "--on", system, "apply")
    assert done.returncode == 0 and named in done.stderr
    assert "universal-ctags" not in done.stderr and "-dev " not in done.stderr


# What only Debian calls so, whatever it is wanted for.
DEBIANS = "chromium-driver lib32gcc linux-source xz-utils libc6".split()


@pytest.mark.parametrize("system", ["fedora", "arch"])
def test_no_name_of_debian_is_told_elsewhere(system):
    purposes = "apply check verify boot lint".split()
    done = run(REPOSITORY / "scripts/install", "--on", system, *purposes)
    told = [word for word in done.stderr.split() if word != "dpkg-dev"]
    assert "python-flake8" in told or "python3-flake8" in told
    assert "qemu-system-x86" in told
    assert not [word for word in told if word.endswith("-dev")]
    assert not [word for word in told if any(name in word for name in DEBIANS)]


def test_pages_and_completion_are_there(destination):
    share = destination / "opt/k/share"
    assert (share / "man/man1/kmaplocal.1").is_file()
    assert (share / "man/man7/kmap-leak.7").is_file()
    assert (share / "bash-completion/completions/kmaplocal").is_file()


LEAKING = """
char first(struct page *page)
{
	char *at = kmap_local_page(page);

	return at[0];
}
"""


def test_nothing_is_pushed_that_misuses_a_mapping(destination, tmp_path, git):
    git(tmp_path, "init", "-q", "-b", "main", "tree")
    tree = tmp_path / "tree"
    (tree / "a.c").write_text("int x;\n")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "one")
    hook = REPOSITORY / "scripts/pre-push"
    assert run(hook, cwd=tree, env=on_path(destination)).returncode == 0
    git(tree, "branch", "upstream")
    git(tree, "branch", "-u", "upstream")
    (tree / "a.c").write_text(LEAKING)
    git(tree, "commit", "-qam", "two")
    done = run(hook, cwd=tree, env=on_path(destination))
    assert done.returncode == 1 and "kmap-leak" in done.stdout


def test_the_hook_for_pre_commit_is_a_call_of_the_command(destination, tmp_path):
    hooks = (REPOSITORY / ".pre-commit-hooks.yaml").read_text()
    entry = re.search(r"entry: (.*)", hooks)[1].split()
    (tmp_path / "a.c").write_text(LEAKING)
    done = run(*entry, "a.c", cwd=tmp_path, env=on_path(destination))
    assert done.returncode == 1 and "kmap-leak" in done.stdout
