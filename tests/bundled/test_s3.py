"""Objects on their way from and to S3, when S3 or the network fail: scripted answers on a real socket."""

from __future__ import annotations

import tempfile
from collections.abc import Callable

import pytest

from rig.bucket import Bucket
from rowcrew.bundled.files import s3
from rowcrew.bundled.files.arrival import Patience, TransferFailed
from rowcrew.context import PermanentError, RunStopped
from tests.bundled.servers import Connection, Server, cutting, saying, serving

PATIENT = Patience(attempts=3, longest_wait_seconds=0.05)
CONTENT = bytes(range(256)) * 1_000
ETAG = '"5d41402a"'


def error(status: int, code: str) -> Callable[[Connection], None]:
    return saying(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())


def content_of(
    key: str = "key",
    *,
    most_bytes: int = 10**6,
    patience: Patience = PATIENT,
    cancelled: Callable[[], bool] = lambda: False,
) -> bytes:
    with tempfile.TemporaryFile() as file:
        s3.download("bucket", key, file, most_bytes, cancelled, patience)
        file.seek(0)
        return file.read()


@pytest.fixture
def ask(bucket: Bucket) -> Callable[[Server], None]:
    """Makes a server the one that S3 is asked at."""
    return lambda server: bucket.use(f"http://127.0.0.1:{server.port}", secret="hunter2")


Ask = Callable[[Server], None]


@pytest.mark.parametrize(
    "trouble",
    [
        error(500, "InternalError"),
        error(503, "SlowDown"),
        error(400, "RequestTimeout"),
        lambda connection: None,
    ],
)
def test_trouble_is_asked_again(ask: Ask, trouble: Callable[[Connection], None]) -> None:
    with serving(trouble, trouble, saying(200, CONTENT, ETag=ETAG)) as server:
        ask(server)
        assert content_of() == CONTENT
    with serving(trouble) as server, pytest.raises(TransferFailed, match="s3://bucket/key: "):
        ask(server)
        content_of()
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(403, "AccessDenied"), "403 AccessDenied: the credentials do not allow this"),
        (error(403, "InvalidAccessKeyId"), "403 InvalidAccessKeyId"),
        (error(404, "NoSuchKey"), "no such object"),
        (error(400, "ExpiredToken"), "400 ExpiredToken"),
    ],
)
def test_a_clear_no_is_asked_for_once_and_tells_no_secret(
    ask: Ask, answer: Callable[[Connection], None], said: str
) -> None:
    with serving(answer) as server, pytest.raises(PermanentError, match=said) as refused:
        ask(server)
        content_of()
    assert len(server.requests) == 1
    assert "hunter2" not in str(refused.value)


def test_a_cut_object_goes_on_where_it_broke_if_it_is_still_the_same(ask: Ask) -> None:
    half = 2 * 65_536
    rest = saying(206, CONTENT[half:], ETag=ETAG)
    with serving(cutting(CONTENT[:half], len(CONTENT) - half, ETag=ETAG), rest) as server:
        ask(server)
        assert content_of() == CONTENT
    assert server.requests[1].headers["range"] == f"bytes={half}-"
    assert server.requests[1].headers["if-match"] == ETAG


def test_of_an_object_that_changes_meanwhile_no_mixture_is_read(ask: Ask) -> None:
    cut = cutting(b"a" * 65_536, 100_000, ETag=ETAG)
    new = saying(200, b"b" * 100, ETag='"new"')
    with serving(cut, error(412, "PreconditionFailed"), new) as server:
        ask(server)
        assert content_of() == b"b" * 100
    with (
        serving(cut, error(412, "PreconditionFailed")) as server,
        pytest.raises(TransferFailed, match="changed"),
    ):
        ask(server)
        content_of(patience=Patience(attempts=2, longest_wait_seconds=0.05))


def test_an_object_cut_each_time_is_never_used(ask: Ask) -> None:
    with serving(cutting(b"half", 10, ETag=ETAG)) as server, pytest.raises(TransferFailed):
        ask(server)
        content_of()


def drip(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nETag: x\r\n\r\n")
    connection.drip()


def test_a_slow_drip_is_given_up(ask: Ask) -> None:
    with serving(drip) as server, pytest.raises(TransferFailed, match="it sends less than 1,000 bytes"):
        ask(server)
        content_of(patience=Patience(window_seconds=0.5, window_bytes=1_000, attempts=1))


def test_a_cancelled_run_stops_waiting(ask: Ask) -> None:
    with serving(drip) as server, pytest.raises(RunStopped):
        ask(server)
        content_of(patience=Patience(attempts=10**6), cancelled=lambda: bool(server.requests))


def test_an_object_above_the_limit_is_not_taken(ask: Ask) -> None:
    with (
        serving(saying(200, CONTENT, ETag=ETAG)) as server,
        pytest.raises(PermanentError, match="the 100 allowed"),
    ):
        ask(server)
        content_of(most_bytes=100)


def test_an_empty_object_is_an_empty_file(ask: Ask) -> None:
    with serving(saying(200, ETag=ETAG)) as server:
        ask(server)
        assert content_of() == b""


def test_an_upload_is_tried_again_and_then_given_up(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_UPLOAD_ATTEMPTS", 3)
    trouble = error(503, "SlowDown")
    with serving(trouble, trouble, saying(200)) as server:
        ask(server)
        s3.upload("bucket", "key", b"content", "text/plain")
    assert [request.request_line for request in server.requests] == ["PUT /bucket/key HTTP/1.1"] * 3
    with (
        serving(trouble) as server,
        pytest.raises(TransferFailed, match="S3 answers 503 SlowDown"),
    ):
        ask(server)
        s3.upload("bucket", "key", b"content", "text/plain")


def test_an_upload_that_is_not_allowed_fails_at_once(ask: Ask) -> None:
    with (
        serving(error(403, "AccessDenied")) as server,
        pytest.raises(PermanentError, match="do not allow this"),
    ):
        ask(server)
        s3.upload("bucket", "key", b"content", "text/plain")
    assert len(server.requests) == 1
