"""The family `costs`: what cloud accounts cost by day and service, and which days stand out."""

from __future__ import annotations

from rowcrew.bundled.costs.settings import CostSettings
from rowcrew.family import Extra, Family, Grant, SchedulePreset

family = Family(
    name="costs",
    package=__name__,
    crew="rowcrew.bundled.costs.handler:crew",
    tables=("cloudAccounts", "costs", "costAnomalies"),
    grants=(
        # UPDATE notes how the last collection went, and its lock keeps two collections of one account apart.
        Grant("cloudAccounts", "worker", ("SELECT", "UPDATE")),
        Grant("costs", "worker", ("SELECT", "INSERT", "UPDATE", "DELETE")),
        Grant("costAnomalies", "worker", ("SELECT", "INSERT", "UPDATE")),
        Grant("costs", "reader", ("SELECT",)),
        Grant("costAnomalies", "reader", ("SELECT",)),
    ),
    settings=CostSettings,
    extras=(Extra("cryptography", "rowcrew[costs]", ("cost_collection",)),),
    migrations="migrations",
    metadata="rowcrew.bundled.costs.tables:metadata",
    uses=("documents",),
    doctor="rowcrew.bundled.costs.doctor:unopened",
    schedules=(
        # Where nobody serves the type, no jobs pile up night by night.
        SchedulePreset(
            name="cost_collection",
            type="cost_collection",
            cron="0 2 * * *",
            timezone="America/New_York",
            payload={"tick": "{tick}"},
            overlap="skip",
        ),
    ),
)
