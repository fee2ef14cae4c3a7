"""Changes to many jobs from a terminal: by their ids, or by a filter whose matches are counted first.

In: ids or a filter. Out: an answer for each id, or how many jobs changed. Called by `rowcrew jobs`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from rowcrew.admin import jobs as admin
from rowcrew.admin.tree import change_tree
from rowcrew.cli import FAILURE, SUCCESS, UsageError
from rowcrew.cli.asking import ask, ask_of_job
from rowcrew.cli.options import AsJson, Queues, job_id, read_settings
from rowcrew.cli.output import print_document, print_documents
from rowcrew.model.status import ENDED, Status
from rowcrew.model.terminal_text import one_line
from rowcrew.table.link import Link
from rowcrew.table.rows import JobCount

Ids = Annotated[str, Parameter(name="ID", help="Ids of jobs.")]

_DONE: Final = {"cancel": "cancelled", "requeue": "queued again", "delete": "deleted"}


@Parameter(name="*")
@dataclass(frozen=True)
class Wanted:
    """A filter as it is typed, and how to go about it; None = not given."""

    status: Annotated[list[Status] | None, Parameter(help="All of this status; repeatable.")] = None
    type: Annotated[list[str] | None, Parameter(help="All of this type; repeatable.")] = None
    queue: Queues = None
    tree: Annotated[
        bool, Parameter(negative="", help="Each with all that came of it: children, waiters.")
    ] = False
    yes: Annotated[bool, Parameter(help="Do not ask: change all that match.")] = False
    json: AsJson = False

    @property
    def is_filter(self) -> bool:
        return bool(self.status or self.type or self.queue)


NO_OPTIONS: Final = Wanted()


def change_jobs(change: admin.Change, ids: tuple[str, ...], wanted: Wanted) -> int:
    """Change the jobs named by their ids, or those that the filter matches; the exit code.

    Raises:
        UsageError: neither or both are given, or nobody can be asked.
    """
    if ids and wanted.is_filter:
        raise UsageError(f"name the jobs to {change} by their ids or by a filter, not by both")
    if wanted.is_filter:
        return _change_matching(change, wanted)
    if not ids:
        raise UsageError(f"name the jobs to {change} by their ids, or by --status, --type or --queue")
    numbers = [job_id(text) for text in ids]
    return tell(change, ask(read_settings(), lambda link: admin.change_jobs(link, change, numbers)), wanted)


def change_trees(
    change: Literal["cancel", "requeue"], ids: tuple[str, ...], wanted: Wanted, *, failed: bool = False
) -> int:
    """Change jobs and all that came of them; the exit code.

    Raises:
        UsageError: there is a filter, or no id.
    """
    if wanted.is_filter or not ids:
        raise UsageError("--tree takes ids, and no filter: each names a tree")
    statuses: tuple[Status, ...] | None = ("failed",) if failed else None
    numbers = [job_id(text) for text in ids]

    async def change_all(link: Link) -> list[admin.Answer]:
        trees = [await change_tree(link, change, await _known(link, id), statuses=statuses) for id in numbers]
        return [answer for answers in trees for answer in answers]

    answers = ask(read_settings(), change_all)
    if not answers:
        print(f"There is nothing to {change}.", file=sys.stderr)
    return tell(change, answers, wanted)


async def _known(link: Link, id: int) -> int:
    shown = await ask_of_job(link, id, admin.show_job)
    return shown.job.id


def tell(change: admin.Change, answers: list[admin.Answer], wanted: Wanted) -> int:
    """An answer for each job; the exit code."""
    if wanted.json:
        print_documents(answers)
    else:
        for answer in answers:
            print(f"Job {answer.id}: {_worded(change, answer)}")
    return SUCCESS if all(answer.changed for answer in answers) else FAILURE


def _filter(change: admin.Change, wanted: Wanted) -> admin.Filter:
    able = admin.CHANGEABLE[change]
    usual: tuple[Status, ...] = ("failed",) if change == "requeue" else able
    statuses = tuple(wanted.status or usual)
    if wrong := [status for status in statuses if status not in able]:
        raise UsageError(f"--status {wrong[0]}: {change} takes jobs that are {', '.join(able)}")
    types, queues = wanted.type, wanted.queue
    return admin.Filter(statuses, tuple(types) if types else None, tuple(queues) if queues else None)


def _change_matching(change: admin.Change, wanted: Wanted) -> int:
    matching, settings = _filter(change, wanted), read_settings()
    counts = ask(settings, lambda link: admin.count_jobs(link, matching))
    matched = sum(count.jobs for count in counts)
    changed = 0
    if counts:
        _tell(counts, f"{matched} {'job matches' if matched == 1 else 'jobs match'}")
        if not (wanted.yes or _agreed(change, matched)):
            print("Nothing was changed.", file=sys.stderr)
            return FAILURE
        at = counts[0].at
        changed = ask(settings, lambda link: admin.change_matching(link, change, matching, at))
    if wanted.json:
        print_document({"matched": matched, "changed": changed})
    elif counts:
        print(f"{changed} of {matched} {_DONE[change]}{_left(change, matched - changed)}")
    else:
        print("No job matches.")
    return SUCCESS if changed == matched else FAILURE


def _tell(counts: list[JobCount], sum_of_all: str) -> None:
    """What will change, before it does: on standard error, so that the answer stays alone."""
    print(f"{sum_of_all}:", file=sys.stderr)
    for count in counts:
        print(one_line(f"{count.jobs} {count.status} of type {count.type}"), file=sys.stderr)


def _agreed(change: admin.Change, matched: int) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(f"nobody is here to be asked; to {change} them add --yes")
    print(f"{change.capitalize()} {matched}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _left(change: admin.Change, left: int) -> str:
    if not left:
        return ""
    others = " or have the unique key of a live job" if change == "requeue" else ""
    return f"; {left} have changed meanwhile{others}"


def _worded(change: admin.Change, answer: admin.Answer) -> str:
    if answer.changed:
        return _DONE[change]
    if answer.status is None:
        return "there is no such job"
    if change == "requeue" and answer.status in ENDED and answer.live_id is not None:
        return f"left {answer.status}, because job {answer.live_id} with the same unique key is live"
    if change != "cancel" and (answer.status == "processing" or change == "delete"):
        return f"left as it is, because it is {answer.status}; cancel it first"
    return f"left as it is, because it is {answer.status} already"
