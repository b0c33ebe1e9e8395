# SPDX-License-Identifier: GPL-2.0-only
"""prove/boot: what a kernel's log says, and the verdict on two of them."""

import pytest

from kmaplocal.prove.boot import log, verdict
from kmaplocal.prove.boot.userland import CONTROL, Step

STEPS = [
    Step("load", "/", "/aio_load x"),
    Step("libaio-6", "/", "/libaio/6", True),
    Step(CONTROL, "/", "/m.ko"),
]
WARNED = "WARNING: CPU: 0 PID: 1 at mm/highmem.c:610 kunmap_local_indexed+0xd8/0xf0"


def console(*lines):
    """What a console says: LINES with their time, after what QEMU says."""
    stamped = [f"[{number:5}.250000] {line}" for number, line in enumerate(lines)]
    return "\n".join(["qemu-system-i386: warning: BUG: none of the kernel's", *stamped])


def ran(name, *between, outcome="exit 0"):
    return [f"kmaplocal: begin {name}", *between, f"kmaplocal: end {name} {outcome}"]


def boot(*lines, control=(WARNED,), done=("kmaplocal: done",)):
    return log.read(console(*lines, *ran(CONTROL, *control), *done))


def good(*more):
    return boot(*ran("load"), *more, *ran("libaio-6", outcome="exit 1"))


def against(after, before=None):
    found = verdict.evaluate(STEPS, after, before)
    return [row.step for row in found.rows if row.against], found


def test_steps_and_their_seconds():
    found = boot(*ran("load", "one", "two"), *ran("libaio-6", outcome="signal 11"))
    assert found.outcome("load") == log.PASSED
    assert found.results["load"].seconds == 3
    assert found.outcome("libaio-6") == "signal 11"
    assert found.outcome("other") == log.NOT_REACHED
    assert found.finished


def test_what_tells_most_of_a_step():
    said = ["kmaplocal: load| first", "kmaplocal: load| FAILED: ring: tail"]
    more = [*said, "kmaplocal: load| afterwards"]
    found = boot(*ran("load", *more, outcome="exit 1"))
    assert found.results["load"].said == "FAILED: ring: tail"


def test_kernel_that_dies():
    found = log.read(console("kmaplocal: begin load", "Oops: 0002 [#1] PREEMPT SMP"))
    assert found.outcome("load") == log.UNFINISHED
    assert not found.finished
    assert [c.step for c in found.complaints] == ["load"]


@pytest.mark.parametrize(
    "line",
    [
        WARNED,
        "WARNING: possible circular locking dependency detected",
        "BUG: sleeping function called from invalid context at mm/memory.c:5813",
        "BUG: unable to handle page fault for address: ffbfb008",
        "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [aio_load:71]",
        "kernel BUG at mm/highmem.c:482!",
        "Oops: 0002 [#1] PREEMPT SMP",
        "Kernel panic - not syncing: Fatal exception",
        "DEBUG_LOCKS_WARN_ON(current->kmap_ctrl.idx)",
        "EXT4-fs error (device vda): ext4_lookup:1855: inode #2: comm aio_load",
        "blk_update_request: I/O error, dev vda, sector 0",
    ],
)
def test_complaint(line):
    found = good(line)
    assert [c.text for c in found.complaints if c.step != CONTROL] == [line]
    assert against(found, good())[1].new
    assert not against(found, good())[1].stands


@pytest.mark.parametrize(
    "line",
    [
        "kmaplocal: load| BUG: a program said so",
        "ACPI: bus type PCI registered",
        "Spectre V2 : WARNING is not how this line begins",
    ],
)
def test_no_complaint(line):
    assert against(good(line), good())[1].stands


def test_same_complaint_on_another_line_of_the_file_is_old():
    before = good("WARNING: CPU: 1 PID: 71 at fs/aio.c:99 f+0x1/0x2", "BUG: x comm a/7")
    after = good("WARNING: CPU: 0 PID: 68 at fs/aio.c:95 f+0x4/0x9", "BUG: x comm a/9")
    found = against(after, before)[1]
    assert found.stands
    assert len(found.old) == 2


def test_same_function_of_another_file_is_new():
    before = good("WARNING: CPU: 1 PID: 71 at fs/aio.c:99 f+0x1/0x2")
    after = good("WARNING: CPU: 1 PID: 71 at fs/bio.c:99 f+0x1/0x2")
    assert not against(after, before)[1].stands


def test_what_fails_before_and_after_is_no_finding():
    assert against(good(), good()) == ([], verdict.evaluate(STEPS, good(), good()))
    assert verdict.evaluate(STEPS, good(), good()).stands


@pytest.mark.parametrize("outcome", ["exit 1", "timeout", "signal 9"])
def test_what_fails_after_only(outcome):
    after = boot(*ran("load", outcome=outcome), *ran("libaio-6", outcome="exit 1"))
    assert against(after, good())[0] == ["load"]


def test_what_fails_worse_after():
    after = boot(*ran("load"), *ran("libaio-6", outcome="timeout"))
    assert against(after, good())[0] == ["libaio-6"]


def test_what_is_not_reached():
    after = boot(*ran("load"), done=())
    steps, found = against(after, good())
    assert steps == ["libaio-6"]
    assert found.unfinished and not found.stands


def test_alone_own_load_must_pass_and_libaio_need_not():
    assert against(good())[0] == []
    assert against(boot(*ran("load", outcome="exit 1")))[0][0] == "load"
    hung = boot(*ran("load"), *ran("libaio-6", outcome="timeout"))
    assert against(hung)[0] == ["libaio-6"]


def test_alone_every_complaint_counts():
    assert against(good("BUG: scheduling while atomic"))[1].new


def test_control_that_nobody_noticed():
    deaf = boot(*ran("load"), *ran("libaio-6", outcome="exit 1"), control=())
    assert against(deaf, good())[0] == [CONTROL]
    assert "did not notice" in deaf_row(deaf)


def test_control_after_the_same_warning_elsewhere():
    after = boot(*ran("load", WARNED), *ran("libaio-6", outcome="exit 1"), control=())
    steps, found = against(after, good())
    assert steps == []
    assert found.rows[-1].after == verdict.SAID_EARLIER
    assert [complaint.step for complaint in found.new] == ["load"]


def test_control_that_is_not_reached():
    after = log.read(console("kmaplocal: begin load"))
    found = against(after, good())[1]
    assert found.rows[-1].after == log.NOT_REACHED
    assert not found.stands


def deaf_row(deaf):
    return next(
        row.against for row in verdict.evaluate(STEPS, deaf).rows if row.against
    )


def test_warning_of_the_control_is_no_complaint():
    found = against(good(), good())[1]
    assert found.new == found.old == ()


def test_same_warning_outside_the_control_is_one():
    assert against(good(WARNED), good())[1].new


def test_table():
    after = boot(
        *ran("load", "kmaplocal: load| FAILED: ring: tail", outcome="exit 1"),
        *ran("libaio-6", outcome="exit 1"),
    )
    lines = list(verdict.table(verdict.evaluate(STEPS, after, good())))
    assert lines == [
        "            before  after",
        "load        exit 0  exit 1  NEW FAILURE: FAILED: ring: tail",
        "libaio-6    exit 1  exit 1",
        "kmap_order  caught  caught",
    ]
