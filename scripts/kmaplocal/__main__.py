# SPDX-License-Identifier: GPL-2.0-only
"""python3 -m kmaplocal: see cli.py."""

import sys

try:
    from kmaplocal.cli import main

    sys.exit(main())
except KeyboardInterrupt:
    print("kmaplocal: interrupted: nothing was changed", file=sys.stderr)
    sys.exit(130)
except ModuleNotFoundError as error:
    print(f"kmaplocal: {error}: run scripts/install apply", file=sys.stderr)
    sys.exit(3)
