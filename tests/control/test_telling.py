"""How receivers are told: signed webhooks that no URL leads astray, programs that end in time."""

from __future__ import annotations

import asyncio
import base64
import io
import ipaddress
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from rig.waiting import eventually
from rowcrew import settings
from rowcrew.control.children.child import Child
from rowcrew.control.telling import webhook
from rowcrew.control.telling.program import run_program
from rowcrew.control.telling.signature import signed
from rowcrew.control.telling.tell import WEBHOOK, Teller
from rowcrew.log import Log
from rowcrew.model.event import Message, Receiver
from tests.bundled.test_fetch import certificate
from tests.docs.pages import block_marked

pytestmark = pytest.mark.anyio

SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
OLD_SECRET = "whsec_" + "b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk"
LOOPBACK = "127.0.0.0/8"
Answer = Callable[[BaseHTTPRequestHandler], None]


class Heard(list[tuple[dict[str, str], bytes]]):
    """What a receiver has heard: headers and body of each request."""

    port = 0


@contextmanager
def receiving(
    answer: Answer, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[Heard]:
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            answer(self)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    heard.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def waiting(hang: threading.Event) -> Answer:
    def answer(_: BaseHTTPRequestHandler) -> None:
        hang.wait(30)

    return answer


def saying(status: int, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()

    return answer


def message(**facts: Any) -> Message:
    """One that was sent this second, by this machine's clock."""
    usual = {
        "id": 7,
        "kind": "job.failed",
        "subject": "send_invoice",
        "queue": "invoices",
        "type": "send_invoice",
        "count": 3,
        "detail": '{"error": "naïve \\" 雪"}',
        "first_at": "2026-11-26T10:00:00Z",
        "last_at": "2026-11-26T10:00:09Z",
        "attempts": 1,
        "at": int(time.time()),
    }
    return Message(**{**usual, **facts})


def receiver(via: Any = "webhook", target: str | None = None, seconds: int = 20) -> Receiver:
    return Receiver("ops", via, target, seconds, 15)


def teller(output: io.StringIO | None = None, /, **environment: str) -> Teller:
    given = {"DATABASE_URL": "postgresql://unused", "EVENT_SECRETS": f"ops={SECRET}", **environment}
    return Teller(settings=settings.read(given), log=Log("json", output or io.StringIO()))


async def told(url: str, allowed: str = LOOPBACK, seconds: int = 20, **environment: str) -> str | None:
    telling = teller(EVENT_ALLOW_PRIVATE=allowed, **environment)
    return await telling.tell(receiver(target=url, seconds=seconds), message())


def verify_in_python(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """With the very code that the guide shows to receivers."""
    module = types.ModuleType("verify")
    exec(block_marked("file", "verify.py").text, module.__dict__)
    return bool(module.is_from_rowcrew(secret, headers, body))


async def test_a_receiver_verifies_a_webhook_as_the_guide_says() -> None:
    with receiving(saying(204)) as heard:
        assert await told(f"http://127.0.0.1:{heard.port}/rowcrew?team=ops") is None
    ((headers, body),) = heard
    assert verify_in_python(SECRET, headers, body)
    assert not verify_in_python(OLD_SECRET, headers, body)
    assert not verify_in_python(SECRET, headers, body.replace(b"3", b"4"))
    assert not verify_in_python(SECRET, {**headers, "webhook-id": "8"}, body)
    assert not verify_in_python(SECRET, {**headers, "webhook-timestamp": "1700000000"}, body)
    document = json.loads(body)
    assert document["detail"] == {"error": 'naïve " 雪'}
    assert [document[name] for name in ("id", "kind", "count")] == [7, "job.failed", 3]
    assert headers["webhook-id"] == "7"
    assert headers["content-type"] == "application/json"


@pytest.mark.skipif(not shutil.which("node"), reason="NOT TESTED: there is no Node")
def test_a_receiver_in_node_verifies_it_too(tmp_path: Path) -> None:
    (tmp_path / "verify.mjs").write_text(block_marked("file", "verify.mjs").text)
    body = message().body
    headers = signed("7", body, settings_keys(), at=int(time.time()))
    program = """
        import { isFromRowcrew } from "./verify.mjs";
        const { secret, headers, body } = JSON.parse(process.argv[2]);
        console.log(isFromRowcrew(secret, headers, Buffer.from(body)));
        console.log(isFromRowcrew(secret, headers, Buffer.from(body + " ")));
    """
    (tmp_path / "run.mjs").write_text(program)
    given = json.dumps({"secret": SECRET, "headers": headers, "body": body.decode()})
    done = subprocess.run(["node", "run.mjs", given], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == ["true", "false"]


def settings_keys() -> list[bytes]:
    read = settings.read({"DATABASE_URL": "postgresql://unused", "EVENT_SECRETS": f"ops={SECRET}"})
    return [one.key for one in read.event_secrets]


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example that its libraries are tested with."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", body, [key], at=1614265330)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_while_a_secret_is_changed_both_verify() -> None:
    secrets = f"ops={SECRET},ops={OLD_SECRET},other={OLD_SECRET}"
    with receiving(saying(200)) as heard:
        assert await told(f"http://127.0.0.1:{heard.port}", EVENT_SECRETS=secrets) is None
    ((headers, body),) = heard
    assert verify_in_python(SECRET, headers, body)
    assert verify_in_python(OLD_SECRET, headers, body)


async def test_a_webhook_without_success_says_what_was_answered() -> None:
    with receiving(saying(503)) as heard:
        assert await told(f"http://127.0.0.1:{heard.port}/token-in-path") == "127.0.0.1 answers 503"


async def test_a_redirect_is_not_followed_wherever_it_leads() -> None:
    with receiving(saying(200)) as elsewhere:
        away = f"http://127.0.0.1:{elsewhere.port}/metadata"
        with receiving(saying(307, Location=away)) as heard:
            error = await told(f"http://127.0.0.1:{heard.port}")
    assert error is not None
    assert "redirects are not followed" in error
    assert elsewhere == []


PRIVATE = (
    "https://127.0.0.1",
    "https://2130706433",  # 127.0.0.1 as one number
    "https://0x7f000001",
    "https://0177.0.0.1",
    "https://127.1",
    "https://0.0.0.0",
    "https://10.1.2.3",
    "https://192.168.0.1",
    "https://172.16.0.1",
    "https://100.64.0.1",  # a provider's own
    "https://169.254.169.254/latest/meta-data/",
    "https://224.0.0.1",
    "https://[::1]",
    "https://[::]",
    "https://[::ffff:127.0.0.1]",
    "https://[::ffff:7f00:1]",
    "https://[::127.0.0.1]",
    "https://[64:ff9b::7f00:1]",  # NAT64
    "https://[2002:7f00:1::]",  # 6to4
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]",  # Teredo
    "https://[fe80::1]",
    "https://[fd00:ec2::254]",  # metadata over IPv6
    "https://localhost",
)


@pytest.mark.parametrize("url", PRIVATE)
def test_no_private_address_is_connected_to_however_it_is_written(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(webhook.NotTold, match="not public"):
        webhook.post(url, {}, b"", allowed=[], seconds=1)


def test_of_several_addresses_one_private_is_one_too_many() -> None:
    target = webhook.Target("https", "rebinding.example", 443, "/", "rebinding.example")
    addresses = [ipaddress.ip_address(text) for text in ("93.184.216.34", "127.0.0.1")]
    with pytest.raises(webhook.NotTold, match="not public"):
        webhook.judged(target, addresses, [])
    assert webhook.judged(target, addresses[:1], []) == addresses[:1]


def test_a_name_is_resolved_once_and_cannot_change_before_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["127.0.0.2", "127.0.0.1"])
    asked = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *more: Any, **options: Any) -> Any:
        if host != "rebinding.example":
            return real(host, port, *more, **options)
        asked.append(host)
        return real(next(answers), port, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with receiving(saying(200), host="127.0.0.2") as heard:
        url = f"http://rebinding.example:{heard.port}"
        webhook.post(url, {}, b"{}", allowed=[ipaddress.ip_network(LOOPBACK)], seconds=10)
    assert asked == ["rebinding.example"]
    assert heard[0][0]["host"] == f"rebinding.example:{heard.port}"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://93.184.216.34", "must begin with https://"),
        ("https://user:password@example.com", "must not hold a user"),
        ("https://example.com:99999", "makes no sense"),
        ("https://", "must begin with https:// and a host"),
        ("file:///etc/passwd", "must begin with https:// and a host"),
        ("https://example.com/a b", "percent-encoded"),
        ("https://example.com/\r\nX-Evil: 1", "percent-encoded"),
        ("https://no-such-host.invalid", "does not resolve"),
    ],
)
def test_a_url_that_is_none_to_go_to_is_refused_in_words(url: str, says: str) -> None:
    with pytest.raises(webhook.NotTold, match=says):
        webhook.post(url, {}, b"", allowed=[], seconds=1)


async def test_only_a_trusted_certificate_of_the_name_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certificate(tmp_path, x509.DNSName("localhost"))
    with receiving(saying(200), context=context) as heard:
        url = f"https://localhost:{heard.port}"
        error = await told(url, f"{LOOPBACK},::1/128", PATH=os.environ["PATH"])
        assert error is not None
        assert "certificate of localhost is not valid" in error
        trusted = {"SSL_CERT_FILE": str(tmp_path / "certificate.pem")}
        monkeypatch.setenv("SSL_CERT_FILE", trusted["SSL_CERT_FILE"])
        assert await told(url, f"{LOOPBACK},::1/128") is None
        error = await told(f"https://127.0.0.1:{heard.port}")
        assert error is not None
        assert "certificate of 127.0.0.1 is not valid" in error


async def test_a_receiver_that_never_answers_is_given_up_in_time() -> None:
    hang = threading.Event()
    with receiving(waiting(hang)) as heard:
        try:
            error = await told(f"http://127.0.0.1:{heard.port}", seconds=2)
        finally:
            hang.set()
    assert error in ("no answer within 2 seconds", "127.0.0.1: no answer in time")


async def test_a_receiver_that_drips_its_answer_is_given_up_in_time() -> None:
    hang = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        with suppress(OSError):
            while not hang.wait(0.1):
                request.wfile.write(b"H")

    with receiving(drip) as heard:
        try:
            assert await told(f"http://127.0.0.1:{heard.port}", seconds=2) == "no answer within 2 seconds"
        finally:
            hang.set()


async def test_the_answers_body_is_not_read() -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(10**12))
        request.end_headers()

    with receiving(answer) as heard:
        assert await told(f"http://127.0.0.1:{heard.port}") is None


def program(text: str) -> list[str]:
    return [sys.executable, "-c", text]


async def run(text: str, seconds: float = 20) -> str | None:
    return await run_program(program(text), b'{"id": 7}', environment=dict(os.environ), seconds=seconds)


async def test_a_program_gets_the_message_and_its_exit_code_counts(tmp_path: Path) -> None:
    words = program(f"import sys; open({str(tmp_path / 'heard')!r}, 'w').write(sys.stdin.read())")
    paging = teller(EVENT_COMMANDS=json.dumps({"page": words}))
    assert await paging.tell(receiver("command", "page"), message()) is None
    assert json.loads((tmp_path / "heard").read_text())["subject"] == "send_invoice"
    assert await run("raise SystemExit(3)") == "exit code 3"
    assert await run("import sys; sys.exit('the pager is out')") == "the pager is out"
    assert await run("import os, signal; os.kill(os.getpid(), signal.SIGTERM)") == "killed by SIGTERM"


async def test_a_program_sees_neither_secrets_nor_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENT_SECRETS", f"ops={SECRET}")
    monkeypatch.setenv("SOME_KEY", "canary")
    words = program(f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(' '.join(os.environ))")
    paging = teller(EVENT_COMMANDS=json.dumps({"page": words}))
    assert await paging.tell(receiver("command", "page"), message()) is None
    seen = (tmp_path / "seen").read_text().split()
    assert "PATH" in seen
    assert not {"EVENT_SECRETS", "DATABASE_URL", "SOME_KEY"} & set(seen)


HANGS = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session={escapes})
open({path!r}, "w").write(str(child.pid))
os.rename({path!r}, {path!r} + ".pid")
time.sleep(60)
"""


def started_by(path: str) -> int | None:
    """The child of the program that hangs, once it is there."""
    written = Path(path + ".pid")
    return int(written.read_text()) if written.exists() else None


def is_gone(path: str) -> bool:
    place = Path(f"/proc/{started_by(path)}/stat")
    return not place.exists() or " Z " in place.read_text()


@pytest.mark.parametrize("escapes", [False, True])
async def test_a_program_that_hangs_is_killed_with_all_that_it_started(
    tmp_path: Path, *, escapes: bool
) -> None:
    path = str(tmp_path / "child")
    error = await run(HANGS.format(path=path, escapes=escapes), seconds=3)
    assert error == "no answer within 3 seconds"
    await asyncio.to_thread(eventually, lambda: is_gone(path))
    assert Child.alive == set()


async def test_a_program_is_killed_when_the_worker_stops(tmp_path: Path) -> None:
    path = str(tmp_path / "child")
    task = asyncio.create_task(run(HANGS.format(path=path, escapes=False), seconds=60))
    await asyncio.to_thread(eventually, lambda: started_by(path) is not None)
    (pid,) = Child.alive
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert Child.alive == set()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_program_that_says_too_much_fills_nothing() -> None:
    chatter = "[print('x' * 60_000, file=f) for _ in range(200) for f in (sys.stdout, sys.stderr)]"
    error = await run(f"import sys; {chatter}; sys.exit('end')")
    assert error is not None
    assert error.endswith("end")
    assert len(error) < 4000


async def test_a_program_that_leaves_its_error_open_is_not_waited_for() -> None:
    child = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(5)'])"
    assert await run(f"import subprocess, sys; {child}; sys.exit('left')", seconds=60) == "left"


async def test_a_line_in_the_log_says_what_a_webhook_would() -> None:
    output = io.StringIO()
    assert await teller(output).tell(receiver("log"), message()) is None
    line = json.loads(output.getvalue())
    told = [line[name] for name in ("event", "kind", "count", "message_id")]
    assert told == ["event.told", "job.failed", 3, 7]


def test_the_webhook_needs_nothing_but_the_standard_library() -> None:
    asked = json.dumps({"url": "https://127.0.0.1", "headers": {}, "body": "", "allowed": [], "seconds": 1})
    done = subprocess.run(WEBHOOK, input=asked, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "127.0.0.1: leads to an address that is not public and not in EVENT_ALLOW_PRIVATE\n"
