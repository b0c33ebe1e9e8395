# SPDX-License-Identifier: GPL-2.0-only
"""The committed example of a series is what the tool makes of Linux 6.1 today.

The whole of 7.2 is compared by `make example KERNEL=path` and git diff.
"""

import subprocess

from kmaplocal.commands.fixtures import REPOSITORY

EXAMPLE = REPOSITORY / "expected" / "linux-6.1" / "series"


def test_the_example_is_made_again(tmp_path):
    kernel = REPOSITORY / "build" / "linux-source-6.1"
    command = [REPOSITORY / "scripts" / "example", kernel, tmp_path / "series"]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    made, kept = (
        {file.name: file.read_text() for file in folder.iterdir()}
        for folder in (tmp_path / "series", EXAMPLE)
    )
    assert made == kept
