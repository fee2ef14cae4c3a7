"""A whole night: the schedule's tick, a worker of the queue alone, and an anomaly that reaches a webhook."""

from __future__ import annotations

import json

import psycopg
import pytest

from rig.cost_explorer import CloudBill
from rig.fixtures import StartWorker
from rig.table import Table
from rig.waiting import eventually
from rowcrew.bundled.costs.admin import WayIn, add_account
from rowcrew.bundled.costs.credentials import Credentials
from tests.bundled.costs.conftest import KEY, SECRET, days_before, utc_yesterday
from tests.control.test_telling import LOOPBACK, receiving, saying
from tests.control.test_telling import SECRET as SIGNING

MONTH = """
    INSERT INTO costs ("accountId", day, service, amount, currency, estimated)
    SELECT 'prod', day, 'Amazon EC2', 100, 'USD', false FROM unnest(%s::date[]) AS day
"""
RECEIVER = """
    INSERT INTO event_receivers (name, via, target, kinds)
    VALUES ('ops', 'webhook', %s, '{cost.anomaly.detected}')
"""
DUE = """UPDATE schedules SET "nextAt" = now() WHERE name = 'cost_collection'"""
ENDED = """SELECT payload FROM jobs WHERE type = 'cost_collection' AND status = 'completed'"""


def test_an_anomaly_of_the_night_reaches_a_webhook_once(
    table: Table, start_worker: StartWorker, bill: CloudBill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", KEY)
    day = utc_yesterday()
    bill.let_in("prod", "AKIAPROD", SECRET)
    bill.set("prod", day, "Amazon EC2", "650")
    with psycopg.connect(table.address, autocommit=True) as connection:
        add_account(connection, "prod", WayIn(credentials=Credentials("AKIAPROD", SECRET)))
        connection.execute(MONTH, [days_before(day)])
    with receiving(saying(200)) as heard:
        table.rows(RECEIVER, f"http://127.0.0.1:{heard.port}/rowcrew")
        start_worker(
            crew="rowcrew.bundled:crew",
            WORKER_QUEUES="cost_collection",
            ENCRYPTION_KEY=KEY,
            AWS_ENDPOINT_URL_COST_EXPLORER=bill.url,
            EVENT_ALLOW_PRIVATE=LOOPBACK,
            EVENT_SECRETS=f"ops={SIGNING}",
            EVENT_MERGE_INTERVAL=1,
        )
        table.rows(DUE)
        eventually(lambda: list(heard), 60)
        table.rows(DUE)
        eventually(lambda: len(table.rows(ENDED)) == 2, 60)
        [(_, body)] = list(heard)
    message = json.loads(body)
    assert (message["kind"], message["count"]) == ("cost.anomaly.detected", 1)
    told = message["detail"]
    assert (told["accountId"], told["day"], told["severity"]) == ("prod", str(day), "critical")
    assert all(row["payload"].keys() == {"tick"} for row in table.rows(ENDED))
    assert table.rows("SELECT count(*) AS n FROM events WHERE kind = 'cost.anomaly.detected'") == [{"n": 1}]
