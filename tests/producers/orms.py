"""Clients that load and save a whole row as their users do: Django, Peewee, SQLAlchemy, Tortoise.

In: the name of a client and an address on the command line, then one JSON order a line: insert, load, save.
Out: one JSON answer a line. A program of its own, because these libraries keep one configuration for a whole
process. Columns come from the declared tables, as from a model that a user writes by hand.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import sqlalchemy
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Session

from rowcrew.table.schema import jobs

Row = dict[str, Any]


class Client(Protocol):
    """`loaded` is the object as it was read; nothing reads it anew before it is saved."""

    def insert(self, **columns: Any) -> int: ...

    def load(self, id: int) -> None: ...

    def save(self, changes: Row) -> None: ...


def field_kinds() -> dict[str, tuple[str, bool, Any]]:
    """Of each column: the name of its kind, whether it may be NULL, and its default as a Python value.

    But for the one list, which each ORM takes by an extension of its own.
    """
    kinds = {}
    for column in jobs.columns:
        if isinstance(column.type, ARRAY):
            continue
        default = getattr(column.server_default, "arg", None)
        text = str(default).strip("'") if default is not None else None
        kinds[column.name] = (type(column.type).__name__, bool(column.nullable), text)
    return kinds


def plain(kind: str, default: str | None) -> Any:
    """The default as ORMs' models say it: a value, or a function of the client's own clock."""
    if default is None or default == "now()":
        return None
    if kind == "JSONB":
        return dict
    return int(default) if kind.endswith("Integer") else default


class DjangoClient:
    """`Model.save()` writes every column."""

    def __init__(self, url: str) -> None:
        import django
        from django.conf import settings
        from django.db import models
        from django.utils.timezone import now

        address = urlsplit(url)
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": address.path[1:],
            "USER": unquote(address.username or ""),
            "PASSWORD": unquote(address.password or ""),
            "HOST": address.hostname,
            "PORT": address.port,
        }
        settings.configure(DATABASES={"default": database}, USE_TZ=True)
        django.setup()
        fields: dict[str, Any] = {
            "BigInteger": models.BigIntegerField,
            "Integer": models.IntegerField,
            "SmallInteger": models.SmallIntegerField,
            "Text": models.TextField,
            "DateTime": models.DateTimeField,
            "UUID": models.UUIDField,
            "JSONB": models.JSONField,
            "Boolean": models.BooleanField,
        }
        columns: Row = {"id": models.BigAutoField(primary_key=True)}
        for name, (kind, optional, default) in field_kinds().items():
            if name != "id":
                value = now if default == "now()" else plain(kind, default)
                given = {} if value is None else {"default": value}
                columns[name] = fields[kind](null=optional, db_column=name, **given)
        meta = type("Meta", (), {"app_label": "backend", "db_table": "jobs", "managed": False})
        self._model: Any = type("Job", (models.Model,), {"__module__": __name__, "Meta": meta, **columns})
        self._job: Any = None

    def insert(self, **columns: Any) -> int:
        return int(self._model.objects.create(**columns).id)

    def load(self, id: int) -> None:
        self._job = self._model.objects.get(id=id)

    def save(self, changes: Row) -> None:
        for name, value in changes.items():
            setattr(self._job, name, value)
        self._job.save()


class PeeweeClient:
    """`Model.save()` writes every column that was loaded."""

    def __init__(self, url: str) -> None:
        import datetime

        import peewee
        from playhouse.db_url import connect
        from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField

        fields: dict[str, Any] = {
            "BigInteger": peewee.BigIntegerField,
            "Integer": peewee.IntegerField,
            "SmallInteger": peewee.SmallIntegerField,
            "Text": peewee.TextField,
            "DateTime": DateTimeTZField,
            "UUID": peewee.UUIDField,
            "JSONB": BinaryJSONField,
            "Boolean": peewee.BooleanField,
        }

        def now() -> datetime.datetime:
            return datetime.datetime.now(datetime.UTC)

        columns: Row = {"id": peewee.BigAutoField()}
        for name, (kind, optional, default) in field_kinds().items():
            if name != "id":
                value = now if default == "now()" else plain(kind, default)
                given = {} if value is None else {"default": value}
                options = {"index": False} if kind == "JSONB" else {}
                columns[name] = fields[kind](null=optional, column_name=name, **given, **options)
        database = connect(url.replace("postgresql://", "psycopg3://"))
        meta = type("Meta", (), {"database": database, "table_name": "jobs"})
        self._model: Any = type("Job", (peewee.Model,), {"Meta": meta, **columns})
        self._job: Any = None

    def insert(self, **columns: Any) -> int:
        return int(self._model.create(**columns).id)

    def load(self, id: int) -> None:
        self._job = self._model.get_by_id(id)

    def save(self, changes: Row) -> None:
        for name, value in changes.items():
            setattr(self._job, name, value)
        self._job.save()


class SqlAlchemyClient:
    """`Session.merge()` of an object from another session writes every column that differs from the row."""

    def __init__(self, url: str) -> None:
        class Base(DeclarativeBase):
            metadata = sqlalchemy.MetaData()

        self._engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        table = sqlalchemy.Table("jobs", Base.metadata, autoload_with=self._engine)
        self._model: Any = type("Job", (Base,), {"__table__": table})
        self._job: Any = None

    def insert(self, **columns: Any) -> int:
        with Session(self._engine) as session, session.begin():
            job = self._model(**columns)
            session.add(job)
            session.flush()
            return int(job.id)

    def load(self, id: int) -> None:
        with Session(self._engine) as session:
            self._job = session.get_one(self._model, id)
            session.expunge(self._job)

    def save(self, changes: Row) -> None:
        for name, value in changes.items():
            setattr(self._job, name, value)
        with Session(self._engine) as session, session.begin():
            session.merge(self._job)


class TortoiseClient:
    """`Model.save()` writes every column."""

    def __init__(self, url: str) -> None:
        from tortoise import Tortoise, fields
        from tortoise.models import Model

        kinds: dict[str, Any] = {
            "BigInteger": fields.BigIntField,
            "Integer": fields.IntField,
            "SmallInteger": fields.SmallIntField,
            "Text": fields.TextField,
            "DateTime": fields.DatetimeField,
            "UUID": fields.UUIDField,
            "JSONB": fields.JSONField,
            "Boolean": fields.BooleanField,
        }
        columns: Row = {"id": fields.BigIntField(primary_key=True)}
        for name, (kind, optional, default) in field_kinds().items():
            if name != "id":
                value = plain(kind, default)
                given: Row = {"auto_now_add": True} if default == "now()" else {}
                given |= {} if value is None else {"default": value}
                columns[name] = kinds[kind](null=optional, source_field=name, **given)
        meta = type("Meta", (), {"table": "jobs"})
        self._model: Any = type("Job", (Model,), {"__module__": __name__, "Meta": meta, **columns})
        sys.modules[__name__].Job = self._model  # type: ignore[attr-defined]
        self._job: Any = None
        self._runner = asyncio.Runner()  # one context for all calls: Tortoise keeps its connections there
        address = url.replace("postgresql://", "asyncpg://")
        self._do(lambda: Tortoise.init(db_url=address, modules={"models": [__name__]}, use_tz=True))

    def _do(self, call: Callable[[], Any]) -> Any:
        async def waited() -> Any:
            return await call()

        return self._runner.run(waited())

    def insert(self, **columns: Any) -> int:
        return int(self._do(lambda: self._model.create(**columns)).id)

    def load(self, id: int) -> None:
        self._job = self._do(lambda: self._model.get(id=id))

    def save(self, changes: Row) -> None:
        for name, value in changes.items():
            setattr(self._job, name, value)
        self._do(self._job.save)


CLIENTS: dict[str, Callable[[str], Client]] = {
    "django": DjangoClient,
    "peewee": PeeweeClient,
    "sqlalchemy": SqlAlchemyClient,
    "tortoise": TortoiseClient,
}


def main(name: str, url: str) -> None:
    client = CLIENTS[name](url)
    for line in sys.stdin:
        order = json.loads(line)
        answer: Any = None
        if order["do"] == "insert":
            answer = client.insert(type="test", payload={"n": 1}, status="queued")
        elif order["do"] == "load":
            client.load(order["id"])
        else:
            client.save(order["changes"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
