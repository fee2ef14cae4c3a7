"""The address of a database in the forms its readers want.

In: a DATABASE_URL as producers write it (postgres://, postgresql://, postgresql+driver://, with Prisma's own
parameters). Out: what libpq takes, what SQLAlchemy takes, and what may be shown. No input or output.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from psycopg.conninfo import conninfo_to_dict

# Parameters of Prisma that libpq refuses to read; `schema` is translated.
_PRISMA: Final = frozenset(
    {"pgbouncer", "connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size", "sslaccept"}
)


def for_psycopg(url: str) -> str:
    """The URL for psycopg and libpq: postgresql://, without another program's parameters."""
    address = "postgresql://" + url.partition("://")[2]
    base, _, query = address.partition("?")
    parameters = [pair for pair in query.split("&") if pair and pair.partition("=")[0] not in _PRISMA]
    schema = next((value for name, value in parse_qsl(query) if name == "schema"), "public")
    parameters = [pair for pair in parameters if not pair.startswith("schema=")]
    if schema != "public":
        parameters.append("options=" + quote(f"-csearch_path={schema}", safe=""))
    return f"{base}?{'&'.join(parameters)}" if parameters else base


def for_sqlalchemy(url: str) -> str:
    """The URL for SQLAlchemy with psycopg. Several hosts and Unix sockets go into its query."""
    parameters = {name: str(value) for name, value in conninfo_to_dict(for_psycopg(url)).items()}
    user, password = parameters.pop("user", None), parameters.pop("password", None)
    login = "" if user is None else quote(user, safe="")
    login += "" if password is None else ":" + quote(password, safe="")
    host = parameters.get("host", "")
    place = ""
    if host and "/" not in host and "," not in host:
        place = f"[{host}]" if ":" in host else host
        port = parameters.pop("port", None)
        place += f":{port}" if port else ""
        del parameters["host"]
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"postgresql+psycopg://{login}{'@' if login else ''}{place}/{query}"


def without_password(url: str) -> str:
    """The URL as logs and errors may show it, also when it is malformed."""
    # A number and then a comma, slash, question mark or the end is a port; anything else before an @ is a
    # password.
    shown = re.sub(r"://([^:@/?]*):(?!\d+(?:[,/?]|$)).*@", r"://\1@", url)
    return re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1***", shown)
