# SPDX-License-Identifier: GPL-2.0-only
"""make bench: that it measures; not what."""

import json
import sys

import pytest

from kmaplocal import cli
from kmaplocal.cost import bench
from kmaplocal.cost.meter import CannotMeasure, Cost, measured, middle


def test_every_part_on_a_small_tree(kernel, tmp_path, capsys, contents, monkeypatch):
    monkeypatch.delenv("NO_CACHE")
    before = contents(kernel)
    asked = ["bench", "--kernel", str(kernel), "--build", str(tmp_path / "bench")]
    assert cli.main([*asked, "--runs", "1", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["costs"]
    assert [row["part"] for row in rows if row["processors"] == 1] == [*bench.PARTS]
    assert all(row["cpu"] > 0 and row["cpu_ratio"] > 0 for row in rows)
    assert contents(kernel) == before
    assert cli.main([*asked, "--runs", "1", "--part", "apply"]) == 0
    assert "apply" in capsys.readouterr().out
    assert cli.main([*asked, "--part", "none"]) == 3


def test_the_memory_of_all_processes_counts(tmp_path):
    eat = "import time; x = bytearray(40 << 20); time.sleep(0.5)"
    both = f"import subprocess as s, sys\nc = [sys.executable, '-c', {eat!r}]\n"
    both += "p = [s.Popen(c) for _ in range(2)]\n[q.wait() for q in p]"
    cost = measured([sys.executable, "-c", both], tmp_path, {}, 1)
    assert cost.memory > 80


def test_a_process_that_has_not_become_another_yet_counts_once(tmp_path):
    """It waits for its standard input, and is its parent until then."""
    fifo = tmp_path / "fifo"
    opened = f"(os.POSIX_SPAWN_OPEN, 0, {str(fifo)!r}, os.O_RDONLY, 0)"
    start = f"import os, subprocess as s\nos.mkfifo({str(fifo)!r})\n"
    start += f"q = s.Popen(['sh', '-c', 'sleep 0.5; : >{fifo}'])\n"
    start += "x = bytearray(80 << 20)\n"
    start += f"os.posix_spawn('/bin/true', ['true'], {{}}, file_actions=[{opened}])\n"
    cost = measured(
        [sys.executable, "-c", f"{start}q.wait(); os.wait()"], tmp_path, {}, 1
    )
    assert 80 < cost.memory < 140


def test_a_failure_is_not_measured(tmp_path):
    with pytest.raises(CannotMeasure, match="status 1"):
        measured(["false"], tmp_path, {}, 1)


def test_the_middle_counts():
    costs = [Cost(1.0, 9.0, 5.0), Cost(2.0, 1.0, 7.0), Cost(9.0, 2.0, 6.0)]
    assert middle(costs) == Cost(2.0, 2.0, 6.0)


def test_text_shows_what_was_not_compared():
    rows = [{"part": "apply", "processors": 1, "runs": 2, "cpu": 1.5, "wall": 1.0}]
    head, line = bench.as_text(rows).splitlines()
    assert line.split() == ["apply", "1", "2", "1.50", "1.00", "-", "-", "-"]
    assert head.split()[0] == "part"
