"""The tables of announcements as SQLAlchemy has them: for queries from Python, and for `alembic check`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _now(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"))


def _corp_id() -> Column[str]:
    return Column("corpId", Text, ForeignKey("announcements.corpId", ondelete="CASCADE"), nullable=False)


announcements = Table(
    "announcements",
    metadata,
    _id(),
    Column("corpId", Text, nullable=False),
    Column("exchange", Text, nullable=False),
    Column("companyName", Text, nullable=False),
    Column("securityId", Text, nullable=False),
    Column("isin", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("headline", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("sentiment", Text, nullable=False),
    Column("announcedAt", DateTime(timezone=True)),
    Column("pdfSha256", Text),
    Column("processed", JSONB, nullable=False),
    _now("createdAt"),
    _now("updatedAt"),
    UniqueConstraint("corpId", name="announcements_once"),
    CheckConstraint("exchange IN ('BSE', 'NSE')", name="announcements_exchange_known"),
    CheckConstraint("sentiment IN ('positive', 'neutral', 'negative')", name="announcements_sentiment_known"),
    Index("announcements_of", "securityId", text('"announcedAt" DESC')),
)

announcement_figures = Table(
    "announcementFigures",
    metadata,
    _id(),
    _corp_id(),
    Column("position", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("amount", Numeric),
    Column("currency", Text),
    Column("quote", Text, nullable=False),
    UniqueConstraint("corpId", "position", name="announcementFigures_once"),
)

investors = Table(
    "investors",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    _now("createdAt"),
    CheckConstraint("kind IN ('individual', 'company')", name="investors_kind_known"),
)

investor_aliases = Table(
    "investorAliases",
    metadata,
    Column("kind", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("investorId", BigInteger, ForeignKey("investors.id", ondelete="CASCADE"), nullable=False),
    Column("trigrams", ARRAY(Text)),
    _now("createdAt"),
    PrimaryKeyConstraint("kind", "alias", name="investorAliases_pkey"),
    CheckConstraint("kind IN ('individual', 'company')", name="investorAliases_kind_known"),
    Index("investorAliases_like", "trigrams", postgresql_using="gin"),
)

announcement_investors = Table(
    "announcementInvestors",
    metadata,
    _id(),
    _corp_id(),
    Column("position", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("action", Text),
    Column("shares", BigInteger),
    Column("percent", Numeric),
    Column("investorId", BigInteger, ForeignKey("investors.id", ondelete="SET NULL")),
    UniqueConstraint("corpId", "position", name="announcementInvestors_once"),
    CheckConstraint("kind IN ('individual', 'company')", name="announcementInvestors_kind_known"),
)

investor_deals = Table(
    "investorDeals",
    metadata,
    _corp_id(),
    Column("investorId", BigInteger, ForeignKey("investors.id", ondelete="CASCADE"), nullable=False),
    Column("company", Text, nullable=False),
    Column("action", Text),
    Column("shares", BigInteger),
    Column("percent", Numeric),
    Column("announcedAt", DateTime(timezone=True), nullable=False),
    _now("createdAt"),
    PrimaryKeyConstraint("corpId", "investorId", name="investorDeals_pkey"),
    Index("investorDeals_of", "investorId", "company", "announcedAt"),
)

watchlists = Table(
    "watchlists",
    metadata,
    _id(),
    Column("owner", Text, nullable=False),
    Column("securityId", Text),
    Column("category", Text),
    Column("investorId", BigInteger, ForeignKey("investors.id", ondelete="CASCADE")),
    _now("createdAt"),
    CheckConstraint('num_nonnulls("securityId", category, "investorId") > 0', name="watchlists_something"),
)

notifications = Table(
    "notifications",
    metadata,
    _id(),
    Column("watchlistId", BigInteger, ForeignKey("watchlists.id", ondelete="CASCADE"), nullable=False),
    _corp_id(),
    Column("owner", Text, nullable=False),
    Column("message", Text, nullable=False),
    _now("createdAt"),
    Column("readAt", DateTime(timezone=True)),
    UniqueConstraint("watchlistId", "corpId", name="notifications_once"),
)
