"""Why a connection failed, told apart: name, network, TLS, password, database.

In: what psycopg raised. Out: a `Trouble` with the remedy. libpq gives no code for a failed connection, so the
words decide; a server that speaks another language ends as `other`, in its own words. Called by the doctor.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from rowcrew.model.cleaning import clean_line

_SAME_ADDRESS: Final = "copy the address again from where the database is managed"

# Ordered by how far the connection got: of several hosts, or addresses of one, each tells its own error.
_KINDS: Final = (
    (
        "database",
        r'database "[^"]*" does not exist',
        "there is no such database",
        "correct the name at the end of the address, or make the database with createdb",
    ),
    (
        "database",
        r"permission denied for database|does not have CONNECT privilege",
        "the role may not connect to the database",
        "as its owner: GRANT CONNECT ON DATABASE … TO …",
    ),
    (
        "full",
        r"too many clients|remaining connection slots|too many connections|no more connections allowed",
        "the server has no free connection",
        "run fewer workers or smaller pools, or raise the limit; a worker holds five connections",
    ),
    (
        "password",
        r"password authentication failed|no password supplied|SASL authentication failed|Wrong password",
        "the password is wrong, or there is no such role",
        f"{_SAME_ADDRESS}; percent-encode special characters of the password (@ is %40, / is %2F)",
    ),
    (
        "role",
        r'role "[^"]*" does not exist|is not permitted to log in',
        "there is no such role, or it may not log in",
        "correct the role at the beginning of the address, or CREATE ROLE … LOGIN",
    ),
    (
        "access",
        r"no pg_hba\.conf entry.*, SSL encryption|no pg_hba\.conf entry(?!.*encryption)|pg_hba\.conf rejects",
        "the server admits nobody from here with this role and database",
        "add a line to pg_hba.conf, or this address to the list of those allowed",
    ),
    (
        "tls",
        r"SSL/TLS required|SSL connection is required|SSL required|no encryption",
        "the server wants TLS",
        "add ?sslmode=require to the address",
    ),
    (
        "tls",
        r"server does not support SSL|SSL was required",
        "the address asks for TLS, and the server does not speak it",
        "take sslmode out of the address, or switch TLS on at the server",
    ),
    (
        "tls",
        r"certificate verify failed|self.signed certificate",
        "nobody we trust has signed the server's certificate",
        "give the file of the certificate authority as sslrootcert=…",
    ),
    (
        "tls",
        r"root certificate file|sslrootcert",
        "the file of trusted certificate authorities is missing",
        "give one as sslrootcert=…, or sslrootcert=system",
    ),
    (
        "tls",
        r"does not match host name",
        "the server's certificate is for another host",
        "use the host name of the certificate in the address",
    ),
    (
        "tls",
        r"SSL|certificate|channel binding",
        "TLS failed",
        "check sslmode and sslrootcert in the address",
    ),
    (
        "starting",
        r"the database system is (starting|shutting|not yet|in recovery)",
        "the server is starting or stopping",
        "wait a moment and ask again",
    ),
    (
        "refused",
        r"Connection refused|No such file or directory",
        "nobody listens there",
        "start the server, or correct host and port",
    ),
    (
        "name",
        r"failed to resolve host|could not translate host name|Name or service not known",
        "the host's name does not resolve",
        "correct the host; a platform knows its internal names only inside, in the same region",
    ),
    (
        "network",
        r"timeout|timed out|No route to host|Network is unreachable",
        "no answer from the host",
        "correct host and port; look at the firewall, and at the list of addresses that may connect",
    ),
    (
        "stranger",
        r"server closed the connection unexpectedly|invalid response|received invalid",
        "the program that listens there closed the connection at once, as no PostgreSQL does",
        "correct the port, or look at the server's log",
    ),
)


class Trouble(NamedTuple):
    """Why a connection failed: `kind` is one word for programs.

    `what` ends with the driver's own words, without the password.
    """

    kind: str
    what: str
    remedy: str


def trouble(error: BaseException) -> Trouble:
    """Which trouble the error of a connection is."""
    text = str(error)
    words = clean_line(text.partition("\n")[0]).removeprefix("connection failed: ")
    for kind, pattern, what, remedy in _KINDS:
        if re.search(pattern, text, re.IGNORECASE):
            return Trouble(kind, f"{what} ({words})", remedy)
    return Trouble("other", words, "look at the server's log")
