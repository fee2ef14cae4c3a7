"""The command line: `rowcrew COMMAND`.

In: the words after the program's name. Out: an exit code. A command's module is imported only when it is its
turn, so that `rowcrew --help` and `rowcrew healthcheck` cost no database driver. Every error ends here as one
sentence on standard error.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from cyclopts import App, CycloptsError, Parameter

from rowcrew.installed import VERSION
from rowcrew.model.errors import InvalidJob, RowcrewError, SettingsError
from rowcrew.output import AS_IN_JSON

if TYPE_CHECKING:
    from cyclopts.help.formatters import PlainFormatter

SUCCESS: Final = 0
FAILURE: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

_HELP: Final = """Background jobs on the PostgreSQL you already have.

The database is the one that DATABASE_URL names, as
postgresql://user:password@host/database. Variables may stand in a
file .env of the current directory; those of the environment win.

Exit codes: 0 done, 1 failed (the reason is on standard error),
2 the command or a setting is wrong. rowcrew enqueue --wait also:
1 the job failed or was cancelled, 3 it had not ended in time."""


class UsageError(RowcrewError):
    """The command line makes no sense as given."""


class _PlainHelp:
    """Help in plain text. What writes it is imported when somebody asks for help, as no worker does."""

    def __call__(self, console: Any, options: Any, panel: Any) -> None:
        from rowcrew.cli.help import print_panel

        print_panel(self._formatter, console, options, panel)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._formatter, name)

    @cached_property
    def _formatter(self) -> PlainFormatter:
        from cyclopts.help.formatters import PlainFormatter

        return PlainFormatter()


def _app(words: Sequence[str] = ()) -> App:
    app = App(
        name="rowcrew",
        help=_HELP,
        help_format="plaintext",
        help_formatter=_PlainHelp(),
        version=VERSION,
        result_action="return_value",
        default_parameter=Parameter(negative=(), show_default=_is_shown),
    )
    commands = {
        "demo": "See it work, with a PostgreSQL of its own.",
        "dev": "Run a worker that restarts when files change.",
        "worker": "Run a worker until SIGTERM or SIGINT.",
        "spawner": "Start workers when jobs wait.",
        "migrate": "Bring the tables of the database up to date.",
        "roles": "Print the SQL that makes the database roles.",
        "enqueue": "Enqueue a job, and wait for its end if asked.",
        "jobs": "List, show, cancel, requeue and delete jobs.",
        "why": "Tell why a job waits, or what became of it.",
        "monitor": "Watch queues, jobs and workers on a terminal.",
        "queues": "How the queues stand, and who serves them.",
        "workers": "The workers of this table, and how they fare.",
        "schedules": "Jobs that come round by the clock.",
        "types": "The job types that workers have published.",
        "events": "What happened, and who was told of it.",
        "cost": "What workers cost, and what a backlog will.",
        "web": "Serve the API and metrics over HTTP.",
        "mcp": "Let an assistant ask why jobs wait.",
        "csv": "Show how csv_import would read a CSV file.",
        "accounts": "The cloud accounts whose costs are collected.",
        "costs": "What the cloud accounts cost, and what stands out.",
        "search": "Search the files that file_processing has processed.",
        "doctor": "Check what a worker needs, each with its remedy.",
        "healthcheck": "Exit 0 if a worker of this machine lives, else 1.",
        "prune": "Delete ended jobs whose retention has passed, now.",
        "bench": "Measure this machine and this PostgreSQL in a scratch schema.",
    }
    for place, (name, purpose) in enumerate(commands.items()):
        # This purpose stands in for the docstring, so that listing the commands imports none of them.
        summary = None if name in words[:1] else purpose
        app.command(f"rowcrew.cli.{name}:{name}", name=name, help=summary, sort_key=place)
    return app


def program(arguments: Sequence[str] | None = None) -> int:
    """`main` with the variables of the file `.env` in the current directory, which the environment lacks.

    Only a command has use for them: `--help` and `--version` answer before settings are imported.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if words and not words[0].startswith("-"):
        from rowcrew.settings.environment_file import read_environment_file

        try:
            read_environment_file()
        except SettingsError as error:
            return _fail(USAGE, *error.complaints)
    return main(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    _open_standard_streams()
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _code(_app(words)(words, exit_on_error=False, print_error=False))
    except CycloptsError as error:
        return _fail(USAGE, f"{_one_line(str(error))} (see --help)")
    except SettingsError as error:
        return _fail(USAGE, *error.complaints)
    except (UsageError, InvalidJob) as error:
        return _fail(USAGE, str(error))
    except RowcrewError as error:
        return _fail(FAILURE, str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _drop_output()
        return SUCCESS
    except OSError as error:  # such as a file that is not there, or standard output on a disk that is full
        _drop_output()
        said = error.strerror or str(error)
        return _fail(FAILURE, _one_line(f"{error.filename}: {said}" if error.filename else said))


def _open_standard_streams() -> None:
    """Open at /dev/null the streams that were closed when we started, for us and for the processes we start.

    Else the next socket would get such a number, and libuv ends a process in which it closes one of them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=AS_IN_JSON)


def _drop_output() -> None:
    """Nobody reads what is left: the interpreter's last flush must not complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _code(result: Any) -> int:
    """What a command returned; help and version return nothing."""
    sys.stdout.flush()
    return result if isinstance(result, int) else SUCCESS


def _fail(code: int, *sentences: str) -> int:
    for sentence in sentences:
        print("\n  ".join(_lines(f"rowcrew: {sentence}")), file=sys.stderr)
    return code


def _lines(text: str) -> list[str]:
    """The text as wide as the terminal that shows errors; one line for a file, in which people search."""
    from rowcrew.model.terminal_text import folded

    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        return [text]
    return folded(text, max(20, columns - 2), keep_words=True) if columns else [text]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _is_shown(default: Any) -> str | None:
    """Defaults that say something."""
    return None if default in (None, False, "", ()) else str(default)
