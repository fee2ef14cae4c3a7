"""`python -m rowcrew.cli.child PARENT COMMAND …`: a `rowcrew COMMAND …` that ends with the process PARENT."""

from __future__ import annotations

import sys

from rowcrew.cli import main
from rowcrew.runner.parent import die_with

if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
