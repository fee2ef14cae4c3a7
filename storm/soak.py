"""`python -m storm --soak JOBS`: a spawner keeps three workers at one queue, and they are killed at random.

In: a number of jobs. Out: what the table, the metrics and the processes say when all is over, as `Seen`, and
what is wrong with that, by `complaints`. Kills hit a worker, its runner or both, and once the spawner too.
Called by `__main__`.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg

from rig.programs import ROWCREW, Program, program
from rig.waiting import eventually
from rig.worker_process import CREW, WorkerProcess, is_gone
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table import migrate
from storm.soaked import WORKERS, Metrics, Seen, complaints, metrics_of

QUEUE: Final = "soak"
# A blow for each thirtieth of the jobs, so that as many come on a busy machine.
BLOWS: Final = 30
PATIENCE_SECONDS: Final = 1_800.0
# Counters are behind by a minute and a half, and a worker without a spawner is missed for a lease.
COUNTED_SECONDS: Final = 150.0
SETUP: Final = f"""
DELETE FROM queues;
INSERT INTO queues (queue, label, "maxConcurrent", "idleTimeoutSeconds")
VALUES ('{QUEUE}', 'SOAK', {WORKERS}, 5);
CREATE TABLE soak_ends (job bigint, worker bigint);
CREATE FUNCTION soak_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO soak_ends VALUES (NEW.id, OLD."workerId");
    RETURN NULL;
END $$;
CREATE TRIGGER soak_end AFTER UPDATE ON jobs FOR EACH ROW
    WHEN (NEW.status = 'completed') EXECUTE FUNCTION soak_end();
"""
JOBS: Final = """
INSERT INTO jobs (type, queue, "maxAttempts", payload)
SELECT 'naps', %s, 50, jsonb_build_object('seconds', 0.02 + 0.2 * random()) FROM generate_series(1, %s)
"""
LEFT: Final = "SELECT count(*) FROM jobs WHERE status IN ('queued', 'processing')"
CROWD: Final = """
SELECT (SELECT count(*) FROM jobs WHERE status = 'processing'), get_active_worker_count(%s)
"""
STATUSES: Final = "SELECT status, count(*) FROM jobs GROUP BY status"
TWICE: Final = "SELECT job FROM soak_ends GROUP BY job HAVING count(*) > 1"
STATS: Final = """
SELECT "workerId", sum(count)::bigint FROM job_stats WHERE outcome = 'completed' GROUP BY "workerId"
"""
LEFT_WELL: Final = """
SELECT worker, count(*) FROM soak_ends JOIN workers ON workers.id = worker
 WHERE "stopReason" <> 'lost' GROUP BY worker
"""
REASONS: Final = """
SELECT coalesce("stopReason", 'lost'), count(*) FROM workers
 WHERE "launchedAt" IS NOT NULL AND coalesce("stoppedAt", "lostAt") IS NOT NULL GROUP BY 1
"""
LAUNCHED: Final = """SELECT count(*) FROM workers WHERE "launchedAt" IS NOT NULL"""
OPEN: Final = """SELECT count(*) FROM workers WHERE "stoppedAt" IS NULL AND "lostAt" IS NULL"""
HERE: Final = """
SELECT split_part("launchHandle", ':', 3)::int FROM workers
 WHERE "registeredAt" IS NOT NULL AND "stoppedAt" IS NULL AND "lostAt" IS NULL
"""
SESSIONS: Final = """
SELECT count(*) FROM pg_stat_activity
 WHERE application_name LIKE 'rowcrew%' AND application_name NOT LIKE '%web%'
"""


def soak(jobs: int, seed: int) -> int:
    """A soak from the first job to the verdict; the exit code."""
    print(f"soak: {jobs:,} jobs, {WORKERS} workers, seed {seed}", flush=True)
    began, dice = time.monotonic(), random.Random(seed)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        server = stack.enter_context(EmbeddedPostgres(durable=True))
        migrate.migrate(server.url)
        connection = stack.enter_context(psycopg.connect(server.url, autocommit=True))
        connection.execute(SETUP.encode())
        web = stack.enter_context(program(*ROWCREW, "web", "--port", "0", DATABASE_URL=server.url))
        site = _Site(server.url, directory, connection, _address(web))
        stack.callback(site.clean_up)
        eventually(lambda: site.metrics() is not None, 180)
        connection.execute(JOBS, [QUEUE, jobs])
        struck = site.struck(jobs, dice)
        seen = site.aftermath(jobs)
    wrong = complaints(seen)
    _tell(seen, struck, time.monotonic() - began)
    verdict = "soak: none was lost, none completed twice, and the metrics agree with the table"
    print("\n".join(wrong) or verdict)
    return 1 if wrong else 0


class _Site:
    """The database of a soak, its spawner, and the pages of its metrics."""

    def __init__(
        self, url: str, directory: Path, connection: psycopg.Connection[tuple[Any, ...]], metrics: str
    ) -> None:
        self._url = url
        self._directory = directory
        self._connection = connection
        self._metrics = metrics
        self._spawners = 0
        self._families: dict[int, psutil.Process] = {}
        self._spawner = self._spawned()
        self.most_running = self.most_live = 0

    def struck(self, jobs: int, dice: random.Random) -> Counter[str]:
        """Kill at random until no job is left, the spawner once; what was hit, by name."""
        struck: Counter[str] = Counter()
        give_up, next_blow = time.monotonic() + PATIENCE_SECONDS, jobs
        while (left := self.number(LEFT)) and time.monotonic() < give_up:
            self._watch()
            if left <= next_blow:
                hit = self._blow(dice) if left > jobs / 2 or struck["spawner"] else self._replaced()
                struck.update(hit)
                next_blow = left - round(dice.uniform(0.2, 1.8) * jobs / BLOWS) * bool(hit)
                print("".join(f"  killed {what}; {left} jobs are left\n" for what in hit), end="", flush=True)
            time.sleep(0.05)
        return struck

    def aftermath(self, jobs: int) -> Seen:
        """Stop the spawner, wait until everything is counted, and look.

        It is stopped when all the dead are said to be lost: when no worker is left, nobody else says so.
        """
        with suppress(AssertionError):
            eventually(self._dead_are_lost, COUNTED_SECONDS)
        self._spawner.stop()
        with suppress(AssertionError):
            eventually(lambda: not self.number(OPEN), COUNTED_SECONDS)
        with suppress(AssertionError):
            eventually(self._agrees, COUNTED_SECONDS)
        return Seen(
            jobs,
            self._pairs(STATUSES),
            [job for (job,) in self._connection.execute(TWICE)],
            self._pairs(STATS),
            self._pairs(LEFT_WELL),
            self.number(LAUNCHED),
            self._pairs(REASONS),
            self.most_running,
            self.most_live,
            self.metrics() or Metrics(-1, -1, -1, {}),
            [str(one) for one in self._families.values() if one.is_running() and one.status() != "zombie"],
            self.number(SESSIONS),
            self.number(OPEN),
        )

    def _dead_are_lost(self) -> bool:
        rows = self._connection.execute(HERE)
        return not any(is_gone(pid) for (pid,) in rows)

    def number(self, statement: str) -> int:
        [(number,)] = self._connection.execute(statement.encode()).fetchall()
        return int(number)

    def metrics(self) -> Metrics | None:
        with urllib.request.urlopen(self._metrics, timeout=30) as answer:
            text = answer.read().decode()
        return metrics_of(text)

    def clean_up(self) -> None:
        self._spawner.clean_up()
        for one in self._families.values():
            with suppress(psutil.NoSuchProcess):
                one.kill()

    def _spawned(self) -> WorkerProcess:
        self._spawners += 1
        return WorkerProcess(
            self._url,
            log=self._directory / f"spawner-{self._spawners}.log",
            journal=self._directory / "journal",
            program=[sys.executable, "-m", "rowcrew.cli", "spawner"],
            ROWCREW_MODULES=CREW,
            SPAWNER_CHECK_INTERVAL=1,
        )

    def _replaced(self) -> list[str]:
        """SIGKILL of the spawner; the next one counts the workers that it finds."""
        self._spawner.kill()
        self._spawner = self._spawned()
        return ["spawner"]

    def _blow(self, dice: random.Random) -> list[str]:
        families = self._found()
        if not families:
            return []
        worker, runners = dice.choice(families)
        kind = dice.choice(("worker", "runner", "worker and runner"))
        for process in [worker] * ("worker" in kind) + runners * ("runner" in kind):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        return [kind]

    def _found(self) -> list[tuple[psutil.Process, list[psutil.Process]]]:
        """The registered workers that live here and have runners, whichever spawner has started them."""
        rows = self._connection.execute(HERE)
        families = []
        for (pid,) in rows:
            with suppress(psutil.NoSuchProcess):
                worker = psutil.Process(pid)
                runners = worker.children()
                self._families |= {one.pid: one for one in (worker, *runners)}
                if runners:
                    families.append((worker, runners))
        return families

    def _watch(self) -> None:
        [(running, live)] = self._connection.execute(CROWD, [QUEUE]).fetchall()
        self.most_running, self.most_live = max(running, self.most_running), max(live, self.most_live)

    def _agrees(self) -> bool:
        metrics = self.metrics()
        return (
            metrics is not None
            and metrics.waiting == 0
            and metrics.completed == sum(self._pairs(STATS).values())
            and dict(metrics.left) == self._pairs(REASONS)
        )

    def _pairs(self, statement: str) -> dict[Any, int]:
        return {key: int(number) for key, number in self._connection.execute(statement.encode())}


def _address(web: Program) -> str:
    """Of the metrics; on a busy machine its server takes a while to say where it is."""
    said = eventually(lambda: [line for line in web.lines if line.startswith("Serving http://")], 180)
    return said[0].removeprefix("Serving ").split()[0].rstrip("/") + "/metrics"


def _tell(seen: Seen, struck: Mapping[str, int], seconds: float) -> None:
    hits = ", ".join(f"{number} x {what}" for what, number in sorted(struck.items()))
    print(f"soak: {seconds:.0f} s; killed {hits}; {seen.launched} workers were started")
    print(f"soak: workers left {dict(seen.left)}; {seen.jobs - sum(seen.counted.values())} runs uncounted")
