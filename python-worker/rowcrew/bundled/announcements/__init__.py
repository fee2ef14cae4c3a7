"""The family `announcements`: what companies tell an exchange, read, kept and told to those who watch."""

from __future__ import annotations

from rowcrew.bundled.announcements.settings import AnnouncementSettings
from rowcrew.family import Extra, Family, Feed, Grant, QueuePreset

family = Family(
    name="announcements",
    package=__name__,
    crew="rowcrew.bundled.announcements.handlers:crew",
    tables=(
        "announcements",
        "announcementFigures",
        "announcementInvestors",
        "investors",
        "investorAliases",
        "investorDeals",
        "watchlists",
        "notifications",
    ),
    grants=(
        Grant("announcements", "worker", ("SELECT", "INSERT", "UPDATE")),
        Grant("announcementFigures", "worker", ("SELECT", "INSERT", "UPDATE", "DELETE")),
        Grant("announcementInvestors", "worker", ("SELECT", "INSERT", "UPDATE", "DELETE")),
        Grant("investors", "worker", ("SELECT", "INSERT")),
        Grant("investorAliases", "worker", ("SELECT", "INSERT")),
        Grant("investorDeals", "worker", ("SELECT", "INSERT")),
        Grant("watchlists", "worker", ("SELECT",)),
        Grant("notifications", "worker", ("SELECT", "INSERT")),
        Grant("announcements", "reader", ("SELECT",)),
        Grant("announcementFigures", "reader", ("SELECT",)),
        Grant("announcementInvestors", "reader", ("SELECT",)),
        Grant("investors", "reader", ("SELECT",)),
        Grant("investorAliases", "reader", ("SELECT",)),
        Grant("investorDeals", "reader", ("SELECT",)),
    ),
    queues=(
        QueuePreset(
            queue="ai_processing",
            label="AI",
            max_concurrent=3,
            max_runtime_seconds=300,
            cooldown_seconds=10,
            max_jobs_per_session=10,
            idle_timeout_seconds=30,
        ),
        QueuePreset(
            queue="supabase_upload",
            label="UPLOAD",
            max_concurrent=2,
            max_runtime_seconds=180,
            cooldown_seconds=5,
            max_jobs_per_session=15,
            idle_timeout_seconds=25,
        ),
        QueuePreset(
            queue="investor_processing",
            label="INVESTOR",
            max_concurrent=1,
            max_runtime_seconds=240,
            cooldown_seconds=15,
            max_jobs_per_session=8,
            idle_timeout_seconds=20,
        ),
    ),
    settings=AnnouncementSettings,
    extras=(Extra("pypdf", "rowcrew[announcements]", ("ai_processing",)),),
    migrations="migrations",
    metadata="rowcrew.bundled.announcements.tables:metadata",
    uses=("documents", "files"),
    feeds=(Feed("ai_processing", "rowcrew.bundled.announcements.feed:jobs_of"),),
)
