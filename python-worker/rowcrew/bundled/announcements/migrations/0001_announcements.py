"""Announcements with their figures and investors, who these investors are, and who wants to hear of them."""

from __future__ import annotations

from alembic import op

revision = "announcements_0001"
down_revision = None
branch_labels = ("announcements",)
depends_on = None

ANNOUNCEMENTS = """
    CREATE TABLE announcements (
        id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "corpId"      text NOT NULL,
        exchange      text NOT NULL,
        "companyName" text NOT NULL,
        "securityId"  text NOT NULL,
        isin          text NOT NULL,
        subject       text NOT NULL,
        category      text NOT NULL,
        headline      text NOT NULL,
        summary       text NOT NULL,
        sentiment     text NOT NULL,
        "announcedAt" timestamptz,
        "pdfSha256"   text,
        processed     jsonb NOT NULL,
        "createdAt"   timestamptz NOT NULL DEFAULT now(),
        "updatedAt"   timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT "announcements_once" UNIQUE ("corpId"),
        CONSTRAINT "announcements_exchange_known" CHECK (exchange IN ('BSE', 'NSE')),
        CONSTRAINT "announcements_sentiment_known" CHECK (sentiment IN ('positive', 'neutral', 'negative'))
    )
"""
# For whoever lists a company's announcements, latest first.
ANNOUNCEMENTS_OF = """
    CREATE INDEX "announcements_of" ON announcements ("securityId", "announcedAt" DESC)
"""
FIGURES = """
    CREATE TABLE "announcementFigures" (
        id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "corpId"   text NOT NULL REFERENCES announcements ("corpId") ON DELETE CASCADE,
        position   integer NOT NULL,
        kind       text NOT NULL,
        label      text NOT NULL,
        value      text NOT NULL,
        amount     numeric,
        currency   text,
        quote      text NOT NULL,
        CONSTRAINT "announcementFigures_once" UNIQUE ("corpId", position)
    )
"""
INVESTORS = """
    CREATE TABLE investors (
        id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind        text NOT NULL,
        name        text NOT NULL,
        "createdAt" timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT "investors_kind_known" CHECK (kind IN ('individual', 'company'))
    )
"""
ALIASES = """
    CREATE TABLE "investorAliases" (
        kind         text NOT NULL,
        alias        text NOT NULL,
        "investorId" bigint NOT NULL REFERENCES investors ON DELETE CASCADE,
        trigrams     text[],
        "createdAt"  timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT "investorAliases_pkey" PRIMARY KEY (kind, alias),
        CONSTRAINT "investorAliases_kind_known" CHECK (kind IN ('individual', 'company'))
    )
"""
ALIASES_LIKE = """
    CREATE INDEX "investorAliases_like" ON "investorAliases" USING gin (trigrams)
"""
ANNOUNCEMENT_INVESTORS = """
    CREATE TABLE "announcementInvestors" (
        id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "corpId"     text NOT NULL REFERENCES announcements ("corpId") ON DELETE CASCADE,
        position     integer NOT NULL,
        kind         text NOT NULL,
        name         text NOT NULL,
        action       text,
        shares       bigint,
        percent      numeric,
        "investorId" bigint REFERENCES investors ON DELETE SET NULL,
        CONSTRAINT "announcementInvestors_once" UNIQUE ("corpId", position),
        CONSTRAINT "announcementInvestors_kind_known" CHECK (kind IN ('individual', 'company'))
    )
"""
DEALS = """
    CREATE TABLE "investorDeals" (
        "corpId"      text NOT NULL REFERENCES announcements ("corpId") ON DELETE CASCADE,
        "investorId"  bigint NOT NULL REFERENCES investors ON DELETE CASCADE,
        company       text NOT NULL,
        action        text,
        shares        bigint,
        percent       numeric,
        "announcedAt" timestamptz NOT NULL,
        "createdAt"   timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT "investorDeals_pkey" PRIMARY KEY ("corpId", "investorId")
    )
"""
DEALS_OF = """
    CREATE INDEX "investorDeals_of" ON "investorDeals" ("investorId", company, "announcedAt")
"""
WATCHLISTS = """
    CREATE TABLE watchlists (
        id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        owner        text NOT NULL,
        "securityId" text,
        category     text,
        "investorId" bigint REFERENCES investors ON DELETE CASCADE,
        "createdAt"  timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT "watchlists_something"
            CHECK (num_nonnulls("securityId", category, "investorId") > 0)
    )
"""
NOTIFICATIONS = """
    CREATE TABLE notifications (
        id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "watchlistId" bigint NOT NULL REFERENCES watchlists ON DELETE CASCADE,
        "corpId"      text NOT NULL REFERENCES announcements ("corpId") ON DELETE CASCADE,
        owner         text NOT NULL,
        message       text NOT NULL,
        "createdAt"   timestamptz NOT NULL DEFAULT now(),
        "readAt"      timestamptz,
        CONSTRAINT "notifications_once" UNIQUE ("watchlistId", "corpId")
    )
"""


def upgrade() -> None:
    op.execute(ANNOUNCEMENTS)
    op.execute(ANNOUNCEMENTS_OF)
    op.execute(FIGURES)
    op.execute(INVESTORS)
    op.execute(ALIASES)
    op.execute(ALIASES_LIKE)
    op.execute(ANNOUNCEMENT_INVESTORS)
    op.execute(DEALS)
    op.execute(DEALS_OF)
    op.execute(WATCHLISTS)
    op.execute(NOTIFICATIONS)


def downgrade() -> None:
    op.execute("DROP TABLE notifications")
    op.execute("DROP TABLE watchlists")
    op.execute('DROP TABLE "investorDeals"')
    op.execute('DROP TABLE "announcementInvestors"')
    op.execute('DROP TABLE "investorAliases"')
    op.execute("DROP TABLE investors")
    op.execute('DROP TABLE "announcementFigures"')
    op.execute("DROP TABLE announcements")
