"""The lists in the help text of a command: long lines hang below their beginning, whole words each.

In: a panel of cyclopts and the console it goes to. Out: its lines. Called by `rowcrew.cli` for `--help`.
"""

from __future__ import annotations

import io
import textwrap
from typing import Final

from cyclopts.help import HelpPanel
from cyclopts.help.formatters import PlainFormatter
from rich.console import Console, ConsoleOptions

_UNLIMITED: Final = 10_000
_HANG: Final = "    "


def print_panel(
    formatter: PlainFormatter, console: Console, options: ConsoleOptions, panel: HelpPanel
) -> None:
    """Print the panel's lines as the formatter makes them, but wrapped here: it would wrap to the margin."""
    unwrapped = Console(file=io.StringIO(), width=_UNLIMITED)
    with unwrapped.capture() as captured:
        formatter(unwrapped, options, panel)
    for line in captured.get().splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        lines = textwrap.wrap(
            line,
            console.width,
            subsequent_indent=indent + _HANG,
            break_on_hyphens=False,
            break_long_words=False,
        )
        console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
