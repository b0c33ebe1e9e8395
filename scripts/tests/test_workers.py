# SPDX-License-Identifier: GPL-2.0-only
"""workers.py: results in order, and nothing left behind."""

import os
import signal
import subprocess
import threading
import time

import pytest

from kmaplocal.workers import CHILDREN, Stopped, run_all


def test_results_in_order_of_jobs():
    seen = []

    def progress(done, at, what=""):
        seen.append((done, at))

    result = run_all(
        [3, 1, 2], lambda n: n * 10, workers=1, progress=progress, name=str
    )
    assert result == [30, 10, 20]
    assert [done for done, _ in seen] == [1, 2, 3]
    assert {at for _, at in seen} == {"1", "2", "3"}


def test_no_jobs():
    assert run_all([], str) == []


def test_exception_goes_on():
    with pytest.raises(ZeroDivisionError):
        run_all([1, 0, 2], lambda n: 1 // n)


@pytest.mark.interrupts
def test_interrupt_kills_children_and_starts_no_more():
    started, both = [], threading.Barrier(2)

    def worker(number):
        with CHILDREN.child(["sleep", "300"]) as process:
            started.append(process)
            if both.wait() == 0:
                os.kill(os.getpid(), signal.SIGINT)
            process.wait()

    with pytest.raises(KeyboardInterrupt):
        run_all(range(50), worker, workers=2)
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2


def test_children_start_again_after_an_interrupt():
    test_interrupt_kills_children_and_starts_no_more()
    with CHILDREN.child(["true"]) as process:
        assert process.wait() == 0


def test_no_child_while_stopped():
    CHILDREN.stop()
    try:
        with pytest.raises(Stopped), CHILDREN.child(["true"]):
            pass
    finally:
        CHILDREN.resume()


@pytest.mark.interrupts
def test_second_interrupt_does_not_cut_the_clean_up_short(tmp_path):
    cleaned = []

    def worker(number):
        try:
            with CHILDREN.child(["sleep", "300"]) as process:
                os.kill(os.getpid(), signal.SIGINT)
                process.wait()
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.1)
        finally:
            cleaned.append(number)

    with pytest.raises(KeyboardInterrupt):
        run_all([1], worker)
    assert cleaned == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_outside_the_main_thread():
    caught = []

    def run():
        try:
            run_all([0], lambda n: 1 // n)
        except ZeroDivisionError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert caught


def test_child_that_cannot_start():
    with pytest.raises(FileNotFoundError):
        with CHILDREN.child(["/nowhere/program"], stdout=subprocess.PIPE):
            pass
