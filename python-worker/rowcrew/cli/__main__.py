"""`python -m rowcrew.cli` is `rowcrew`."""

from __future__ import annotations

import sys

from rowcrew.cli import program

if __name__ == "__main__":
    sys.exit(program())
