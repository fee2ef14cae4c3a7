"""What the page of SQLAlchemy warns of; a line `name=value` each."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(sys.argv[-1].replace("postgresql://", "postgresql+psycopg://"))
models: Any = importlib.import_module("models")
include_name: Any = importlib.import_module("alembic_filter").include_name


class Plain(DeclarativeBase):
    """Models without what the page advises."""


class PlainJob(Plain):
    """A job whose result may be JSON's null."""

    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    result: Mapped[Any | None] = mapped_column(JSONB)


def tell(name: str, value: object) -> None:
    sys.stdout.write(f"{name}={value}\n")


def result_of(job: Any) -> object:
    with Session(engine) as session, session.begin():
        session.add(job)
        session.flush()
        return session.execute(
            text("SELECT result::text FROM jobs WHERE id = :id"), {"id": job.id}
        ).scalar_one()


def dropped(**options: Any) -> str:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        upgrade = produce_migrations(context, models.Person.metadata).upgrade_ops
        assert upgrade is not None
        drops = [op for op in upgrade.as_diffs() if isinstance(op, tuple) and op[0].startswith("remove_")]
        return " ".join(drop[1].name for drop in drops if drop[0] == "remove_table")


tell("without", result_of(PlainJob(type="nobody_serves_this", result=None)))
tell("with", result_of(models.Job(type="nobody_serves_this", payload={}, result=None)))

with Session(engine) as session:
    job = models.Job(type="nobody_serves_this", payload={})
    session.add(job)
    session.commit()
    assert job.status == "queued"
    with Session(engine) as another, another.begin():
        another.execute(text("UPDATE jobs SET status = 'cancelled' WHERE id = :id"), {"id": job.id})
    tell("stays", session.get_one(models.Job, job.id).status)
    session.refresh(job)
    tell("refreshed", job.status)

models.Base.metadata.remove(models.Job.__table__)
tell("dropped", dropped())
tell("kept", dropped(include_name=include_name))
