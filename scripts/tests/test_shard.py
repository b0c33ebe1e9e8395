# SPDX-License-Identifier: GPL-2.0-only
"""SHARD=K/N and merge: the parts of a run make the whole, to the byte."""

import json
import os
import shutil
import subprocess
import sys

import jsonschema
import pytest
from conftest import REPOSITORY

from kmaplocal import cli
from kmaplocal.findings.formats import document
from kmaplocal.cache import cache
from kmaplocal.certify import parallel
from kmaplocal.tree.shard import BadShard, Shard, complete, dealt, parsed
from kmaplocal.report import report

PAIR = """\
static void %s(struct page *page)
{
	char *p = kmap(page);

	p[0] = 1;
	kunmap(page);
}
"""
WRAPPER = """\
char *map_it(struct page *page)
{
	return kmap_atomic(page);
}

void unmap_it(char *p)
{
	kunmap_atomic(p);
}
"""
USER = """\
static void user(struct page *page, struct page *other)
{
	char *p = map_it(page), *q;

	p[0] = 1;
	unmap_it(p);
	q = kmap_atomic(other);
	q[0] = 1;
	kunmap_atomic(q);
}
"""
HALF = """\
static void half(struct page *page)
{
	char *p = kmap_atomic(page);

	p[0] = 1;
	unmap_it(p);
}
"""
BAD = """\
/* kmaplocal: allow kmap-leak: not true */
static void bad(struct page *page, struct own *own)
{
	own->address = kmap(page);
}
"""


@pytest.fixture
def tree(kernel, write):
    """A tree in which one file maps for another."""
    for name in ("fs/aio.c", "mm/a b.c"):
        (kernel / name).unlink()
    write(kernel / "drivers/a.c", PAIR % "a")
    write(kernel / "drivers/b.c", USER)
    write(kernel / "drivers/c.c", HALF)
    write(kernel / "fs/bad.c", BAD)
    write(kernel / "lib/map.c", WRAPPER)
    write(kernel / "lib/z.c", PAIR % "z")
    return kernel


@pytest.fixture
def ask(tree, capsys):
    """ask(*words): what the driver prints."""

    def run(*words):
        status = cli.main([*words])
        return status, capsys.readouterr().out

    return run


@pytest.mark.parametrize("door", ["report", "flag"])
@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_the_parts_make_the_whole(door, of, tree, ask, tmp_path):
    asked = [door, "--kernel", str(tree), "--format", "json"]
    status, whole = ask(*asked)
    names = [str(tmp_path / f"{number}.json") for number in range(1, of + 1)]
    schema = (report if door == "report" else document).SCHEMA
    for number, name in enumerate(names, 1):
        ask(*asked, "--shard", f"{number}/{of}", "--out", name)
        with open(name) as part:
            jsonschema.validate(json.load(part), json.loads(schema.read_text()))
    assert ask("merge", *reversed(names))[1] == whole
    ask("merge", "--out", str(tmp_path / "all"), *names)
    assert (tmp_path / "all").read_text() == whole


@pytest.mark.parametrize("enough", [1, 10])
def test_processes_make_what_one_does(enough, tree, ask, monkeypatch):
    monkeypatch.setenv("NO_CACHE", "1")
    cache.cache.cache_clear()
    asked = ["report", "--kernel", str(tree), "--format", "json"]
    whole = ask(*asked, "--jobs", "1")
    started = []
    monkeypatch.setattr(parallel, "ENOUGH", enough)
    real = parallel.in_processes

    def in_processes(work, jobs, progress):
        started.append(len(jobs))
        return real(work, jobs, progress)

    monkeypatch.setattr(parallel, "in_processes", in_processes)
    assert ask(*asked, "--jobs", "3") == whole
    assert started and 1 < started[0] <= 3


def test_a_folder_is_in_one_part():
    weights = {"a/x.c": 1, "a/y.c": 5, "b/z.c": 4, "c.c": 3, "a/b/x.c": 3}
    assert dealt(weights, 2) == [["a/b/x.c", "a/x.c", "a/y.c"], ["b/z.c", "c.c"]]
    assert dealt(dict(reversed(weights.items())), 2) == dealt(weights, 2)
    assert dealt({"a.c": 1}, 2) == [["a.c"], []]


def test_what_maps_for_another_file_is_analysed_with_it(tree, ask):
    asked = ["report", "--kernel", str(tree), "--format", "json"]
    whole = json.loads(ask(*asked)[1])["mappings"]
    parts = [json.loads(ask(*asked, "--shard", f"{n}/5")[1]) for n in range(1, 6)]
    rows = [row for part in parts for row in part["mappings"]]
    assert sorted(rows, key=lambda row: row["file"]) == whole
    half = next(row for row in whole if row["function"] == "half")
    assert half["verdict"] == "convert"


@pytest.mark.parametrize("text", ["", "0/2", "3/2", "1", "a/b", "1/2/3", "-1/2"])
def test_a_shard_is_one_of_so_many(text):
    with pytest.raises(BadShard, match="1/N to N/N"):
        parsed(text)


@pytest.mark.parametrize(
    "shards, why",
    [
        ([(1, 2)], "2/2 is missing"),
        ([(1, 2), (2, 3)], "not shards of one run"),
        ([(1, 2), (2, 2), (2, 2)], "twice"),
    ],
)
def test_all_shards_are_needed_each_once(shards, why):
    with pytest.raises(BadShard, match=why):
        complete([Shard(*each) for each in shards])


def test_every_file_is_in_one_shard():
    paths = [f"{number}.c" for number in range(10)]
    found = [path for n in (1, 2, 3) for path in Shard(n, 3).chosen(reversed(paths))]
    assert sorted(found) == sorted(paths)


def test_what_is_no_shard_is_refused(ask, tmp_path, write, tree):
    whole = write(tmp_path / "whole.json", '{"mappings": []}')
    other = write(tmp_path / "other.json", "no JSON")
    assert ask("merge", str(whole))[0] == ask("merge", str(other))[0] == 3
    asked = ["flag", "--kernel", str(tree), "--shard", "1/2", "--since", "HEAD"]
    assert ask(*asked)[0] == 3


@pytest.mark.skipif(not shutil.which("parallel"), reason="GNU parallel is missing")
def test_gnu_parallel_on_two_hosts(tree, ask, tmp_path):
    whole = ask("report", "--kernel", str(tree), "--format", "json")[1]
    # Each ":" is this machine, as a host of its own.
    driver = f"{sys.executable} -m kmaplocal report --kernel {tree} --format json"
    command = ["parallel", "--will-cite", "-S", "1/:,1/:", "-j1"]
    command += [f"{driver} --shard {{}}/2 --out {tmp_path}/{{}}.json; true"]
    path = {"PYTHONPATH": str(REPOSITORY / "scripts"), "HOME": str(tmp_path)}
    subprocess.run([*command, ":::", "1", "2"], check=True, env={**os.environ, **path})
    assert ask("merge", *(str(tmp_path / f"{n}.json") for n in (1, 2)))[1] == whole
