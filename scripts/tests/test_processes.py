# SPDX-License-Identifier: GPL-2.0-only
"""processes.py: results in order from processes of their own, and none left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import REPOSITORY

from kmaplocal.errors import KmaplocalError
from kmaplocal.tree.processes import Died, in_processes


def test_results_in_order_of_jobs():
    seen = []

    def work(job, progress):
        time.sleep(0.2 / job)
        progress(job, f"{job}.c")
        progress(1, f"{job}.c", "following")
        return job * 10, os.getpid()

    def progress(done, at, what):
        seen.append((what, done, at))

    found = in_processes(work, [1, 2, 3], progress)
    assert [result for result, _ in found] == [10, 20, 30]
    assert len({process for _, process in found} - {os.getpid()}) == 3
    assert max(done for what, done, _ in seen if not what) == 6
    assert max(done for what, done, _ in seen if what == "following") == 3
    assert {at for *_, at in seen} == {"1.c", "2.c", "3.c"}


def test_an_exception_goes_on_and_ends_the_others():
    def work(job, progress):
        if job:
            raise KmaplocalError("no such thing")
        time.sleep(300)

    start = time.monotonic()
    with pytest.raises(KmaplocalError, match="no such thing"):
        in_processes(work, [0, 1])
    assert time.monotonic() - start < 60


def test_what_cannot_be_pickled_is_said_all_the_same():
    class Local(Exception):
        pass

    def work(job, progress):
        raise Local("of this test")

    with pytest.raises(KmaplocalError, match="of this test"):
        in_processes(work, [0])


def test_a_process_that_is_killed_ends_the_run():
    with pytest.raises(Died):
        in_processes(lambda job, progress: os.kill(os.getpid(), signal.SIGKILL), [0])


@pytest.mark.interrupts
def test_an_interrupt_ends_all():
    def work(job, progress):
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(300)

    with pytest.raises(KeyboardInterrupt):
        in_processes(work, [0, 1])


def test_none_outlives_the_one_that_started_it(tmp_path):
    program = """
import os, sys, time
from kmaplocal.tree.processes import in_processes

def work(job, progress):
    os.write(1, b"%d\\n" % os.getpid())  # in one piece
    time.sleep(300)

in_processes(work, [0, 1])
"""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as run:
        numbers = [int(run.stdout.readline()) for _ in range(2)]
        run.kill()
        run.wait()
        # They hold the pipe open that they were given.
        run.stdout.read()
    assert not any(os.path.exists(f"/proc/{number}/exe") for number in numbers)
