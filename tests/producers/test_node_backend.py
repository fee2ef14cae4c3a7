"""examples/node-backend as its users run it: Node, HTTP, the table, and a worker at the other end."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rig.npm import NODE_IS_THERE, npm_installed
from rig.ports import free_port
from rig.programs import Program, program
from rig.waiting import eventually
from tests.producers.conftest import Served

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "node-backend"
MODEL = {
    "startMonth": "2027-01",
    "months": 24,
    "openingCash": 600_000,
    "revenue": [{"name": "Pro", "startCustomers": 500, "newCustomers": 40, "churnRate": 0.03, "arpa": 100}],
}

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not NODE_IS_THERE, reason="NOT TESTED: Node and npm are not installed"),
]


class Answer(NamedTuple):
    status: int
    location: str | None
    body: Any


class Backend:
    """The running example, spoken to by HTTP."""

    def __init__(self, program: Program, port: int) -> None:
        self.program = program
        self._address = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> Answer:
        return self._ask(urllib.request.Request(self._address + path))

    def post(self, path: str, body: Any) -> Answer:
        return self.post_bytes(path, json.dumps(body).encode())

    def post_bytes(self, path: str, body: bytes, content_type: str = "application/json") -> Answer:
        headers = {"Content-Type": content_type}
        return self._ask(urllib.request.Request(self._address + path, body, headers))

    def job(self, location: str) -> dict[str, Any]:
        """Ask for the job until it has ended."""
        return eventually(lambda: self._ended(location))

    def _ended(self, location: str) -> dict[str, Any]:
        body: dict[str, Any] = self.get(location).body
        return body if body["status"] in ("completed", "failed", "cancelled") else {}

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return Answer(response.status, response.headers["Location"], json.load(response))
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, None, json.load(refusal))


@pytest.fixture(scope="session")
def installation() -> Path:
    """The example with what npm installs for it, kept for as long as the lock file stays the same."""
    target = npm_installed(EXAMPLE)
    shutil.copy(EXAMPLE / "server.js", target)
    return target


@pytest.fixture(scope="module")
def backend(installation: Path, served: Served) -> Iterator[Backend]:
    """The example, as a role that may do no more than its README says."""
    for statement in (
        "CREATE ROLE node_backend",
        "GRANT INSERT (type, payload) ON jobs TO node_backend",
        'GRANT SELECT (id, type, status, progress, result, "errorMessage") ON jobs TO node_backend',
    ):
        served.connection.execute(statement)
    as_role = f"{served.url}{'&' if '?' in served.url else '?'}options=-crole%3Dnode_backend"
    port = free_port()
    with program("node", "server.js", cwd=installation, DATABASE_URL=as_role, PORT=str(port)) as started:
        started.line("Listening on port")
        yield Backend(started, port)
        assert started.stop() == 0
    served.connection.execute("DROP OWNED BY node_backend")
    served.connection.execute("DROP ROLE node_backend")


def test_a_model_is_run_by_a_worker_and_its_result_comes_back(backend: Backend) -> None:
    accepted = backend.post("/api/v1/models/saas-1/run", MODEL)
    assert accepted.status == 202
    assert accepted.body == {"id": str(int(accepted.body["id"])), "status": "queued"}
    assert accepted.location == f"/api/v1/jobs/{accepted.body['id']}"
    job = backend.job(accepted.location)
    assert job["id"] == accepted.body["id"]
    assert (job["status"], job["type"], job["errorMessage"]) == ("completed", "model_run", None)
    assert job["result"]["modelId"] == "saas-1"
    first_month = job["result"]["scenarios"]["base"]["monthly"][0]
    assert first_month["revenue"] == 52_500  # (500 - 15 + 40) customers at 100
    assert job["progress"]["current"] == job["progress"]["total"]


def test_inputs_that_the_worker_refuses_are_named_in_the_jobs_error(backend: Backend) -> None:
    accepted = backend.post("/api/v1/models/saas-1/run", MODEL | {"months": "many"})
    assert accepted.location is not None
    job = backend.job(accepted.location)
    assert (job["status"], job["result"]) == ("failed", None)
    assert "months" in job["errorMessage"]


def test_the_model_is_that_of_the_path_whatever_the_body_says(backend: Backend, served: Served) -> None:
    body = MODEL | {"modelId": "another"}
    accepted = backend.post("/api/v1/models/K%C3%B6ln%20%2F%20O'Hara/run", body)
    (payload,) = served.read(int(accepted.body["id"]), "payload")
    assert payload == body | {"modelId": "Köln / O'Hara"}


def test_ids_beyond_what_a_javascript_number_holds_stay_exact(backend: Backend, served: Served) -> None:
    id = 2**53 + 1
    served.connection.execute("INSERT INTO jobs (id, type) VALUES (%s, 'nobody_serves_this')", [id])
    assert backend.get(f"/api/v1/jobs/{id}").body["id"] == str(id)
    assert backend.get(f"/api/v1/jobs/{id - 1}").status == 404


@pytest.mark.parametrize("id", ["9223372036854775807", "4000000000"])
def test_a_job_that_is_not_there_is_not_found(backend: Backend, id: str) -> None:
    assert backend.get(f"/api/v1/jobs/{id}") == Answer(404, None, {"error": f"there is no job {id}"})


@pytest.mark.parametrize(
    "id", ["0", "-1", "abc", "1.5", "1e3", "01", "9223372036854775808", "1;select", "%00", "%E0%A4%A"]
)
def test_an_id_that_no_job_can_have_is_the_requests_fault(backend: Backend, id: str) -> None:
    assert backend.get(f"/api/v1/jobs/{id}").status == 400


@pytest.mark.parametrize("body", [b"[]", b"3", b'"text"', b"null", b"{", rb'{"name": "\u0000"}'])
def test_a_body_that_is_no_payload_is_the_requests_fault(backend: Backend, body: bytes) -> None:
    refused = backend.post_bytes("/api/v1/models/saas-1/run", body)
    assert refused.status == 400
    assert refused.body["error"]


def test_a_body_of_another_kind_is_the_requests_fault(backend: Backend) -> None:
    assert backend.post_bytes("/api/v1/models/saas-1/run", b"months=24", "text/plain").status == 400


def test_a_body_above_a_megabyte_is_too_large(backend: Backend) -> None:
    assert backend.post("/api/v1/models/saas-1/run", {"name": "x" * 2**20}).status == 413


def test_connections_that_break_while_idle_are_replaced(backend: Backend, served: Served) -> None:
    backend.get("/api/v1/jobs/1")
    broken = served.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'node-backend'"
    ).fetchall()
    assert broken
    backend.program.line("an idle connection broke")
    assert backend.get("/api/v1/jobs/4000000000").status == 404


def test_what_the_database_forbids_is_not_told_to_the_client(backend: Backend, served: Served) -> None:
    served.connection.execute("REVOKE INSERT (type, payload) ON jobs FROM node_backend")
    refused = backend.post("/api/v1/models/saas-1/run", MODEL)
    served.connection.execute("GRANT INSERT (type, payload) ON jobs TO node_backend")
    assert refused == Answer(500, None, {"error": "something went wrong here"})


def test_the_lock_names_no_registry() -> None:
    packages = json.loads((EXAMPLE / "package-lock.json").read_text())["packages"]
    assert {"node_modules/express", "node_modules/pg"} <= set(packages)
    assert not [path for path, package in packages.items() if "resolved" in package]
    assert all("integrity" in package for path, package in packages.items() if path)
