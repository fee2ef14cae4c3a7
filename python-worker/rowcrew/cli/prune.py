"""`rowcrew prune`: what every worker does once a minute, done once and now."""

from __future__ import annotations

import asyncio

import psycopg

from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import print_document
from rowcrew.control.prune import Prune
from rowcrew.log import Log
from rowcrew.settings import Settings
from rowcrew.table.console import explained
from rowcrew.table.link import Link


def prune(*, json: AsJson = False) -> None:
    """Delete ended jobs past their time, now.

    Completed jobs are kept for COMPLETED_JOB_TTL (7 days), failed and cancelled
    ones for FAILED_JOB_TTL (30 days); a row of the table queues may say
    otherwise. Stored files have a job of their own: rowcrew enqueue prune_files.
    """
    settings = read_settings()
    address = settings.require_database_url()
    try:
        deleted = asyncio.run(_prune(settings, address))
    except psycopg.Error as error:
        raise explained(error, address) from error
    if json:
        print_document({"deleted": deleted})
    else:
        print(f"Deleted {deleted} jobs.")


async def _prune(settings: Settings, address: str) -> int:
    link = Link(address, purpose="prune")
    try:
        return await Prune(link=link, settings=settings, log=Log("text"), queue_limits=lambda _: None).once()
    finally:
        await link.close()
