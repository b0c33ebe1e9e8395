# SPDX-License-Identifier: GPL-2.0-only
"""The formats of the flag door: each says all of a report, in its own way."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from flagging import finding

from kmaplocal import VERSION
from kmaplocal.findings.finding import CONVERTED, ERROR, NOTE, WARNING, Finding, Step
from kmaplocal.findings.accept.fingerprint import fingerprints
from kmaplocal.findings.formats import FORMATS
from kmaplocal.findings.formats import document
from kmaplocal.findings.handbook import EVERY
from kmaplocal.findings.report import Report, status
from kmaplocal.findings.text import Texts
from kmaplocal.tree.outcome import Lost

SARIF = Path(__file__).with_name("sarif-subset.schema.json")
TREE = Path("/the/tree")
# As read from a disk: one byte that is no UTF-8, and all that formats escape.
ODD = 'fs/a b,c:d%e"\udce9<é>.c'
AWKWARD = 'is 5% "too", a:b\n<c> & d\u0001'


def report(*findings, lost=(), **counts):
    """A report of findings and of what was lost."""
    counts = {"by_comment": 0, "by_baseline": 0, "elsewhere": 0, **counts}
    return Report(
        root=TREE,
        findings=findings,
        prints=fingerprints(findings, Texts(TREE)),
        lost=lost,
        files=2,
        status=status(findings, lost, ERROR),
        **counts,
    )


LEAK = replace(
    finding("fs/a.c", 3, "kmap-leak", ERROR, "f", 7),
    steps=(Step(2, 5, "mapped here"),),
)
FOUND = report(
    LEAK,
    finding("fs/a.c", 4, "kmap-null-check", WARNING, "f"),
    Finding(ODD, 9, 1, "kmap-nested", NOTE, "", AWKWARD),
    lost=(Lost("fs/b.c", 12, "g", "does not parse"),),
)


def sarif(found):
    """The SARIF of a report, held against what we use of its schema."""
    log = json.loads(FORMATS["sarif"](found))
    schema = json.loads(SARIF.read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(log)
    (run,) = log["runs"]
    return run


def test_text():
    assert FORMATS["text"](FOUND).splitlines()[:7] == [
        "fs/a.c: In function 'f':",
        "fs/a.c:3:7: error: what kmap-leak says [kmap-leak]",
        "    do it right",
        "fs/a.c:2:5: mapped here",
        "fs/a.c:4:2: warning: what kmap-null-check says [kmap-null-check]",
        "    do it right",
        r'"fs/a b,c:d%e\"\351<é>.c":9:1: note: is 5% "too", a:b\n<c> & d\001'
        " [kmap-nested]",
    ]
    assert FORMATS["text"](FOUND).splitlines()[-2:] == [
        "fs/b.c:12: not analysed: g: does not parse",
        "1 error, 1 warning, 1 note in 2 files; 1 not analysed",
    ]


def test_text_shows_the_source_with_a_caret(tmp_path):
    (tmp_path / "fs").mkdir()
    lines = ["f()", "{\tp = m(\a);", "\treturn 1; /* \xe9 */", "}"]
    (tmp_path / "fs/a.c").write_text("\n".join(lines), encoding="latin-1")
    found = replace(report(replace(LEAK, column=2)), root=tmp_path)
    assert FORMATS["text"](found).splitlines()[1:-1] == [
        "fs/a.c:3:2: error: what kmap-leak says [kmap-leak]",
        "    3 | \treturn 1; /*   */",
        "      | \t^",
        "    do it right",
        "fs/a.c:2:5: mapped here",
        "    2 | {\tp = m( );",
        "      |  \t  ^",
    ]


def test_text_shows_what_is_around_the_caret_of_a_long_line(tmp_path):
    (tmp_path / "fs").mkdir()
    text = f"{'a' * 299}{'b' * 300}"
    (tmp_path / "fs/a.c").write_text(f"\n\n{text}\n")
    found = replace(report(replace(LEAK, column=300, steps=())), root=tmp_path)
    shown, below = FORMATS["text"](found).splitlines()[2:4]
    assert shown[8:] == "a" * 99 + "b" * 101
    assert below.index("^") == shown.index("b")


def test_json_has_the_whole_reason():
    whole = "local: a(): b(): c(): stores it"
    (told,) = json.loads(FORMATS["json"](report(replace(LEAK, reason=whole))))[
        "findings"
    ]
    assert told["reason"] == whole


def test_text_has_a_line_for_a_function_with_old_calls():
    old = finding("fs/a.c", 3, "kmap-deprecated", WARNING, "f", 7)
    able = replace(old, line=9, function="g", remedy=CONVERTED)
    said = FORMATS["text"](report(old, able)).splitlines()
    assert said[:3] == [
        "fs/a.c:3:7: warning: f(): what kmap-deprecated says: do it right"
        " [kmap-deprecated]",
        "fs/a.c:9:7: warning: g(): what kmap-deprecated says: make apply converts it"
        " [kmap-deprecated]",
        "2 functions with deprecated calls: make apply converts 1, and says of each"
        " other why not",
    ]


def test_text_for_a_terminal():
    text = FORMATS["text"](FOUND, colour=True)
    assert "\033[1;31merror:\033[0m what kmap-leak says [kmap-leak]\n" in text
    assert "\033[1mfs/a.c:3:7:\033[0m " in text


def test_tally_counts_what_is_not_shown():
    counts = {"by_comment": 1, "by_baseline": 2, "elsewhere": 3}
    assert report(**counts).tally() == (
        "0 errors, 0 warnings, 0 notes in 2 files; 0 not analysed; accepted: 1 by"
        " comments, 2 by the baseline; 3 more elsewhere in functions that changed"
        " (WHOLE=1 shows them)"
    )


def test_json():
    found = json.loads(FORMATS["json"](FOUND))
    schema = json.loads(document.SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(found)
    assert found["findings"][0] == {
        "rule": "kmap-leak",
        "severity": "error",
        "file": "fs/a.c",
        "line": 3,
        "column": 7,
        "function": "f",
        "message": "what kmap-leak says",
        "remedy": "do it right",
        "reason": "",
        "steps": [{"line": 2, "column": 5, "said": "mapped here"}],
    }
    assert found["findings"][2]["file"] == 'fs/a b,c:d%e"\\xe9<é>.c'
    assert found["not_analysed"] == [
        {"file": "fs/b.c", "line": 12, "function": "g", "reason": "does not parse"}
    ]


def test_json_schema_knows_every_rule():
    schema = json.loads(document.SCHEMA.read_text())
    pattern = schema["$defs"]["finding"]["properties"]["rule"]["pattern"]
    assert [rule for rule in EVERY if not re.search(pattern, rule)] == []
    assert not re.search(pattern, "kmap-")


def test_sarif_results():
    run = sarif(FOUND)
    first, _second, odd = run["results"]
    assert first["ruleId"] == run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"]
    assert first["level"] == "error"
    assert first["message"]["text"] == "what kmap-leak says\ndo it right"
    (location,) = first["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "fs/a.c", "uriBaseId": "TREE"},
        "region": {"startLine": 3, "startColumn": 7},
    }
    assert location["logicalLocations"] == [{"name": "f", "kind": "function"}]
    place = odd["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place["uri"] == "fs/a%20b%2Cc%3Ad%25e%22%E9%3C%C3%A9%3E.c"
    assert "logicalLocations" not in odd["locations"][0]
    assert run["originalUriBaseIds"] == {"TREE": {"uri": "file:///the/tree/"}}


def test_sarif_shows_the_way():
    first, second, _odd = sarif(FOUND)["results"]
    (related,) = first["relatedLocations"]
    assert related["message"] == {"text": "mapped here"}
    place = related["physicalLocation"]
    assert place["region"] == {"startLine": 2, "startColumn": 5}
    assert place["artifactLocation"] == {"uri": "fs/a.c", "uriBaseId": "TREE"}
    ((flow,),) = (
        [t["locations"] for t in f["threadFlows"]] for f in first["codeFlows"]
    )
    places = [each["location"] for each in flow]
    lines = [p["physicalLocation"]["region"]["startLine"] for p in places]
    assert lines == [2, 3]
    assert places[-1]["message"]["text"] == "what kmap-leak says"
    assert not {"relatedLocations", "codeFlows"} & second.keys()


def test_sarif_says_which_version_it_is():
    driver = sarif(report())["tool"]["driver"]
    assert driver["version"] == VERSION


def test_sarif_rules_have_their_pages():
    rules = sarif(report())["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(EVERY)
    for rule in rules:
        assert rule["help"]["markdown"].startswith(f"# {rule['id']}")
        assert "\n" not in rule["fullDescription"]["text"]


def test_sarif_says_what_was_not_analysed():
    (invocation,) = sarif(FOUND)["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 2
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"] == "g: not analysed: does not parse"
    place = notification["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "fs/b.c"
    (fine,) = sarif(report(*FOUND.findings))["invocations"]
    assert (fine["executionSuccessful"], fine["exitCode"]) == (True, 1)
    assert fine["toolExecutionNotifications"] == []


def test_github():
    lines = FORMATS["github"](FOUND).splitlines()
    assert lines[0] == (
        "::error file=fs/a.c,line=3,col=7,title=kmap-leak"
        "::what kmap-leak says%0Ado it right"
    )
    assert lines[1].startswith("::warning file=fs/a.c,line=4,")
    assert lines[2] == (
        '::notice file=fs/a b%2Cc%3Ad%25e"\udce9<é>.c,line=9,col=1,title=kmap-nested'
        '::is 5%25 "too", a:b%0A<c> & d\u0001'
    )
    assert lines[3] == (
        "::warning file=fs/b.c,line=12,title=not analysed::g: does not parse"
    )


@pytest.mark.parametrize(
    "workspace, shown",
    [("/the", "tree/fs/a.c"), ("/the/tree", "fs/a.c"), ("/else", "fs/a.c")],
)
def test_github_paths_are_those_of_the_workspace(monkeypatch, workspace, shown):
    monkeypatch.setenv("GITHUB_WORKSPACE", workspace)
    outside = finding("/a/baseline", 1, "kmap-suppression")
    text = FORMATS["github"](report(FOUND.findings[0], outside))
    assert text.startswith(f"::error file={shown},line=3,")
    assert "\n::warning file=/a/baseline,line=1," in text


def test_checkstyle():
    top = ElementTree.fromstring(FORMATS["checkstyle"](FOUND))
    assert top.tag == "checkstyle"
    files = {file.get("name"): list(file) for file in top}
    assert list(files) == ['fs/a b,c:d%e"\\xe9<é>.c', "fs/a.c", "fs/b.c"]
    assert [error.attrib for error in files["fs/a.c"]] == [
        {
            "line": "3",
            "column": "7",
            "severity": "error",
            "message": "what kmap-leak says do it right",
            "source": "kmaplocal.kmap-leak",
        },
        {
            "line": "4",
            "column": "2",
            "severity": "warning",
            "message": "what kmap-null-check says do it right",
            "source": "kmaplocal.kmap-null-check",
        },
    ]
    (odd,), (lost,) = files[list(files)[0]], files["fs/b.c"]
    assert odd.get("severity") == "info"
    assert odd.get("message") == 'is 5% "too", a:b <c> & d '
    assert lost.get("source") == "kmaplocal.not-analysed"
    assert "column" not in lost.attrib


@pytest.mark.parametrize("form", FORMATS)
def test_same_report_same_text(form):
    assert FORMATS[form](FOUND) == FORMATS[form](FOUND)
