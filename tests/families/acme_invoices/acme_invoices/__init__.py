"""The family of a user: invoices, laid out as the families that ship with Rowcrew are."""

from __future__ import annotations

from acme_invoices.settings import InvoiceSettings
from rowcrew.family import Extra, Family, Grant, QueuePreset, SchedulePreset

family = Family(
    name="acme_invoices",
    package=__name__,
    crew="acme_invoices.handler:crew",
    tables=("Invoices",),
    grants=(
        Grant("Invoices", "worker", ("SELECT", "INSERT")),
        Grant("Invoices", "reader", ("SELECT",)),
    ),
    queues=(QueuePreset(queue="invoices", label="INVOICES", max_concurrent=2, cooldown_seconds=10),),
    settings=InvoiceSettings,
    extras=(Extra("acme_stamps", "acme-invoices[stamps]", ("send_invoice",)),),
    migrations="migrations",
    metadata="acme_invoices.tables:metadata",
    schedules=(
        SchedulePreset(
            name="dunning",
            type="send_invoice",
            cron="0 2 * * *",
            timezone="America/New_York",
            payload={"customer": "Duck"},
        ),
    ),
)
