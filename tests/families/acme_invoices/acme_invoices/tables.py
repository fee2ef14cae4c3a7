"""The table of invoices as SQLAlchemy declares it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, Table, Text

metadata = MetaData()

invoices = Table(
    "Invoices",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("sender", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("dueAt", DateTime(timezone=True), nullable=False),
)
