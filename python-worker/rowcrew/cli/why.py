"""`rowcrew why ID`: why a job waits, or what became of it, and what to do next."""

from __future__ import annotations

from rowcrew.admin import jobs
from rowcrew.cli.asking import NO_SUCH_JOB, ask
from rowcrew.cli.options import AsJson, job_id, read_settings
from rowcrew.cli.output import one_line, print_document
from rowcrew.cli.wording import worded
from rowcrew.model.errors import RowcrewError


def why(id: str, /, *, json: AsJson = False) -> None:
    """Tell why a job waits, or what became of it, and what to do next.

    Parameters
    ----------
    id
        Id of the job.
    """
    wanted = job_id(id)
    explained = ask(read_settings(), lambda link: jobs.why(link, wanted))
    if explained is None:
        raise RowcrewError(NO_SUCH_JOB.format(wanted))
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
        print(f"- {one_line(reason.what)}")
        print(f"  → {one_line(worded(reason.remedies))}")
