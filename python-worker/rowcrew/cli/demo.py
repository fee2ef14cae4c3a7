"""`rowcrew demo`: the whole of Rowcrew in under a minute, on this machine and without a trace.

A temporary PostgreSQL, a real worker process, and a backend played by one plain connection that speaks
nothing but SQL. It prints what it sends, and in the end checks that everything came out as promised.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
import psutil
import psycopg
from cyclopts import App, Parameter
from cyclopts.validators import Number
from psycopg.rows import dict_row

from rowcrew.bundled.files.blobs import blob_parts
from rowcrew.cli.local import private_postgres, stop_worker
from rowcrew.cli.migrate import bring_up_to_date
from rowcrew.cli.options import AsJson
from rowcrew.cli.output import progress_text
from rowcrew.cli.stage import (
    LOOK_SECONDS,
    PATIENCE_SECONDS,
    Backend,
    Record,
    statement,
    title,
    verdict,
    worker_beside,
)
from rowcrew.model.errors import RowcrewError
from rowcrew.model.status import ENDED
from rowcrew.settings import Settings

demo = App(name="demo", help="See it work, with a PostgreSQL of its own.")

# The formula of Black and Scholes for the option of `enqueue_option.sql`.
EXACT_PRICE: Final = 8.021352
CUSTOMERS: Final = 5_000


class Jobs(NamedTuple):
    """The ids of the jobs on show."""

    long: int
    option: int
    bad: int
    file: int
    model: int


@demo.default
def show_all(
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
    return verdict(promises, started)


@demo.command
def shutdown() -> int:
    """See a worker stop: SIGTERM with jobs at work, one that can end in time and one that cannot.

    Exit codes: 0 everything came out as promised, 1 not.
    """
    from rowcrew.cli.demo_shutdown import show_shutdown

    return show_shutdown()


@demo.command
def web(
    *,
    port: Annotated[
        int, Parameter(validator=Number(gte=0, lte=65535), help="Port; 0 = any free one.")
    ] = 8000,
) -> int:
    """See the dashboard over a lively database of its own, until Ctrl+C."""
    from rowcrew.cli.demo_web import show_dashboard

    return show_dashboard(port)


@demo.command
def ephemeral() -> int:
    """See workers come and go: none while nothing waits, as many as queues allow when something does.

    Exit codes: 0 everything came out as promised, 1 not.
    """
    from rowcrew.cli.demo_ephemeral import show_ephemeral

    return show_ephemeral()


@demo.command(name="jobs")
def enqueue_samples(*, count: Annotated[int, Parameter(help="How many.")] = 5, json: AsJson = False) -> int:
    """Enqueue announcements of companies that do not exist, in the database of DATABASE_URL.

    A worker reads them, keeps them and links their investors. Asked for again, those that are
    still live are not enqueued a second time.
    """
    from rowcrew.cli.feeds import enqueue_all

    _require("reportlab")
    from rowcrew.bundled.announcements.sample.jobs import sample_jobs

    return enqueue_all(list(sample_jobs(count)), as_json=json)


def _require(*modules: str) -> None:
    if missing := [module for module in modules if importlib.util.find_spec(module) is None]:
        raise RowcrewError(
            f"rowcrew demo needs {', '.join(missing)}: pip install 'rowcrew[embedded,sim,reports]'"
        )


def _show(backend: Backend, address: str, files: Path, output: Path) -> Mapping[str, bool]:
    """The demonstration itself: what was promised, and whether it was kept."""
    title("A worker starts: rowcrew worker")
    with worker_beside(DATABASE_URL=address, ROWCREW_DATA_DIR=str(files)) as worker:
        title("A backend inserts rows, from another connection, with plain SQL")
        backend.tell("demo/make_customers")
        names = ("enqueue_long", "enqueue_option", "enqueue_bad", "enqueue_import", "enqueue_model")
        jobs = Jobs(*(backend.tell(f"demo/{name}")[0]["id"] for name in names))
        title("It watches them, and cancels the long one once it runs")
        cancelled = _watch(backend, jobs)
        title("What has become of them")
        latest = {row["id"]: row["status"] for row in backend.show("demo/latest")}
        backend.show("demo/counts")
        results = {row["id"]: row["result"] for row in backend.show("demo/results")}
        errors = {row["id"]: row["errorMessage"] for row in backend.show("demo/errors")}
        (imported,) = backend.show("demo/customers")
        title("The documents that the model run has enqueued")
        backend.show("demo/family", id=jobs.model)
        documents = _save_documents(backend.show("demo/files"), address, output)
        title("The worker gets SIGTERM")
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
    print(f"\n    {statement('demo/progress')}\n")
    told: dict[int, str] = {}
    cancelled = False
    deadline = time.monotonic() + PATIENCE_SECONDS
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
        time.sleep(LOOK_SECONDS)
    return cancelled


def _write_customers(file: Path) -> None:
    file.parent.mkdir()
    rows = (
        f'{number},"Customer {number}, Ltd.",{number % 28 + 1:02}.{number % 12 + 1:02}.20{number % 25:02},'
        f"{number * 7 % 100_000 / 100:.2f}"
        for number in range(1, CUSTOMERS + 1)
    )
    file.write_text("\n".join(["Customer,Name,Since,Balance", *rows, ""]), encoding="utf-8")
