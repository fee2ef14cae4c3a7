"""The server itself: health, metrics, who may ask, slow clients, the end."""

from __future__ import annotations

import signal
import socket

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families

from rig.programs import ROWCREW, program, run
from rig.waiting import eventually
from rowcrew.web.serving import listen
from tests.web.conftest import Web, serving

CREW = "tests.cli.handlers:crew"


def test_health_has_exactly_its_keys_and_is_unhealthy_without_a_worker(web: Web) -> None:
    answered = web.get("/worker/health")
    assert answered.status == 503
    assert set(answered.json) == {"status", "worker_id", "uptime_seconds", "jobs_processed", "queue_depth"}
    assert (answered.json["status"], answered.json["worker_id"]) == ("unhealthy", None)


def test_no_answer_waits_for_the_client_to_acknowledge_its_first_part() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_live_and_ready(web: Web) -> None:
    assert (web.get("/livez").status, web.get("/readyz").status) == (200, 200)


def test_metrics_are_read_by_prometheus_and_name_the_queues(web: Web) -> None:
    web.enqueue("measured", queue="metrics")

    def families_that_count_it() -> set[str]:
        families = {
            family.name: family for family in text_string_to_metric_families(web.get("/metrics").text)
        }
        depths = {tuple(s.labels.values()): s.value for s in families["rowcrew_queue_depth"].samples}
        return set(families) if depths.get(("metrics", "ready")) == 1 else set()

    families = eventually(families_that_count_it)
    assert {"rowcrew_build_info", "rowcrew_workers", "rowcrew_jobs_finished"} <= families


def test_the_openapi_document_is_valid_and_names_every_field_of_a_job(web: Web) -> None:
    document = web.get("/api/v1/openapi.json").json
    OpenAPIV31SpecValidator(document).validate()
    schemas = document["components"]["schemas"]
    assert {"id", "createdAt", "errorMessage", "job_attempts"} <= set(schemas["JobDocument"]["properties"])
    assert set(document["paths"]["/api/v1/jobs"]) == {"get", "post"}
    named = [parameter["name"] for parameter in document["paths"]["/api/v1/jobs"]["get"]["parameters"]]
    assert named == ["q", "status", "type", "queue", "key", "cursor", "limit"]


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/v1/jobs/1/nowhere", "/../../etc/passwd", "/static/..%2f..%2fapp.py"]
)
def test_what_is_not_there_is_a_problem_document(web: Web, path: str) -> None:
    answered = web.get(path)
    assert (answered.status, answered.headers["content-type"]) == (404, "application/problem+json")


def test_another_method_is_refused_with_those_that_are_allowed(web: Web) -> None:
    answered = web.ask("DELETE", "/api/v1/jobs/1")
    assert (answered.status, set(answered.headers["allow"].split(", "))) == (405, {"GET", "HEAD", "PATCH"})
    assert web.ask("HEAD", "/api/v1/jobs/1/events").status == 405


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "0.0.0.0", "[::2]:1"]
)
def test_a_name_that_somebody_else_lets_lead_here_is_refused(web: Web, host: str) -> None:
    assert web.get("/api/v1/jobs", Host=host).status == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:99", "[::1]:99"])
def test_this_machine_is_answered_by_all_its_names(web: Web, host: str) -> None:
    assert web.get("/livez", Host=host).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_change_from_a_page_of_somebody_else_is_refused(web: Web, headers: dict[str, str]) -> None:
    id = web.enqueue("forged")
    assert web.post(f"/api/v1/jobs/{id}/cancel", **headers).status == 403
    assert web.value("SELECT status FROM jobs WHERE id = %s", id) == "queued"


def test_a_change_from_our_own_page_is_carried_out(web: Web) -> None:
    id = web.enqueue("ours")
    origin = f"http://127.0.0.1:{web.port}"
    assert web.post(f"/api/v1/jobs/{id}/cancel", Origin=origin, Sec_Fetch_Site="same-origin").status == 200


def test_every_answer_forbids_scripts_of_others_frames_and_guesses(web: Web) -> None:
    for path in ("/livez", "/nowhere", "/api/v1/jobs"):
        headers = web.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "script-src 'self';" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")


def test_without_users_another_address_is_refused_with_the_remedy(web: Web) -> None:
    ended = run("web", "--host", "0.0.0.0", DATABASE_URL=web.url)
    assert ended.returncode == 2
    assert "ssh -L 8000:127.0.0.1:8000" in ended.stderr


@pytest.mark.parametrize("prefix", ["rowcrew", "//evil.example", "/a b", "/"])
def test_a_prefix_that_is_no_path_is_told(prefix: str) -> None:
    ended = run("web", "--port", "0", "--prefix", prefix, DATABASE_URL="no address")
    assert (ended.returncode, f"--prefix {prefix}" in ended.stderr) == (2, True)


def test_a_port_that_is_taken_is_told(web: Web) -> None:
    ended = run("web", "--port", str(web.port), DATABASE_URL=web.url)
    assert ended.returncode == 1
    assert "choose another" in ended.stderr


def test_slow_clients_keep_nobody_from_an_answer(web: Web) -> None:
    """Some never end their head, some never send their body, some never read."""
    never_sent = "Content-Type: application/json\r\nContent-Length: 50"
    half = [
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n",
        f"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n{never_sent}\r\n\r\n{{".encode(),
        b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200,
    ]
    slow = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(60)]
    try:
        for number, client in enumerate(slow):
            client.setblocking(False)
            client.send(half[number % 3])
        assert web.get("/api/v1/jobs?limit=1").status == 200
        web.enqueue("beside-slow-clients")
    finally:
        for client in slow:
            client.close()


def test_a_head_that_never_ends_is_cut_off(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in client.recv(65536)
        client.sendall(b"GET /livez HTTP/1.1\r\n")
        while client.recv(65536):
            pass


def test_headers_without_end_are_refused(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000)
        assert b"400" in client.recv(65536)


def test_it_leaves_in_order_when_asked(web: Web) -> None:
    with program(*serving(), DATABASE_URL=web.url) as served:
        port = int(served.line("Serving http://127.0.0.1:").rpartition(":")[2])
        assert web.ask("GET", "/readyz", port=port).status == 200
        served.process.send_signal(signal.SIGTERM)
        assert served.ended() == 0
    sessions = """
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'rowcrew web%%'
    """
    eventually(lambda: web.value(sessions) <= 6)


def test_a_database_that_is_away_is_told_and_the_server_lives() -> None:
    with program(*serving(), DATABASE_URL="postgresql://me:secret@127.0.0.1:1/none") as served:
        port = int(served.line("Serving http://127.0.0.1:").rpartition(":")[2])
        there = Web(served, "", None)  # type: ignore[arg-type]
        assert there.ask("GET", "/livez", port=port).status == 200
        for path in ("/readyz", "/worker/health", "/api/v1/jobs", "/metrics"):
            answered = there.ask("GET", path, port=port)
            assert answered.status == 503, path
            assert "secret" not in answered.text


def test_with_a_worker_it_is_healthy_and_stays_up_when_the_worker_is_killed(web: Web) -> None:
    with (
        program(*serving(), DATABASE_URL=web.url) as served,
        program(*ROWCREW, "worker", CREW, "--name", "w-1", DATABASE_URL=web.url) as worker,
    ):
        worker.line("👥 Ready")
        there = Web(served, web.url, web.connection)
        answered = there.get("/worker/health")
        assert (answered.status, answered.json["status"], answered.json["worker_id"]) == (
            200,
            "healthy",
            "w-1",
        )
        worker.process.kill()
        worker.ended()
        assert there.get("/livez").status == 200
        assert there.get("/api/v1/workers").json["workers"][0]["name"] == "w-1"
