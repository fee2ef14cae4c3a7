"""A real Prometheus reads the metrics as the page says, and evaluates its questions and the alerts."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import psycopg
import pytest
import yaml

from rig.databases import new_database
from rig.ports import free_port
from rig.programs import program
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from tests.web.conftest import Web, serving
from tests.web.test_login import add, token_of

PROMETHEUS: Final = os.environ.get("PROMETHEUS") or shutil.which("prometheus")
ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
RULES: Final = ROOT / "deploy" / "prometheus" / "rowcrew-alerts.yml"

ENDED: Final = r"""
INSERT INTO job_stats ("endsAt", seconds, "workerId", queue, type, outcome, count)
VALUES (date_trunc('minute', now()), 60, 1, 'some', 'é "q" \ x', 'completed', 2)
"""

# The server looks at what was counted every 30 seconds.
COUNTED_SECONDS: Final = 90.0
RATED: Final = """
INSERT INTO job_stats ("endsAt", seconds, "workerId", queue, type, outcome, count)
SELECT date_trunc('minute', now()), 60, %s, 'some', 'rated', outcome, count
  FROM (VALUES ('completed', %s), ('failed', %s)) AS runs (outcome, count)
"""

pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="there is no prometheus (.ci/run fetches it)")


class Prometheus:
    """A running Prometheus, asked by its API."""

    def __init__(self, port: int) -> None:
        self._port = port

    def is_ready(self) -> bool:
        try:
            return self._get("/-/ready")[0] == 200
        except ConnectionError:
            return False

    def ask(self, path: str, **query: str) -> Any:
        answer = json.loads(self._get(f"/api/v1/{path}?{urlencode(query)}")[1])
        assert answer["status"] == "success", answer
        return answer["data"]

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def value(self, question: str) -> float | None:
        found = self.ask("query", query=question)["result"]
        return float(found[0]["value"][1]) if found else None


@pytest.fixture(scope="module")
def guarded(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Web]:
    with new_database(server, "metrics", template=migrated_template) as name:
        url = server.url_of(name)
        add(url, "viewer")
        with (
            psycopg.connect(url, autocommit=True) as connection,
            program(*serving(), DATABASE_URL=url) as served,
        ):
            yield Web(served, url, connection)


@contextmanager
def scraping(folder: Path, port: int, token: str) -> Iterator[Prometheus]:
    """With the configuration of the page, but for where the server and the token are, and more often."""
    (configuration,) = yaml.safe_load(block("yaml"))["scrape_configs"]
    configuration["static_configs"][0]["targets"] = [f"127.0.0.1:{port}"]
    configuration["scrape_interval"] = "1s"
    configuration["authorization"]["credentials_file"] = str(folder / "token")
    (folder / "token").write_text(token)
    everything = {
        "global": {"evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [configuration],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(everything))
    own = free_port()
    assert PROMETHEUS is not None
    with program(
        PROMETHEUS,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{own}",
    ):
        prometheus = Prometheus(own)
        eventually(prometheus.is_ready)
        yield prometheus


def block(language: str) -> str:
    return PAGE.partition(f"```{language}\n")[2].partition("```")[0]


def questions() -> list[str]:
    return [
        re.sub(r"\s+", " ", question).strip()
        for question in re.split(r"^(?=\S)", block("text"), flags=re.MULTILINE)
        if question
    ]


def expression(question: str) -> str:
    found = re.search(r"(60 \*|sum by|histogram_quantile).*", question)
    assert found is not None, question
    return found[0]


def test_what_it_reads_is_what_the_tables_hold_and_rules_and_questions_have_answers(
    guarded: Web, tmp_path: Path
) -> None:
    guarded.execute("INSERT INTO jobs (type, queue) SELECT 'a', 'some' FROM generate_series(1, 3)")
    guarded.execute(ENDED)
    with scraping(tmp_path, guarded.port, token_of(guarded.url, "viewer")) as prometheus:
        eventually(lambda: prometheus.value('rowcrew_queue_depth{queue="some", state="ready"}') == 3)
        eventually(lambda: prometheus.value(r"""rowcrew_jobs_finished_total{type="é \"q\" \\ x"}""") == 0)
        assert prometheus.value('up{job="rowcrew"}') == 1
        [target] = prometheus.ask("targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
        assert len(questions()) == 4
        for question in questions():
            prometheus.ask("query", query=expression(question))
        rules = eventually(lambda: evaluated(prometheus))
        assert [rule["lastError"] for rule in rules if "lastError" in rule] == []


@pytest.mark.long  # it waits for a minute's figures
def test_the_error_rate_of_a_type_is_the_share_that_failed_within_the_window(
    guarded: Web, tmp_path: Path
) -> None:
    rate = next(expression(question) for question in questions() if question.startswith("error rate"))
    guarded.execute(RATED, 1, 5, 5)
    with scraping(tmp_path, guarded.port, token_of(guarded.url, "viewer")) as prometheus:
        seen = 'rowcrew_jobs_finished_total{type="rated", outcome="failed"}'
        eventually(lambda: prometheus.value(seen) is not None, COUNTED_SECONDS)
        before = prometheus.value(seen) or 0
        guarded.execute(RATED, 2, 3, 1)
        eventually(lambda: prometheus.value(seen) == before + 1, COUNTED_SECONDS)

        def rates() -> dict[str, float]:
            found = prometheus.ask("query", query=rate)["result"]
            return {one["metric"]["type"]: float(one["value"][1]) for one in found}

        assert eventually(lambda: rates().get("rated")) == pytest.approx(0.25)


def evaluated(prometheus: Prometheus) -> list[dict[str, Any]]:
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    return [] if any(rule["health"] == "unknown" for rule in rules) else rules


def test_a_token_that_is_none_is_told_as_the_reason(guarded: Web, tmp_path: Path) -> None:
    with scraping(tmp_path, guarded.port, "no token") as prometheus:
        eventually(lambda: "401" in json.dumps(prometheus.ask("targets")["activeTargets"]))
        assert prometheus.value('up{job="rowcrew"}') == 0
