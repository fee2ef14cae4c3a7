"""`rowcrew monitor`: what happens now, on a terminal; `--once` prints one frame of it."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec

from rowcrew.admin.link import WatchingLink
from rowcrew.cli import UsageError
from rowcrew.cli.asking import ask
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import print_document
from rowcrew.cli.wording import worded
from rowcrew.model.errors import RowcrewError
from rowcrew.monitor.frame import document, frame, picture


def monitor(*, once: bool = False, json: AsJson = False) -> None:
    """Watch queues, jobs and workers on a terminal, over ssh too; `?` tells the keys.

    It needs the extra `monitor`; `--once` does not. It asks on one connection
    that changes nothing, and gives a statement up after 2 s.

    Parameters
    ----------
    once
        Print one frame as plain text, as wide as the terminal, and leave.
    """
    if json and not once:
        raise UsageError("--json prints one document: give --once too")
    if not once:
        _watch()
        return
    seen = ask(read_settings(), picture, link_to=WatchingLink)
    if json:
        print_document(document(seen))
        return
    for line in frame(seen, shutil.get_terminal_size().columns):
        print(line)


def _watch() -> None:
    address = read_settings().require_database_url()
    # Textual draws on standard error.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError("this is no terminal; `rowcrew monitor --once` prints one frame")
    if find_spec("textual") is None:
        raise RowcrewError(
            "the monitor needs Textual: pip install 'rowcrew[monitor]'; --once prints one frame without it"
        )
    from rowcrew.monitor.app import Monitor

    Monitor(address=address, worded=worded).run()
