# SPDX-License-Identifier: GPL-2.0-only
"""The flag door with a stand-in for the survey: comments say what it finds.

    // FIND kmap-leak error          a finding on this line
    // LOST                          the function here was not analysed
"""

import os
import subprocess
import sys

from conftest import REPOSITORY

from kmaplocal.findings.finding import Finding
from kmaplocal.findings.handbook import EVERY
from kmaplocal.findings.survey import Survey
from kmaplocal.findings.text import Texts
from kmaplocal.progress import silent
from kmaplocal.tree.outcome import Lost

DRIVER = """
import sys
from kmaplocal import cli
from kmaplocal.findings import survey
from kmaplocal.progress import silent
import flagging
survey.survey = flagging.survey
sys.exit(cli.main())
"""

MODULE = """\
void leaks(struct page *page)
{
	char *p = kmap_local_page(page); // FIND kmap-leak error

	p[0] = 1;
}

void old(struct page *page)
{
	char *p = kmap(page); // FIND kmap-deprecated warning

	p[0] = 1;
	kunmap(page);
}
"""


def survey(root, paths, spatch, timeout, jobs=None, progress=silent, **asked):
    """What the comments in PATHS say."""
    texts, found = Texts(root), Survey()
    for done, path in enumerate(paths, 1):
        for number, line in enumerate(texts.lines(path), 1):
            function = texts.function(path, number)
            words = line.partition("// FIND ")[2].split()
            if words:
                found.findings.append(finding(path, number, *words, function=function))
            if "// LOST" in line:
                found.lost.append(Lost(path, number, function, "does not parse"))
        progress(done)
    return found


def finding(file, line, rule, severity="", function="f", column=2):
    """A finding of RULE."""
    severity = severity or EVERY[rule].severity
    place = (file, line, column, rule, severity, function)
    return Finding(*place, f"what {rule} says", "do it right")


def flag(kernel, *arguments, **options):
    """Run the flag door on KERNEL; the finished process."""
    places = f"{REPOSITORY / 'scripts'}:{REPOSITORY / 'scripts/tests'}"
    environment = {**os.environ, "PYTHONPATH": places, "NO_COLOR": "1"}
    environment |= options.pop("env", {})
    where = ["--kernel", kernel] if kernel else []
    line = [sys.executable, "-c", DRIVER, "flag", *where, *arguments]
    return subprocess.run(
        [str(word) for word in line],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )
