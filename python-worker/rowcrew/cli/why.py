"""`rowcrew why ID`: why a job waits, or what became of it, and what to do next."""

from __future__ import annotations

from rowcrew.admin import jobs
from rowcrew.cli.asking import ask, ask_of_job
from rowcrew.cli.options import AsJson, job_id, read_settings
from rowcrew.cli.output import print_document
from rowcrew.cli.tables import wrapped
from rowcrew.cli.wording import worded
from rowcrew.model.terminal_text import one_line


def why(id: str, /, *, json: AsJson = False) -> None:
    """Tell why a job waits, or what became of it, and what to do next.

    Parameters
    ----------
    id
        Id of the job.
    """
    wanted = job_id(id)
    explained = ask(read_settings(), lambda link: ask_of_job(link, wanted, jobs.why))
    job, reasons = explained.job, explained.reasons
    if json:
        told = [
            {"code": reason.code, "what": reason.what, "remedy": worded(reason.remedies)}
            for reason in reasons
        ]
        print_document(
            {"id": job.id, "type": job.type, "queue": job.queue, "status": job.status, "reasons": told}
        )
        return
    print(one_line(f"Job {job.id} (type {job.type}, queue {job.queue}): {job.status}"))
    for reason in reasons:
        what = wrapped(one_line(reason.what), indent="  ", mark="- ")
        print(*what, *wrapped(one_line(worded(reason.remedies)), indent="    ", mark="  → "), sep="\n")
