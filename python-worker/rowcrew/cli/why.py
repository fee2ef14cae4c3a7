"""`rowcrew why ID`: why a job waits, or what became of it, and what to do next."""

from __future__ import annotations

from rowcrew.cli.options import AsJson, job_id, read_settings
from rowcrew.cli.output import one_line, print_document
from rowcrew.model.errors import RowcrewError
from rowcrew.table import console


def why(id: str, /, *, json: AsJson = False) -> None:
    """Tell why a job waits, or what became of it, and what to do next.

    Parameters
    ----------
    id
        Id of the job.
    """
    wanted = job_id(id)
    with console.connected(read_settings()) as connection:
        answer = console.why(connection, wanted)
    if answer is None:
        raise RowcrewError(f"there is no job {wanted}; ended jobs are deleted after some time")
    job, reasons = answer
    if json:
        print_document(
            {
                "id": job.id,
                "type": job.type,
                "queue": job.queue,
                "status": job.status,
                "reasons": [reason._asdict() for reason in reasons],
            }
        )
        return
    print(one_line(f"Job {job.id} (type {job.type}, queue {job.queue}): {job.status}"))
    for reason in reasons:
        print(f"- {one_line(reason.what)}")
        print(f"  → {one_line(reason.remedy)}")
