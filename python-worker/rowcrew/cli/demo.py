"""`rowcrew demo`: the whole of Rowcrew in under a minute, on this machine and without a trace.

A temporary PostgreSQL, a real worker process, and a backend played by one plain connection that speaks
nothing but SQL. It prints what it sends, and in the end checks that everything came out as promised.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, Final, NamedTuple

import msgspec
import psutil
import psycopg
from cyclopts import Parameter
from psycopg.rows import dict_row

from rowcrew.bundled.files.blobs import blob_parts
from rowcrew.cli import FAILURE, SUCCESS
from rowcrew.cli.local import private_postgres, start_worker, stop_worker
from rowcrew.cli.migrate import bring_up_to_date
from rowcrew.cli.output import progress_text, shown
from rowcrew.cli.tables import print_table
from rowcrew.model.errors import RowcrewError
from rowcrew.model.status import ENDED
from rowcrew.settings import Settings
from rowcrew.table.statements import SQL

Record = dict[str, Any]

# The formula of Black and Scholes for the option of `enqueue_option.sql`.
EXACT_PRICE: Final = 8.021352
CUSTOMERS: Final = 5_000

_PATIENCE_SECONDS: Final = 45.0
_LOOK_SECONDS: Final = 0.1


class Jobs(NamedTuple):
    """The ids of the jobs on show."""

    long: int
    option: int
    bad: int
    file: int
    model: int


def demo(
    *,
    output: Annotated[Path, Parameter(help="Where the documents go that the worker makes.")] = Path(
        "rowcrew-demo"
    ),
) -> int:
    """See it work: a private PostgreSQL, one worker, plain SQL; under a minute.

    Nothing but the documents is left behind, neither data nor processes.
    Exit codes: 0 everything came out as promised, 1 not.
    """
    _require("numpy", "reportlab", "pptx")
    started = time.monotonic()
    print("Rowcrew works the jobs table of the PostgreSQL you already have.")
    print("This demonstration brings its own, and removes it afterwards.")
    with private_postgres() as server:
        bring_up_to_date(Settings(database_url=server.url))
        _write_customers(server.home / "files" / "customers.csv")
        with psycopg.connect(server.url, autocommit=True, row_factory=dict_row) as connection:
            promises = _show(Backend(connection), server.url, server.home / "files", output)
    _title("Was all as promised?")
    for promise, kept in promises.items():
        print(f"  {'✔' if kept else '✘'} {promise}")
    kept = all(promises.values())
    print(f"\n{'Done' if kept else 'Something went wrong'}, after {time.monotonic() - started:.0f} seconds.")
    return SUCCESS if kept else FAILURE


class Backend:
    """A program that knows PostgreSQL and nothing of Rowcrew; it prints what it sends and what comes back."""

    def __init__(self, connection: psycopg.Connection[Record]) -> None:
        self._connection = connection

    def send(self, name: str, **values: Any) -> list[Record]:
        """Execute a statement of the demonstration."""
        cursor = self._connection.execute(_statement(name), values or None)
        return cursor.fetchall() if cursor.description else []

    def tell(self, name: str, **values: Any) -> list[Record]:
        """The same, with the statement printed."""
        text = _statement(name)
        for placeholder, value in values.items():
            text = text.replace(f"%({placeholder})s", str(value))
        print("\n" + "\n".join(f"    {line}" for line in text.splitlines()))
        return self.send(name, **values)

    def show(self, name: str, **values: Any) -> list[Record]:
        """The same, with the answer printed as a table."""
        rows = self.tell(name, **values)
        print()
        print_table([{column: _cell(value) for column, value in row.items()} for row in rows], list(rows[0]))
        return rows


def _require(*modules: str) -> None:
    if missing := [module for module in modules if importlib.util.find_spec(module) is None]:
        raise RowcrewError(
            f"rowcrew demo needs {', '.join(missing)}: pip install 'rowcrew[embedded,sim,reports]'"
        )


def _show(backend: Backend, address: str, files: Path, output: Path) -> Mapping[str, bool]:
    """The demonstration itself: what was promised, and whether it was kept."""
    _title("A worker starts: rowcrew worker")
    with _worker(DATABASE_URL=address, ROWCREW_DATA_DIR=str(files)) as worker:
        _title("A backend inserts rows, from another connection, with plain SQL")
        backend.tell("demo/make_customers")
        names = ("enqueue_long", "enqueue_option", "enqueue_bad", "enqueue_import", "enqueue_model")
        jobs = Jobs(*(backend.tell(f"demo/{name}")[0]["id"] for name in names))
        _title("It watches them, and cancels the long one once it runs")
        cancelled = _watch(backend, jobs)
        _title("What has become of them")
        latest = {row["id"]: row["status"] for row in backend.show("demo/latest")}
        backend.show("demo/counts")
        results = {row["id"]: row["result"] for row in backend.show("demo/results")}
        errors = {row["id"]: row["errorMessage"] for row in backend.show("demo/errors")}
        (imported,) = backend.show("demo/customers")
        _title("The documents that the model run has enqueued")
        backend.show("demo/family", id=jobs.model)
        documents = _save_documents(backend.show("demo/files"), address, output)
        _title("The worker gets SIGTERM")
        family = psutil.Process(worker.pid).children(recursive=True)
        code = stop_worker(worker)
        _, left = psutil.wait_procs(family, timeout=5)
    workers = backend.show("demo/workers")
    option, file = results.get(jobs.option, {}), results.get(jobs.file, {})
    return {
        "the simulated price lies within four standard errors of the exact one": bool(option)
        and abs(option["price"] - EXACT_PRICE) < 4 * option["standardError"],
        f"the import brought all {CUSTOMERS:,} rows": file.get("inserted") == imported["rows"] == CUSTOMERS,
        "the impossible payload failed, and its row says why": latest[jobs.bad] == "failed"
        and "spot" in (errors[jobs.bad] or ""),
        "the model run has put its report into a PDF and a PPTX": len(documents) == 2
        and all(document.stat().st_size > 0 for document in documents),
        "the running job was cancelled by an UPDATE": cancelled and latest[jobs.long] == "cancelled",
        "the worker left with exit code 0, and said so in its row": code == 0
        and [row["state"] for row in workers] == ["stopped"],
        "no process of it is left": not left,
    }


def _save_documents(rows: list[Record], address: str, output: Path) -> list[Path]:
    """Take the documents out of the table, to where they can be opened."""
    output.mkdir(parents=True, exist_ok=True)
    documents = []
    print()
    with psycopg.connect(address, autocommit=True) as connection:
        for row in rows:
            document = output / f"model.{row['type'].partition('_')[0]}"
            document.write_bytes(b"".join(blob_parts(connection, row["key"], row["size"])))
            documents.append(document)
            print(f"  open {document.resolve()}")
    return documents


def _watch(backend: Backend, jobs: Jobs) -> bool:
    """Print what changes until every job has ended; whether the long one was cancelled while it ran."""
    print(f"\n    {_statement('demo/progress')}\n")
    told: dict[int, str] = {}
    cancelled = False
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        rows = backend.send("demo/progress")
        for row in rows:
            progress = None if row["progress"] is None else msgspec.Raw(msgspec.json.encode(row["progress"]))
            news = f"{row['type']:12}  {row['status']:10}  {progress_text(progress)}".rstrip()
            is_news = told.get(row["id"]) != news
            if is_news:
                told[row["id"]] = news
                print(f"  {row['id']}  {news}")
            if row["id"] == jobs.long and row["status"] == "processing" and not is_news and not cancelled:
                backend.tell("demo/cancel", id=jobs.long)
                print()
                cancelled = True
        if all(row["status"] in ENDED for row in rows):
            break
        time.sleep(_LOOK_SECONDS)
    return cancelled


@contextmanager
def _worker(**variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process that serves the table; its log appears beside what the backend does."""
    worker = start_worker([], output=subprocess.PIPE, **variables)
    assert worker.stdout is not None
    is_ready = threading.Event()
    log = threading.Thread(target=_pass_on, args=(worker.stdout, is_ready), daemon=True)
    log.start()
    try:
        if not is_ready.wait(_PATIENCE_SECONDS) or worker.poll() is not None:
            raise RowcrewError("the worker of the demonstration did not start; its log is above")
        yield worker
    finally:
        stop_worker(worker)
        log.join(5)


def _pass_on(lines: IO[bytes], is_ready: threading.Event) -> None:
    for line in lines:
        text = line.decode(errors="replace").rstrip()
        sys.stdout.write(f"  worker │ {text}\n")
        sys.stdout.flush()
        if text.startswith("👥"):
            is_ready.set()
    is_ready.set()  # the worker has ended: nobody needs to wait any longer


def _write_customers(file: Path) -> None:
    file.parent.mkdir()
    rows = (
        f'{number},"Customer {number}, Ltd.",{number % 28 + 1:02}.{number % 12 + 1:02}.20{number % 25:02},'
        f"{number * 7 % 100_000 / 100:.2f}"
        for number in range(1, CUSTOMERS + 1)
    )
    file.write_text("\n".join(["Customer,Name,Since,Balance", *rows, ""]), encoding="utf-8")


def _statement(name: str) -> str:
    """The statement without the line that says its purpose."""
    return SQL[name].partition("\n")[2].strip()


def _cell(value: Any) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else shown(value)


def _title(text: str) -> None:
    print(f"\n── {text} {'─' * max(4, 76 - len(text))}", flush=True)
