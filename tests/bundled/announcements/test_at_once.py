"""Several workers that fetch and read filings at the same time, wherever the files lie."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from rig.bucket import Bucket
from rig.fixtures import StartWorker
from rig.table import Table
from tests.bundled.announcements.conftest import ORDER, filing, pdf_of
from tests.bundled.servers import Connection, serving

WORKERS = 3


def test_three_workers_fetch_at_once_and_read_what_lies_in_each_kind_of_place(
    start_worker: StartWorker, table: Table, bucket: Bucket, data: Path
) -> None:
    content, together = pdf_of(ORDER), threading.Barrier(WORKERS)
    (data / "order.pdf").write_bytes(content)
    bucket.put("order.pdf", content)

    def when_all_have_asked(connection: Connection) -> None:
        together.wait(60)
        connection.answer(200, content)

    with serving(when_all_have_asked) as server:
        places: list[dict[str, Any]] = [
            {"url": f"http://127.0.0.1:{server.port}/{number}.pdf"} for number in range(WORKERS)
        ]
        places += [{"s3": {"bucket": bucket.name, "key": "order.pdf"}}, {"path": "order.pdf"}]
        workers = [
            start_worker(
                crew="rowcrew.bundled:crew",
                WORKER_QUEUES="ai_processing",
                WORKER_CONCURRENCY=1,
                URL_ALLOW_PRIVATE="127.0.0.0/8",
            )
            for _ in range(WORKERS)
        ]
        for worker in workers:
            worker.ready()
        ids = [
            table.enqueue("ai_processing", filing(corpId=f"BSE-{number}", pdf=place), queue="ai_processing")
            for number, place in enumerate(places)
        ]
        read = [table.until(id, "completed", seconds=120)["result"] for id in ids]
    assert len(server.requests) == WORKERS  # nobody had to ask again, so all three waited together
    assert {one["category"] for one in read} == {"New Order"}
    assert len({one["pdfSha256"] for one in read}) == 1
