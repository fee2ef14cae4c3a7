"""The address of a database in the forms its readers want.

In: a DATABASE_URL as producers write it (postgres://, postgresql://, postgresql+driver://, with Prisma's own
parameters). Out: what libpq takes, what SQLAlchemy takes, and what may be shown. No input or output.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from psycopg.conninfo import conninfo_to_dict

# What other programs read from the same address and libpq refuses: Prisma, Rails, SQLAlchemy with asyncpg,
# node-postgres, JDBC, Supabase. `schema` and `ssl` are translated.
_OTHERS: Final = frozenset(
    [
        "pgbouncer",
        "connection_limit",
        "pool_timeout",
        "socket_timeout",
        "statement_cache_size",
        "sslaccept",
        "pool",
        "pool_size",
        "pool_max",
        "max_overflow",
        "timeout",
        "checkout_timeout",
        "reaping_frequency",
        "prepared_statements",
        "prepared_statement_cache_size",
        "command_timeout",
        "encoding",
        "charset",
        "uselibpqcompat",
        "supa",
        "workaround",
        "schema",
        "currentSchema",
        "ssl",
    ]
)
# The modes of `ssl` as asyncpg, node-postgres and JDBC write them; `no-verify` is node-postgres' own.
_SSL_MODES: Final = {
    "true": "require",
    "1": "require",
    "no-verify": "require",
    "false": "disable",
    "0": "disable",
}


def for_psycopg(url: str) -> str:
    """The URL for psycopg and libpq: postgresql://, without another program's parameters."""
    address = "postgresql://" + url.partition("://")[2]
    base, _, query = address.partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    pairs = [pair for pair in query.split("&") if pair]
    kept = [pair for pair in pairs if unquote(pair.partition("=")[0]) not in {*_OTHERS, "sslmode", "options"}]
    if mode := given.get("sslmode") or given.get("ssl"):
        kept.append(f"sslmode={_SSL_MODES.get(mode, mode)}")
    if options := _options(given):
        kept.append("options=" + quote(options, safe=""))
    return f"{base}?{'&'.join(kept)}" if kept else base


def _options(given: dict[str, str]) -> str:
    """What the server is to set for the session: the address's own options, and the path to its schema."""
    schema = given.get("schema") or given.get("currentSchema") or "public"
    path = "" if schema == "public" else f"-csearch_path={_escaped(_identifier(schema))}"
    return " ".join(filter(None, [given.get("options"), path]))


def _identifier(name: str) -> str:
    """A name as SQL reads it: without quotes PostgreSQL folds capitals, and a space would end it."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def _escaped(value: str) -> str:
    """A value inside libpq's `options`, where a space ends it and a backslash takes the next as it is."""
    return re.sub(r"([\\\s])", r"\\\1", value)


def for_sqlalchemy(url: str) -> str:
    """The URL for SQLAlchemy with psycopg. Several hosts and Unix sockets go into its query."""
    parameters = {name: str(value) for name, value in conninfo_to_dict(for_psycopg(url)).items()}
    user, password = parameters.pop("user", None), parameters.pop("password", None)
    login = "" if user is None else quote(user, safe="")
    login += "" if password is None else ":" + quote(password, safe="")
    host = parameters.get("host", "")
    if "," in host:
        parameters.setdefault("target_session_attrs", "read-write")
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
