# SPDX-License-Identifier: GPL-2.0-only
"""prove/boot: building, booting and comparing, with stand-ins for make and QEMU; and
the programs that run in the kernel."""

import os
import re
import signal
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from kmaplocal import cli
from kmaplocal.console import Console
from kmaplocal.errors import KmaplocalError
from kmaplocal.prove import record
from kmaplocal.prove.boot import door, image, machine
from kmaplocal.prove.boot.userland import CONTROL, Step

FOLDER = REPOSITORY / "fixtures/boot"
FRAGMENT = FOLDER / "highmem.config"
AIO = "fs/aio.c"

# A kernel is here the text of fs/aio.c; words in it make it not build.
MAKE = """
for word; do
	case $word in
	-C) ;;
	O=*) objects=${word#O=} ;;
	M=*) module=${word#M=} ;;
	KCONFIG_ALLCONFIG=*) settings=${word#*=} ;;
	esac
done
source=$2
echo "$*" >>"$MADE"
case " $* " in
*" allnoconfig "*) sed /LOST/d "$settings" >"$objects/.config" ;;
*" M="*) echo ko >"$module/kmap_order.ko" ;;
*)
	echo "  CC      fs/aio.o"
	if grep -q BROKEN "$source/fs/aio.c"; then
		echo "fs/aio.c:3:9: error: no such thing"
		echo "make: *** [fs/aio.o] Error 1"
		exit 2
	fi
	mkdir -p "$objects/arch/x86/boot" "$objects/fs"
	cp "$source/fs/aio.c" "$objects/arch/x86/boot/bzImage"
	echo "deps := $source/fs/aio.c \\\\" >"$objects/fs/.aio.o.cmd"
	;;
esac
"""

# It says what its kernel's text says behind "says: ".
QEMU = """
[ -z "$HANG" ] || { echo $$ >"$HANG"; exec sleep 300; }
while [ $# -gt 1 ]; do
	[ "$1" = -kernel ] && kernel=$2
	[ "$1" = -accel ] && accel=$2
	shift
done
[ "$accel" = kvm ] && exit 1
say() { echo "[    1.000000] $*"; }
say "kmaplocal: begin load"
sed -n 's/.*says: //p' "$kernel" | while read -r line; do say "$line"; done
say "kmaplocal: end load exit $(grep -c FAILS "$kernel")"
say "kmaplocal: begin kmap_order"
grep -q DEAF "$kernel" || say "WARNING: at mm/highmem.c:610 kunmap_local_indexed+0x1"
say "kmaplocal: end kmap_order exit 0"
say "kmaplocal: done"
"""


class Userland:
    """Stands in for what takes a 32-bit compiler."""

    def __init__(self, work, programs, libaio):
        self.plans = []

    def prepare(self):
        pass

    def steps(self):
        return [Step("load", "/", "/aio_load x"), Step(CONTROL, "/", "/m.ko")]

    def disks(self):
        return []

    def pack(self, module, plan, archive):
        archive.write_text("\n".join(plan))
        return archive


@pytest.fixture
def boot(committed, tmp_path, write, monkeypatch, capsys):
    """boot(text): change fs/aio.c to TEXT and boot; the status and what was said."""
    write(tmp_path / "libaio/harness/main.c", "")
    write(tmp_path / "bin/make", "#!/bin/sh\n" + MAKE, 0o755)
    write(tmp_path / "bin/qemu-system-i386", "#!/bin/sh\n" + QEMU, 0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("MADE", str(tmp_path / "made"))
    monkeypatch.delenv("HANG", raising=False)
    monkeypatch.setattr(door, "Userland", Userland)
    monkeypatch.setattr(record, "PROOFS", tmp_path / "proofs")

    def run(text=None, before=None):
        if text is not None:
            write(committed / AIO, text)
        build = tmp_path / "build"
        request = door.Request(committed, before, tmp_path / "libaio", 2, build)
        status = door.boot(request, Console())
        return status, capsys.readouterr().out

    return run


def builds(tmp_path):
    made = (tmp_path / "made").read_text()
    return made.count("bzImage")


def test_change_that_is_good(boot, committed, contents):
    (committed / AIO).write_text("kmap_local_page(page);\n")
    before = contents(committed)
    status, said = boot()
    assert status == door.ALL_DONE
    assert "before: HEAD of" in said
    assert re.search(r"^load +exit 0  exit 0$", said, re.MULTILINE)
    assert said.endswith(
        "1 changed files booted, 0 not in this kernel;"
        " 2 steps, 0 new failures, 0 new complaints of the kernel\n"
    )
    assert contents(committed) == before


def test_change_that_fails_a_step(boot):
    status, said = boot("FAILS\n")
    assert status == door.AGAINST
    assert re.search(r"^load +exit 0  exit 1  NEW FAILURE$", said, re.MULTILINE)


@pytest.mark.parametrize("text, outcome", [("good", "passed"), ("FAILS", "failed")])
def test_what_came_out_is_recorded(boot, committed, text, outcome):
    before = (committed / AIO).read_bytes()
    boot(f"{text}\n")
    after = (committed / AIO).read_bytes()
    (proof,) = record.recorded(committed, AIO, after, before)
    assert (proof.door, proof.outcome) == (record.BOOT, outcome)


def test_change_that_makes_the_kernel_complain(boot):
    status, said = boot("says: BUG: scheduling while atomic\n")
    assert status == door.AGAINST
    assert "NEW in load: BUG: scheduling while atomic\n" in said


def test_change_that_does_not_build(boot):
    with pytest.raises(KmaplocalError) as caught:
        boot("BROKEN\n")
    assert caught.value.status == 1
    assert "does not build: fs/aio.c:3:9: error: no such thing; log: " in str(
        caught.value
    )


def test_before_that_does_not_build(boot, committed, git):
    (committed / AIO).write_text("BROKEN\n")
    git(committed, "commit", "-qam", "broken")
    with pytest.raises(KmaplocalError, match="before the change") as caught:
        boot("good\n")
    assert caught.value.status == 3


def test_kernel_that_does_not_notice_a_wrong_order(boot):
    status, said = boot("DEAF\n")
    assert status == door.AGAINST
    assert "the kernel did not notice a wrong unmap order" in said


def test_nothing_differs(boot, tmp_path):
    status, said = boot()
    assert status == door.ALL_DONE
    assert "nothing differs: one kernel is booted" in said
    assert builds(tmp_path) == 1


def test_kernel_that_does_not_start(boot, write, tmp_path):
    write(tmp_path / "bin/qemu-system-i386", "#!/bin/sh\necho no\n", 0o755)
    with pytest.raises(KmaplocalError, match="before.log: the kernel .*not start"):
        boot("new\n")


def test_changed_file_that_is_not_in_the_kernel(boot, committed, write):
    write(committed / "mm/clean.c", "changed\n")
    status, said = boot("new\n")
    assert status == door.NOT_CHECKED
    assert "mm/clean.c: not in this kernel\n" in said


def test_kernels_are_kept(boot, tmp_path):
    boot("new\n")
    assert builds(tmp_path) == 2
    assert "built earlier" in boot("new\n")[1]
    assert builds(tmp_path) == 2
    boot("newer\n")
    assert builds(tmp_path) == 3


def test_kernels_are_kept_by_configuration(boot, tmp_path, monkeypatch, write):
    monkeypatch.setattr(door, "_SOURCES", tmp_path / "sources")
    write(tmp_path / "sources/kmap_order/Kbuild", "")
    for settings in ("CONFIG_AIO=y\n", "# more words\nCONFIG_AIO=y\n", "CONFIG_A=y\n"):
        write(tmp_path / "sources/highmem.config", settings)
        boot()
    assert builds(tmp_path) == 2


def test_setting_that_does_not_last(boot, tmp_path, monkeypatch, write):
    monkeypatch.setattr(door, "_SOURCES", tmp_path / "sources")
    write(tmp_path / "sources/kmap_order/Kbuild", "")
    write(tmp_path / "sources/highmem.config", "CONFIG_LOST=y\n")
    with pytest.raises(KmaplocalError, match="has no CONFIG_LOST=y"):
        boot()


def test_before_is_a_tree_somebody_names(boot, tmp_path, write, committed):
    old = tmp_path / "old"
    for name in ("Makefile", "Kconfig", "include/linux/highmem.h"):
        write(old / name, (committed / name).read_text())
    write(old / AIO, "old\n")
    said = boot("new\n", before=old)[1]
    assert f"before: {old}\n" in said
    assert "mm/clean.c: not in this kernel" in said


def test_complaint_that_was_there_before(boot, committed, git):
    (committed / AIO).write_text("says: BUG: it always did\n")
    git(committed, "commit", "-qam", "complains")
    status, said = boot("says: BUG: it always did\nnew\n")
    assert status == door.ALL_DONE
    assert "also before: BUG: it always did\n" in said


def test_limits_come_from_the_boot_before():
    was = door.log.read("[ 1.0] kmaplocal: begin a\n[ 51.0] kmaplocal: end a exit 0")
    assert door._limit(Step("a", "/", "x"), was) == 400
    assert door._limit(Step("b", "/", "x"), was) == door._limit(
        Step("a", "/", "x"), None
    )


def test_two_at_a_time(boot, tmp_path):
    name = door._name_of(door.Tree(tmp_path / "linux"))
    (tmp_path / "build" / name).mkdir(parents=True)
    with door._alone(tmp_path / "build" / name):
        with pytest.raises(KmaplocalError, match="another boot of this kernel"):
            boot()


def test_machine_that_hangs(boot, tmp_path, monkeypatch):
    monkeypatch.setenv("HANG", str(tmp_path / "hung"))
    load = machine.Load(tmp_path, tmp_path)
    machine.Machine().boot(load, tmp_path / "log", 0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "hung").read_text()), 0)


def test_kvm_that_does_not_work(boot, tmp_path, monkeypatch, write):
    monkeypatch.setattr(os, "access", lambda *asked: True)
    kernel = write(tmp_path / "bzImage", "")
    load = machine.Load(kernel, tmp_path)
    assert machine.fastest(load, tmp_path / "log").accelerator == machine.TCG


def test_kvm_that_works(boot, tmp_path, monkeypatch, write):
    monkeypatch.setattr(os, "access", lambda *asked: True)
    write(tmp_path / "bin/qemu-system-i386", "#!/bin/sh\necho kmaplocal: done\n", 0o755)
    load = machine.Load(tmp_path, tmp_path)
    assert machine.fastest(load, tmp_path / "log").accelerator == machine.KVM


def test_no_qemu(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KmaplocalError, match="qemu-system-i386: not found.*install"):
        machine.Machine()


def test_comma_in_the_name_of_a_disk(tmp_path):
    words = machine._starting(machine.Load(tmp_path, tmp_path, [tmp_path / "a,b"]))
    assert any("a,,b,format=raw" in word for word in words)


def test_lost_settings():
    asked = "# words\nCONFIG_A=y\nCONFIG_B=n\nCONFIG_C=4\nCONFIG_D=y\n"
    config = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=4\n# CONFIG_D is not set\n"
    assert image.lost_settings(asked, config) == ["CONFIG_D=y"]
    assert image.lost_settings("CONFIG_B=n\n", "CONFIG_B=y\n") == ["CONFIG_B=n"]
    assert image.lost_settings("CONFIG_C=4\n", "CONFIG_C=2\n") == ["CONFIG_C=4"]


def test_fragment_has_what_notices_mistakes():
    settings = dict(image._settings(FRAGMENT.read_text()))
    for name in (
        "HIGHMEM64G DEBUG_KMAP_LOCAL DEBUG_KMAP_LOCAL_FORCE_MAP DEBUG_HIGHMEM"
        " DEBUG_ATOMIC_SLEEP"
    ).split():
        assert settings[f"CONFIG_{name}"] == "y"


def test_interrupt_ends_qemu(boot, committed, tmp_path):
    os.mkfifo(tmp_path / "hung")
    program = (
        "import sys, pathlib; sys.path[:0] = [sys.argv[1] + '/tests']\n"
        "import test_boot\n"
        "from kmaplocal import cli\n"
        "test_boot.door.Userland = test_boot.Userland\n"
        "sys.exit(cli.main(sys.argv[2:]))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, REPOSITORY / "scripts", "boot"]
        + [
            "--kernel",
            committed,
            "--libaio",
            tmp_path / "libaio",
            "--build",
            tmp_path / "build",
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY / "scripts"),
            "HANG": str(tmp_path / "hung"),
        },
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    child = int((tmp_path / "hung").read_text())
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == (
        "kmaplocal: interrupted: the kernels that were built are kept\n"
    )
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize(
    "options, words",
    [
        (["--kernel", "none"], "none: no such folder"),
        (["--kernel", "."], "not a Linux kernel tree"),
        (["--kernel", "linux", "--before", "none"], "none: no such folder"),
        (["--kernel", "linux", "--libaio", "none"], "none: no libaio"),
    ],
)
def test_bad_input(options, words, committed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = ["--libaio", ".", "--build", "build", *options]
    assert cli.main(["boot", *given]) == 3
    said = capsys.readouterr().err
    assert re.fullmatch(r"kmaplocal: [^\n]+\n", said)
    assert words in said


@pytest.fixture
def compiled(tmp_path):
    """compiled(name): one of our programs, for this machine instead of i386."""

    def build(name):
        command = ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror"]
        program = tmp_path / name
        source = FOLDER / f"{name}.c"
        subprocess.run([*command, "-O1", "-o", program, source], check=True)
        return program

    return build


def test_load_passes_here(compiled, tmp_path):
    command = [compiled("aio_load"), tmp_path / "file", "buffered"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("requests verified") == 2


def test_load_fails_where_data_get_lost(compiled, tmp_path):
    for number in range(2):
        (tmp_path / f"file.{number}").symlink_to("/dev/null")
    command = [compiled("aio_load"), tmp_path / "file", "buffered"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "FAILED: event: res: expected 4096" in done.stdout


def test_load_says_how_to_use_it(compiled):
    done = subprocess.run([compiled("aio_load")], capture_output=True, text=True)
    assert done.returncode == 1
    assert "usage: aio_load FILE" in done.stdout


def test_init_compiles(compiled):
    assert compiled("init").exists()
