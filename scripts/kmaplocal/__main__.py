# SPDX-License-Identifier: GPL-2.0-only
"""python3 -m kmaplocal: see cli.py."""

import sys
from pathlib import Path

try:
    from kmaplocal.cli import main

    sys.exit(main())
except KeyboardInterrupt:
    print("kmaplocal: interrupted: nothing was changed", file=sys.stderr)
    sys.exit(130)
except ModuleNotFoundError as error:
    install = Path(__file__).resolve().parents[1] / "install"
    python = f"as {sys.executable} runs it"
    print(f"kmaplocal: {error}, {python}: run {install} apply", file=sys.stderr)
    sys.exit(3)
except Exception as error:  # of kmaplocal's own code: main() has all others
    print(f"kmaplocal: it does not load: {error!r}", file=sys.stderr)
    sys.exit(3)
