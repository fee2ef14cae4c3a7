"""Files behind URLs: which may be fetched, and what becomes of servers that fail, dawdle or lie."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rowcrew.bundled.files.arrival import Patience, TransferFailed
from rowcrew.bundled.files.fetch import fetch
from rowcrew.context import PermanentError, RunStopped
from tests.bundled.conftest import FILE, Imports, permanent_error
from tests.bundled.servers import Connection, Server, cutting, saying, serving

PATIENT = Patience(attempts=3, longest_wait_seconds=0.05)
CONTENT = bytes(range(256)) * 1_000


def content_of(
    url: str,
    *,
    most_bytes: int = 10**6,
    patience: Patience = PATIENT,
    cancelled: Callable[[], bool] = lambda: False,
) -> bytes:
    with tempfile.TemporaryFile() as file:
        fetch(url, file, most_bytes, cancelled, patience)
        file.seek(0)
        return file.read()


def url_of(server: Server, path: str = "/file", *, scheme: str = "http", host: str = "127.0.0.1") -> str:
    return f"{scheme}://{host}:{server.port}{path}"


@pytest.fixture
def this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own servers may be reached, and no other address that is not public."""
    monkeypatch.setenv("URL_ALLOW_PRIVATE", "127.0.0.1/32")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
        *("169.254.169.254", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"),
        *("[::1]", "[::]", "[fe80::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[::ffff:127.0.0.1]"),
        *("[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[2001:0:7f00:1::]"),
    ],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_addresses_that_are_not_public_are_refused(scheme: str, host: str) -> None:
    with pytest.raises(PermanentError, match=r"not public|no such host"):
        content_of(f"{scheme}://{host}/file")


def test_a_refused_address_is_never_connected_to() -> None:
    with serving(saying(200)) as server, pytest.raises(PermanentError, match="not public"):
        content_of(url_of(server))
    assert server.requests == []


@pytest.mark.parametrize(
    "url",
    [
        *(
            "file:///etc/passwd",
            "ftp://example.com/x",
            "gopher://example.com/x",
            "//example.com/x",
            "/etc/passwd",
        ),
        *("https://", "https:///x", "data:text/csv,a", "example.com/x", "https"),
    ],
)
def test_only_https_urls_are_fetched(url: str) -> None:
    with pytest.raises(PermanentError, match="must begin with https://"):
        content_of(url)


@pytest.mark.parametrize("url", ["https://[::1", "https://a:b/x", "https://exa mple.com:x/"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(PermanentError, match=r"^source\.url"):
        content_of(url)


def test_plain_http_is_refused_beyond_the_networks_allowed(this_host: None) -> None:
    with pytest.raises(PermanentError, match="must begin with https://; http is for networks"):
        content_of("http://1.1.1.1/file")


@pytest.mark.parametrize("url", ["https://ada:hunter2@127.0.0.1/x", "https://hunter2@example.com/x"])
def test_users_and_passwords_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(PermanentError, match="must not hold a user or a password") as refused:
        content_of(url)
    assert "hunter2" not in str(refused.value)


def test_an_error_tells_the_host_and_nothing_else_of_the_url(this_host: None) -> None:
    with serving(saying(404)) as server, pytest.raises(PermanentError) as refused:
        content_of(url_of(server, "/token-1234?signature=5678#9"))
    assert str(refused.value) == "source.url (127.0.0.1): answers 404"


def test_a_name_that_cannot_be_is_no_host() -> None:
    with pytest.raises(PermanentError, match="there is no such host"):
        content_of(f"https://{'a' * 70}.example.com/")


def test_the_content_arrives_to_the_byte(this_host: None) -> None:
    with serving(saying(200, CONTENT)) as server:
        assert content_of(url_of(server, "/a b?c=d%20e&f=ü")) == CONTENT
    (request,) = server.requests
    assert request.request_line == "GET /a%20b?c=d%20e&f=%C3%BC HTTP/1.1"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"


def test_a_body_in_chunks_arrives_whole(this_host: None) -> None:
    def answer(connection: Connection) -> None:
        connection.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )

    with serving(answer) as server:
        assert content_of(url_of(server)) == b"abcde"


def test_a_redirect_is_followed(this_host: None) -> None:
    with serving(saying(302, Location="../b?c"), saying(200, CONTENT)) as server:
        assert content_of(url_of(server, "/x/a")) == CONTENT
    assert [request.request_line for request in server.requests] == ["GET /x/a HTTP/1.1", "GET /b?c HTTP/1.1"]


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://169.254.169.254/latest/meta-data", "not public"),
        ("http://127.0.0.2/", "not public"),
        ("//[::1]/", "not public"),
        ("file:///etc/passwd", "must begin with https://"),
        ("https://ada:hunter2@example.com/", "must not hold a user"),
        ("http://1.1.1.1/", "must begin with https://"),
    ],
)
def test_each_hop_is_judged_like_the_first(this_host: None, location: str, said: str) -> None:
    with (
        serving(saying(302, Location=location)) as server,
        pytest.raises(PermanentError, match=said) as refused,
    ):
        content_of(url_of(server))
    assert len(server.requests) == 1
    assert "hunter2" not in str(refused.value)


def test_the_fourth_redirect_is_not_followed(this_host: None) -> None:
    with (
        serving(saying(307, Location="/again")) as server,
        pytest.raises(PermanentError, match="more than 3 times"),
    ):
        content_of(url_of(server))
    assert len(server.requests) == 4


def test_a_redirect_to_nowhere_is_refused(this_host: None) -> None:
    with serving(saying(301)) as server, pytest.raises(PermanentError, match="without saying where to go"):
        content_of(url_of(server))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_a_server_in_trouble_is_asked_again(this_host: None, status: int) -> None:
    with serving(saying(status), saying(status), saying(200, CONTENT)) as server:
        assert content_of(url_of(server)) == CONTENT
    with (
        serving(saying(status)) as server,
        pytest.raises(TransferFailed, match=rf"^source\.url \(127\.0\.0\.1\): it answers {status}$"),
    ):
        content_of(url_of(server))
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 404, 410, 451])
def test_a_clear_no_is_asked_for_once(this_host: None, status: int) -> None:
    with serving(saying(status)) as server, pytest.raises(PermanentError, match=f"answers {status}"):
        content_of(url_of(server))
    assert len(server.requests) == 1


def test_a_body_cut_short_is_fetched_again_and_never_used(this_host: None) -> None:
    with serving(cutting(b"half", 100), saying(200, CONTENT)) as server:
        assert content_of(url_of(server)) == CONTENT
    with serving(cutting(b"half", 100)) as server, pytest.raises(TransferFailed):
        content_of(url_of(server))
    assert len(server.requests) == 3


def test_a_server_that_hangs_up_or_speaks_nonsense_is_asked_again(this_host: None) -> None:
    answers = (
        lambda connection: None,
        lambda connection: connection.send(b"\0\1\2\n\n"),
        saying(200, CONTENT),
    )
    with serving(*answers) as server:
        assert content_of(url_of(server)) == CONTENT


def test_a_server_that_is_not_there_is_a_failure_that_may_pass(this_host: None) -> None:
    with serving(saying(200)) as server:
        url = url_of(server)
    with pytest.raises(TransferFailed, match="cannot connect: Connection refused"):
        content_of(url)


def drip_body(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    connection.drip()


def drip_headers(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    connection.drip()


@pytest.mark.parametrize("answer", [drip_body, drip_headers])
def test_a_slow_drip_is_given_up(this_host: None, answer: Callable[[Connection], None]) -> None:
    impatient = Patience(window_seconds=0.5, window_bytes=1_000, attempts=1)
    with (
        serving(answer) as server,
        pytest.raises(TransferFailed, match=r"it sends less than 1,000 bytes in 0\.5 s"),
    ):
        content_of(url_of(server), patience=impatient)


def test_all_attempts_together_have_one_deadline(this_host: None) -> None:
    hasty = Patience(deadline_seconds=0.5, attempts=1_000, longest_wait_seconds=0.01)
    with serving(drip_body) as server, pytest.raises(TransferFailed, match=r"did not arrive within 0\.5 s"):
        content_of(url_of(server), patience=hasty)
    assert len(server.requests) == 1
    with serving(saying(500)) as server, pytest.raises(TransferFailed, match="answers 500"):
        content_of(url_of(server), patience=hasty)


def silent(connection: Connection) -> None:
    connection.shut_down.wait()


def test_a_silent_server_is_given_up(this_host: None) -> None:
    with (
        serving(silent) as server,
        pytest.raises(TransferFailed, match="no answer in time"),
    ):
        content_of(url_of(server), patience=Patience(silence_seconds=0.2, attempts=1))


@pytest.mark.parametrize("answer", [drip_body, drip_headers, saying(500)])
def test_a_cancelled_run_stops_waiting(this_host: None, answer: Callable[[Connection], None]) -> None:
    endless = Patience(attempts=10**6)
    with serving(answer) as server, pytest.raises(RunStopped):
        content_of(url_of(server), patience=endless, cancelled=lambda: bool(server.requests))


def test_a_body_above_the_limit_is_not_taken(this_host: None) -> None:
    with (
        serving(saying(200, CONTENT)) as server,
        pytest.raises(PermanentError, match="more than the 100 allowed"),
    ):
        content_of(url_of(server), most_bytes=100)
    assert len(server.requests) == 1


def test_a_body_that_does_not_tell_its_length_is_limited_too(this_host: None) -> None:
    def answer(connection: Connection) -> None:
        connection.send(b"HTTP/1.0 200 OK\r\n\r\n" + CONTENT)
        connection.drip(b"x" * 10_000)

    with serving(answer) as server, pytest.raises(PermanentError, match="more than the 300,000 allowed"):
        content_of(url_of(server), most_bytes=300_000)


def test_compressed_content_is_refused(this_host: None) -> None:
    with (
        serving(saying(200, b"x", Content_Encoding="gzip")) as server,
        pytest.raises(PermanentError, match="gzip"),
    ):
        content_of(url_of(server))
    assert server.requests[0].headers["accept-encoding"] == "identity"


def certificate(directory: Path, name: x509.GeneralName) -> ssl.SSLContext:
    """A server's side of TLS with a certificate for the name, which SSL_CERT_FILE may name as trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "certificate.pem", directory / "key.pem")
    return context


def test_the_certificate_is_that_of_the_name_and_the_name_is_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URL_ALLOW_PRIVATE", "127.0.0.1/32,::1/128")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    asked: list[Any] = []
    resolve = socket.getaddrinfo

    def listen_in(host: Any, *rest: Any, **options: Any) -> Any:
        asked.append(host)
        return resolve(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", listen_in)
    with serving(saying(200, CONTENT), context=certificate(tmp_path, x509.DNSName("localhost"))) as server:
        assert content_of(url_of(server, scheme="https", host="localhost")) == CONTENT
    assert asked.count("localhost") == 1  # whoever resolved again could be led elsewhere
    assert {str(ipaddress.ip_address(host)) for host in asked if host != "localhost"} <= {"127.0.0.1", "::1"}
    assert server.requests[0].headers["host"] == f"localhost:{server.port}"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_that_does_not_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, this_host: None, trusted: bool
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    name = x509.DNSName("example.com") if trusted else x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    with (
        serving(saying(200), context=certificate(tmp_path, name)) as server,
        pytest.raises(PermanentError, match="its certificate is not valid"),
    ):
        content_of(url_of(server, scheme="https"))
    assert server.requests == []


def test_an_import_reads_a_url(imports: Imports, this_host: None) -> None:
    with serving(saying(200, FILE)) as server:
        assert imports.run_source({"url": url_of(server)}).result["inserted"] == 1
    assert "not public" in permanent_error(imports.run_source({"url": "https://169.254.169.254/"}))
