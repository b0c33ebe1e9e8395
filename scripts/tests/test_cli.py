# SPDX-License-Identifier: GPL-2.0-only
"""cli.py and apply.py: the main job as a user sees it, with a stand-in engine."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from kmaplocal import cli
from kmaplocal.apply import goldens

# The engine: kmap becomes kmap_local_page; other words of the file make it keep,
# lose, fail, or run spatch first.
DRIVER = """
import sys, types
from pathlib import Path
from kmaplocal.tree.outcome import Doubt, Lost, Outcome
from kmaplocal import cli

def convert_file(root, path, spatch, timeout):
    before = (root / path).read_bytes()
    name = str(path)
    kept = lost = ()
    if b"STORED" in before:
        kept = (Doubt(name, 3, 5, "f", "local", "stored"),)
    if b"UNREAD" in before:
        lost = (Lost(name, 7, "g", "does not parse"),)
    if b"RAISES" in before:
        raise ValueError("engine\\ntrouble")
    if b"SLOW" in before:
        spatch.run(Path("x.cocci"), root / path, timeout=timeout)
    if b"EDITED" in before:
        (root / path).write_bytes(before + b"int mine;\\n")
    if kept or lost:
        return Outcome(path, before, before, (), kept, lost, 0)
    after = before.replace(b"kmap(", b"kmap_local_page(")
    done = ("f",) if after != before else ()
    return Outcome(path, before, after, done, (), (), len(done))

def prepare(root, paths, spatch, request, progress, idioms=False, scope=None):
    convert = lambda path: convert_file(root, path, spatch, request.timeout)
    convert.joined = ()
    return convert

def prepare_rest(root, left, paths, spatch, request, tree, names, progress, scope):
    return prepare(root, left, spatch, request, progress), None, True

conversion = types.SimpleNamespace(prepare=prepare, prepare_rest=prepare_rest)
sys.modules["kmaplocal.apply.conversion"] = conversion
sys.exit(cli.main())
"""


@pytest.fixture
def command():
    """command(*arguments): the argument list that runs the driver so."""
    return lambda *arguments: [sys.executable, "-c", DRIVER, *map(str, arguments)]


@pytest.fixture
def drive(command, kernel, fake_spatch, tmp_path):
    """drive(*arguments): run `apply --kernel` with them; the completed process."""
    fake_spatch("exit 0")

    def run(*arguments, root=kernel, name="apply", **options):
        places = ["--kernel", root, "--expected", tmp_path / "expected"]
        line = command(name, *places, *arguments)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.run(line, env=surroundings(), text=True, **pipes)

    return run


def surroundings():
    return {**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts"), "NO_COLOR": "1"}


def one_line(done, status, *words):
    """DONE ended with STATUS and one line on stderr that holds WORDS."""
    assert done.returncode == status, done.stderr
    assert re.fullmatch(r"kmaplocal: [^\n]+\n", done.stderr), done.stderr
    for word in words:
        assert word in done.stderr


def test_default_is_aio(drive, kernel):
    done = drive()
    assert done.returncode == 0
    assert "kmap_local_page(page)" in (kernel / "fs/aio.c").read_text()
    assert "kunmap_atomic" in (kernel / "mm/a b.c").read_text()
    lines = done.stdout.splitlines()
    assert lines[0] == "diff --git a/fs/aio.c b/fs/aio.c"
    assert f"make verify KERNEL={kernel} FILES=fs/aio.c" in done.stdout
    assert lines[-1] == "1 functions converted (1 mappings), 0 kept, 0 not analysed"
    assert done.stderr == ""


def test_second_time_there_is_nothing_to_do(drive):
    drive()
    done = drive()
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "fs/aio.c: nothing to convert",
        "0 functions converted (0 mappings), 0 kept, 0 not analysed",
    ]


def test_folder_without_candidates(drive, kernel, write):
    write(kernel / "lib/x.c", "int x;\n")
    assert drive("lib").stdout.startswith("lib: nothing to convert\n")


def test_dry_run_gives_a_patch_and_changes_nothing(drive, committed, contents, git):
    before = contents(committed)
    done = drive("--dry-run", ".")
    assert contents(committed) == before
    assert "0 not analysed" in done.stderr
    subprocess.run(
        ["git", "apply"], cwd=committed, input=done.stdout, text=True, check=True
    )
    assert "kmap_local_page" in git(committed, "diff")


def test_kept_and_lost_are_reported(drive, kernel, write):
    write(kernel / "fs/k.c", "STORED kmap(p)\n")
    write(kernel / "fs/l.c", "UNREAD kmap(p)\n")
    done = drive("fs")
    assert done.returncode == 2
    assert "fs/k.c:3:5: kept f: local: stored\n" in done.stdout
    assert "fs/l.c:7: not analysed: g: does not parse\n" in done.stdout
    assert done.stdout.endswith(
        "\n1 functions converted (1 mappings), 1 kept, 1 not analysed\n"
    )


@pytest.mark.parametrize("options, status", [((), 0), (("--fail-on", "kept"), 1)])
def test_fail_on_kept(drive, kernel, options, status):
    (kernel / "fs/aio.c").write_text("STORED kmap(p)\n")
    assert drive(*options).returncode == status


def test_not_analysed_outweighs_kept(drive, kernel):
    (kernel / "fs/aio.c").write_text("STORED UNREAD kmap(p)\n")
    assert drive("--fail-on", "kept").returncode == 2


def test_engine_that_raises_loses_one_file_aloud(drive, kernel, write):
    write(kernel / "fs/r.c", "RAISES kmap(p)\n")
    done = drive("fs")
    assert done.returncode == 2
    assert re.search(
        r"^fs/r.c:1: not analysed: \(whole file\): internal error: .*: engine trouble ",
        done.stdout,
        re.MULTILINE,
    )
    assert "kmap_local_page" in (kernel / "fs/aio.c").read_text()
    assert done.stderr == ""


def write_golden(tmp_path, before, after):
    path = Path("fs/aio.c")
    golden = goldens.golden_path(tmp_path / "expected", "6.1", path)
    golden.parent.mkdir(parents=True)
    golden.write_bytes(goldens.render(path, before, after))
    return golden


def test_golden_identical_then_already_converted(drive, kernel, tmp_path):
    before = (kernel / "fs/aio.c").read_bytes()
    write_golden(tmp_path, before, before.replace(b"kmap(", b"kmap_local_page("))
    line = "fs/aio.c: identical to expected/linux-6.1/fs/aio.c.diff"
    assert f"{line}\n" in drive("--fail-on", "golden").stdout
    again = drive("--fail-on", "golden")
    assert f"{line}: already converted\n" in again.stdout
    assert again.returncode == 0


def test_golden_different(drive, kernel, tmp_path):
    write_golden(tmp_path, (kernel / "fs/aio.c").read_bytes(), b"else\n")
    done = drive("--fail-on", "golden", "--dry-run")
    assert done.returncode == 1
    assert "fs/aio.c: DIFFERENT from expected/linux-6.1/fs/aio.c.diff" in done.stderr


def test_golden_of_another_file_goes_on(drive, tmp_path):
    write_golden(tmp_path, b"other\n", b"else\n")
    done = drive("--fail-on", "golden")
    assert done.returncode == 0
    assert "this is not the file that expected/linux-6.1/fs/aio.c.diff" in done.stdout


def test_goldens_are_written_and_shown(drive, kernel, tmp_path):
    before = (kernel / "fs/aio.c").read_bytes()
    golden = tmp_path / "expected/linux-6.1/fs/aio.c.diff"
    done = drive(name="goldens")
    assert "expected/linux-6.1/fs/aio.c.diff: written\n" in done.stdout
    assert golden.read_bytes().startswith(b"# before: sha256 ")
    assert (kernel / "fs/aio.c").read_bytes() == before
    assert ": unchanged\n" in drive(name="goldens").stdout


def test_goldens_are_not_made_of_a_converted_file(drive, kernel, tmp_path):
    (kernel / "fs/aio.c").write_text("kmap(a); /* kmap */\n")
    drive(name="goldens")
    golden = tmp_path / "expected/linux-6.1/fs/aio.c.diff"
    text = golden.read_bytes()
    drive()
    assert "is already converted" in drive(name="goldens").stdout
    assert golden.read_bytes() == text


def test_not_a_kernel_tree(drive, tmp_path):
    one_line(drive(root=tmp_path), 3, "not a Linux kernel tree")


def test_no_such_tree(drive, tmp_path):
    one_line(drive(root=tmp_path / "none"), 3, "no such folder")


def test_no_such_file(drive):
    one_line(drive("fs/none.c"), 3, "fs/none.c: no such file")


def test_no_spatch(drive, monkeypatch):
    monkeypatch.setenv("SPATCH", "/nowhere")
    one_line(drive(), 3, "apt-get install coccinelle")


def test_old_spatch(drive, fake_spatch):
    fake_spatch(version="1.0.8")
    one_line(drive(), 3, "1.0.8 is too old", "apt-get install coccinelle")


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--jobs", "0"]])
def test_bad_use(drive, arguments):
    one_line(drive(*arguments), 3)


def test_no_kernel_given_and_none_around(command, tmp_path):
    done = subprocess.run(
        command("apply"),
        cwd=tmp_path,
        env=surroundings(),
        capture_output=True,
        text=True,
    )
    one_line(done, 3, str(tmp_path), "not a Linux kernel tree")


def test_no_command_given(command):
    done = subprocess.run(command(), env=surroundings(), capture_output=True, text=True)
    one_line(done, 3, "Missing command", "--help")


def test_help(drive):
    done = drive("--help")
    assert done.returncode == 0
    assert "--dry-run" in done.stdout


def test_read_only_file(drive, kernel, contents):
    (kernel / "fs/aio.c").chmod(0o444)
    before = contents(kernel)
    done = drive(".")
    assert done.returncode == 2
    assert "fs/aio.c:1: not analysed: (whole file): is read-only: chmod" in done.stdout
    assert "Traceback" not in done.stderr
    assert contents(kernel) == before


def test_full_disk(drive, kernel, contents):
    (kernel / "fs/aio.c").write_text("kmap(p);\n" * 10000)
    before = contents(kernel)

    def limit():
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))

    done = drive(preexec_fn=limit)
    assert done.returncode == 3
    assert "File too large; nothing was changed" in done.stderr
    assert contents(kernel) == before


def test_uncommitted_changes_are_refused_unless_forced(drive, committed, contents):
    aio = committed / "fs/aio.c"
    aio.write_text("kmap(mine);\n")
    before = contents(committed)
    one_line(drive("fs"), 3, "fs/aio.c: uncommitted changes", "FORCE=1")
    assert contents(committed) == before
    assert drive("--dry-run", "fs").returncode == 0
    assert drive("--force", "fs").returncode == 0
    assert aio.read_text() == "kmap_local_page(mine);\n"


def test_committed_tree_is_converted_and_review_suggested(drive, committed):
    assert f"git -C {committed} diff" in drive().stdout


def test_mode_and_link_are_kept(drive, kernel):
    (kernel / "fs/aio.c").chmod(0o755)
    (kernel / "fs/link.c").symlink_to("aio.c")
    assert drive("fs/link.c").returncode == 0
    assert (kernel / "fs/link.c").is_symlink()
    assert (kernel / "fs/aio.c").stat().st_mode & 0o777 == 0o755
    assert "kmap_local_page" in (kernel / "fs/aio.c").read_text()


@pytest.mark.parametrize("named", ["fs/aio.c", "fs", "."])
def test_what_is_edited_meanwhile_is_not_overwritten(drive, kernel, named):
    (kernel / "fs/aio.c").write_text("EDITED kmap(p);\n")
    done = drive(named)
    one_line(done, 3, "fs/aio.c: changed while", "nothing was changed", "run again")
    assert (kernel / "fs/aio.c").read_text() == "EDITED kmap(p);\nint mine;\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_changes_nothing(
    command, kernel, fake_spatch, write, tmp_path, contents, number
):
    fifo = tmp_path / "started"
    os.mkfifo(fifo)
    fake_spatch(f"touch here; echo $$ > {fifo}; sleep 300")
    (kernel / "fs/aio.c").write_text("SLOW kmap(p);\n")
    before = contents(kernel)
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        command("apply", "--kernel", kernel, "."),
        env={**surroundings(), "TMPDIR": str(tmp_path / "tmp")},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    child = int(fifo.read_text())
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == "kmaplocal: interrupted: nothing was changed\n"
    assert stdout == ""
    assert contents(kernel) == before
    assert list((tmp_path / "tmp").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_closed_output(drive, kernel, write):
    write(kernel / "fs/big.c", "kmap(p);\n" * 50000)
    reader, writer = os.pipe()
    os.close(reader)
    done = drive("fs", stdout=writer)
    os.close(writer)
    one_line(done, 3, "output was closed")
    assert "kmap_local_page" not in (kernel / "fs/big.c").read_text()


def test_a_module_of_python_that_is_missing(kernel, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/sitecustomize.py").write_text(
        "import sys; sys.modules['unidiff'] = None\n"
    )
    path = f"{tmp_path / 'lib'}:{REPOSITORY / 'scripts'}"
    done = subprocess.run(
        [sys.executable, "-m", "kmaplocal", "apply", "--kernel", str(kernel)],
        env={**surroundings(), "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    one_line(
        done, 3, "unidiff", f"as {sys.executable} runs it", "scripts/install apply"
    )


def test_a_misspelt_command_is_told_what_it_may_mean(capfd):
    assert cli.main(["flagg"]) == 3
    assert "No such command 'flagg'. Did you mean 'flag'?" in capfd.readouterr().err


def test_an_empty_tree_is_not_the_folder_one_stands_in(capfd):
    assert cli.main(["flag", "--kernel", ""]) == 3
    assert "--kernel': it is empty" in capfd.readouterr().err


def test_a_module(command, tmp_path):
    body = "to[0] = v[0];"
    text = (
        f"void f(struct page *p, char *to)\n{{\n\tchar *v;\n\n\tv = kmap(p);\n\t{body}"
    )
    (tmp_path / "m.c").write_text(f"{text}\n\tkunmap(p);\n}}\n")
    told = command("apply", "--kernel", str(tmp_path), "--source", "none", ".")
    done = subprocess.run(told, env=surroundings(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "needs Linux 5.11 or later, for kmap_local_page()" in done.stdout
    assert "v = kmap_local_page(p);" in (tmp_path / "m.c").read_text()
