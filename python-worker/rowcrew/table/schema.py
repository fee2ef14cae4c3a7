"""The tables as SQLAlchemy declares them, for queries from Python and for `alembic check`.

The migrations are what makes a database; triggers, functions and views stand only there. A test compares the tables
made from this file with those that the migrations make: columns, defaults, constraints, indexes, storage.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL, UUID

metadata = MetaData()

