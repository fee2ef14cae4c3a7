"""`rowcrew prune`: what every worker does once a minute, done once and now."""

from __future__ import annotations

from rowcrew.cli.asking import ask
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import print_document
from rowcrew.control.chores.prune import Prune
from rowcrew.control.chores.results import EmptyResults
from rowcrew.log import Log
from rowcrew.model.counting import counted
from rowcrew.table.link import Link


def prune(*, json: AsJson = False) -> None:
    """Delete ended jobs whose retention has passed, now.

    Completed jobs are kept for COMPLETED_JOB_TTL (7 days), failed and cancelled
    ones for FAILED_JOB_TTL (30 days); a row of the table queues may say
    otherwise. Results that were kept for JOB_RESULT_TTL, or as their type or queue
    says, are emptied; their rows stay. Stored files have a job of their own:
    rowcrew enqueue prune_files.
    """
    settings, log = read_settings(), Log("text")

    async def once(link: Link) -> tuple[int, int]:
        deleted = await Prune(link=link, settings=settings, log=log).everything()
        results = EmptyResults(link=link, keep_seconds=settings.keep_result_seconds, log=log)
        return deleted, await results.everything()

    deleted, emptied = ask(settings, once, link_to=lambda address: Link(address, purpose="prune"))
    if json:
        print_document({"deleted": deleted, "emptiedResults": emptied})
        return
    print(f"Deleted {counted(deleted, 'job')}.")
    if emptied:
        print(f"Emptied {counted(emptied, 'result')}.")
