"""`rowcrew dev`: everything a developer of handlers needs, in one terminal and with one command.

In: crews and directories to watch. Out: a PostgreSQL that keeps its data, its tables up to date, and a worker
that is started anew when a file changes. SIGINT and SIGTERM stop it all.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from rowcrew import embedded, settings
from rowcrew.cli import SUCCESS
from rowcrew.cli.local import private_postgres, start_worker, stop_worker
from rowcrew.cli.migrate import bring_up_to_date
from rowcrew.cli.options import Queues, read_settings
from rowcrew.model.errors import RowcrewError
from rowcrew.settings import Settings
from rowcrew.table.address import without_password

# Whoever saves a file waits for the restart: running jobs are given back early, and run again.
_GRACE_SECONDS: Final = "2"
_LOOK_MILLISECONDS: Final = 500
_SETTLE_MILLISECONDS: Final = 200
_PORT_FILE: Final = "port"


def dev(
    *crew: str,
    queue: Queues = None,
    data_dir: Path | None = None,
    port: Annotated[int | None, Parameter(validator=Number(gte=1, lte=65_535))] = None,
    watch: list[Path] | None = None,
    job: Path | None = None,
) -> int:
    """Develop: a PostgreSQL of your own, and a worker that restarts when Python files change.

    If DATABASE_URL is set, that database is migrated and used instead of an own
    one. Ctrl-C (SIGINT) and SIGTERM stop everything.

    With --job a single job runs, and nothing else: without a PostgreSQL, a worker
    or a row. Its result is printed; exit code 1 tells that it did not complete.

    Parameters
    ----------
    crew
        Handlers to run, each as module:crew; default: as of rowcrew worker.
    data_dir
        Home of the own PostgreSQL; default: /var/lib/rowcrew or ~/.local/state/rowcrew.
    port
        Port of the own PostgreSQL on 127.0.0.1; default: as last time, at first a free one.
    watch
        Directory whose Python files are watched; repeatable; default: the current one.
    job
        JSON file of one job to run here and now: {"type": "…", "payload": {…}}.
    """
    if job is not None:
        from rowcrew.cli.one_job import run_one

        return run_one(job, crew)
    wanted = read_settings({"--queue": ("queues", ",".join(queue) if queue else None)})
    stop = _stop_on_signals()
    with _database(wanted, data_dir or settings.state_directory(), port) as address:
        bring_up_to_date(msgspec.structs.replace(wanted, database_url=address))
        queues = [option for name in wanted.queues for option in ("--queue", name)]

        def start() -> subprocess.Popen[bytes]:
            return start_worker([*crew, *queues, "--shutdown-grace", _GRACE_SECONDS], DATABASE_URL=address)

        _keep_running(start, watch or [Path()], stop)
    return SUCCESS


@contextmanager
def _database(wanted: Settings, home: Path, port: int | None) -> Iterator[str]:
    if wanted.database_url is not None:
        _say(f"using the database of DATABASE_URL: {without_password(wanted.database_url)}")
        yield wanted.database_url
        return
    kept = _kept_port(home, port)
    with private_postgres(home, kept) as server:
        (home / _PORT_FILE).write_text(f"{kept}\n")
        address = server.tcp_url_of("postgres")
        psql = shutil.which("psql") or embedded.find_binaries() / "bin" / "psql"
        _say(f"PostgreSQL runs, and keeps its data in {server.home}")
        _say("other programs and shells reach it with")
        print(f"  export DATABASE_URL='{address}'\n  {psql} '{address}'", flush=True)
        yield address


def _kept_port(home: Path, asked: int | None) -> int:
    """The port asked for, else the one of last time: an address given to other programs stays right."""
    with suppress(FileNotFoundError, ValueError):
        return asked or int((home / _PORT_FILE).read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _keep_running(
    start: Callable[[], subprocess.Popen[bytes]], directories: Sequence[Path], stop: threading.Event
) -> None:
    """Run the worker until told to stop; start it anew at every change, also when it has ended by itself."""
    worker = start()
    told = False
    try:
        for changed in _changes(directories, stop):
            if changed:
                names = ", ".join(sorted({Path(path).name for path in changed}))
                _say(f"{names} changed: restarting the worker")
                stop_worker(worker)
                worker, told = start(), False
            elif not told and worker.poll() is not None:
                code = worker.returncode
                _say(f"the worker ended with exit code {code}; a changed file starts it again")
                told = True
    finally:
        stop_worker(worker)


def _changes(directories: Sequence[Path], stop: threading.Event) -> Iterator[list[str]]:
    """Python files that changed, or nothing when it is time to look after the worker."""
    watchfiles = _watchfiles()
    changes = watchfiles.watch(
        *directories,
        watch_filter=watchfiles.PythonFilter(),
        stop_event=stop,
        debounce=4 * _SETTLE_MILLISECONDS,
        step=_SETTLE_MILLISECONDS,
        rust_timeout=_LOOK_MILLISECONDS,
        yield_on_timeout=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    )
    try:
        for change in changes:
            yield [path for _, path in change]
    except OSError as error:
        names = ", ".join(map(str, directories))
        raise RowcrewError(f"cannot watch {names}: {error}; name fewer with --watch") from error


def _watchfiles() -> Any:
    try:
        import watchfiles
    except ImportError as error:
        raise RowcrewError("rowcrew dev needs watchfiles: pip install 'rowcrew[embedded]'") from error
    return watchfiles


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _say(text: str) -> None:
    print(f"rowcrew dev: {text}", flush=True)
