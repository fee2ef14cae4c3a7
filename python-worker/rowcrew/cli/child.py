"""`python -m rowcrew.cli.child PARENT SIGNAL COMMAND …`: a `rowcrew COMMAND …` that ends with a process.

In: the id of that process, and which signal its end is. Out: the exit code of the command.
"""

from __future__ import annotations

import signal
import sys

from rowcrew.cli import main
from rowcrew.runner.parent import die_with

if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # a parent that waits for signals has blocked them
    die_with(int(sys.argv[1]), signal.Signals(int(sys.argv[2])))
    sys.exit(main(sys.argv[3:]))
