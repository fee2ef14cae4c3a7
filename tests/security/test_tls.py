"""sslmode=verify-full: a worker talks to the server it means, and to no other.

The embedded PostgreSQL is built without TLS, so these start a PostgreSQL of the system, with a certificate
made here. Where there is none they are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rig.fixtures import StartWorker
from rig.installations import SYSTEM, linked
from rig.ports import free_port
from rig.table import Table
from rowcrew.cli import main
from rowcrew.embedded import EmbeddedPostgres, server_account
from rowcrew.table import migrate

pytestmark = pytest.mark.skipif(
    not SYSTEM, reason="no PostgreSQL under /usr/lib/postgresql: TLS is not tested"
)


class Authority:
    """A certificate authority of one's own, that signs for one host name."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.certificate = self._sign(self._name, self._key.public_key(), x509.BasicConstraints(True, None))

    def server(self, host: str) -> tuple[bytes, bytes]:
        """Certificate and key of a server, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        pem = serialization.Encoding.PEM
        form = serialization.PrivateFormat.PKCS8
        secret = key.private_bytes(pem, form, serialization.NoEncryption())
        return self._sign(_name(host), key.public_key(), names), secret

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> bytes:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@pytest.fixture(scope="module")
def authorities() -> tuple[Authority, Authority]:
    """The one that signed the server's certificate, and another."""
    return Authority("ours"), Authority("another")


@pytest.fixture(scope="module")
def tls_server(authorities: tuple[Authority, Authority]) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of the system that serves TLS as `localhost`, with a migrated database."""
    files = Path(tempfile.mkdtemp(prefix="rowcrew-tls-"))
    files.chmod(0o755)
    certificate, key = authorities[0].server("localhost")
    _write_for_the_server(files / "server.crt", certificate)
    _write_for_the_server(files / "server.key", key)
    settings = {
        "ssl": "on",
        "ssl_cert_file": str(files / "server.crt"),
        "ssl_key_file": str(files / "server.key"),
    }
    try:
        with EmbeddedPostgres(
            durable=False,
            port=free_port(),
            settings=settings,
            binaries=linked(SYSTEM[-1], files / "postgresql"),
        ) as server:
            migrate.migrate(server.url)
            yield server
    finally:
        shutil.rmtree(files)


def _write_for_the_server(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    if account := server_account():
        os.chown(path, account.user, account.group)


@pytest.fixture
def address(tls_server: EmbeddedPostgres) -> str:
    """By name, verified in full; the authority's file is still to be given."""
    plain = tls_server.tcp_url_of("postgres").replace("127.0.0.1", "localhost")
    return f"{plain}?sslmode=verify-full&channel_binding=require&sslrootcert="


def test_a_worker_works_over_a_verified_connection(
    start_worker: StartWorker, address: str, authorities: tuple[Authority, Authority], tmp_path: Path
) -> None:
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(authorities[0].certificate)
    worker = start_worker(url=f"{address}{trusted}").ready()
    table = Table(f"{address}{trusted}")
    job = table.enqueue("echo", {"value": "in secret"})
    assert table.until(job, "completed")["result"] == "in secret"
    encrypted = table.rows(
        "SELECT bool_and(ssl) AS all FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
        " WHERE application_name LIKE 'rowcrew%%'"
    )
    assert encrypted == [{"all": True}]
    table.close()
    assert worker.stop() == 0


@pytest.mark.parametrize("wrong", ["authority", "host"])
def test_a_worker_refuses_a_server_that_cannot_prove_who_it_is(
    start_worker: StartWorker,
    address: str,
    authorities: tuple[Authority, Authority],
    tmp_path: Path,
    wrong: str,
) -> None:
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(authorities[wrong == "authority"].certificate)
    url = f"{address}{trusted}"
    if wrong == "host":
        url = url.replace("localhost", "127.0.0.1")
    worker = start_worker(url=url, DB_CONNECT_TIMEOUT=2)
    assert worker.exited() == 1
    said = worker.log.read_text()
    assert ("certificate verify failed" if wrong == "authority" else "does not match host name") in said
    password = psycopg.conninfo.conninfo_to_dict(url)["password"]
    assert str(password) not in said


def test_a_worker_refuses_a_server_without_tls(
    start_worker: StartWorker, tcp_database_url: str, authorities: tuple[Authority, Authority], tmp_path: Path
) -> None:
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(authorities[0].certificate)
    url = f"{tcp_database_url}?sslmode=verify-full&sslrootcert={trusted}"
    worker = start_worker(url=url, DB_CONNECT_TIMEOUT=2)
    assert worker.exited() == 1
    assert "server does not support SSL" in worker.log.read_text()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("nothing", "as postgres, with TLS"),
        ("authority", "nobody we trust has signed"),
        ("host", "certificate is for another host"),
        ("file", "the file of trusted certificate authorities is missing"),
    ],
)
def test_the_doctor_tells_the_troubles_of_tls_apart(
    address: str,
    authorities: tuple[Authority, Authority],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: str,
    told: str,
) -> None:
    trusted = tmp_path / "ca.crt"
    if wrong != "file":
        trusted.write_bytes(authorities[wrong == "authority"].certificate)
    url = f"{address}{trusted}"
    if wrong == "host":
        url = url.replace("localhost", "127.0.0.1")
    monkeypatch.setenv("DATABASE_URL", url)
    assert main(["doctor"]) == (wrong != "nothing")
    [line] = [line for line in capsys.readouterr().out.splitlines() if " connection" in line]
    assert told in line
    assert line.startswith("✅ connection: " if wrong == "nothing" else "❌ connection: tls: ")
