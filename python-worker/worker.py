"""The front door: `python worker.py [options of rowcrew worker]` runs the bundled job types."""

from __future__ import annotations

import sys

from rowcrew.cli import program

if __name__ == "__main__":
    sys.exit(program(["worker", *sys.argv[1:]]))
