"""`rowcrew prune`: what every worker does once a minute, done once and now."""

from __future__ import annotations

from rowcrew.cli.asking import ask
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import print_document
from rowcrew.control.chores.prune import Prune
from rowcrew.log import Log
from rowcrew.model.counting import counted
from rowcrew.table.link import Link


def prune(*, json: AsJson = False) -> None:
    """Delete ended jobs whose retention has passed, now.

    Completed jobs are kept for COMPLETED_JOB_TTL (7 days), failed and cancelled
    ones for FAILED_JOB_TTL (30 days); a row of the table queues may say
    otherwise. Stored files have a job of their own: rowcrew enqueue prune_files.
    """
    settings = read_settings()

    async def once(link: Link) -> int:
        return await Prune(link=link, settings=settings, log=Log("text")).everything()

    deleted = ask(settings, once, link_to=lambda address: Link(address, purpose="prune"))
    if json:
        print_document({"deleted": deleted})
    else:
        print(f"Deleted {counted(deleted, 'job')}.")
