"""`rowcrew worker`: options become settings, then the worker takes over."""

from __future__ import annotations

import signal
import sys
from typing import Literal

import msgspec

from rowcrew.cli.clashes import clashes
from rowcrew.cli.options import Queues, read_settings, refuse_beside_several
from rowcrew.model.errors import SettingsError
from rowcrew.settings import Settings, import_places


def worker(
    *crew: str,
    queue: Queues = None,
    concurrency: str | None = None,
    runners: str | None = None,
    batch_size: str | None = None,
    poll_interval: str | None = None,
    job_timeout: str | None = None,
    shutdown_grace: str | None = None,
    max_memory: str | None = None,
    ephemeral: bool = False,
    max_jobs: str | None = None,
    idle_timeout: str | None = None,
    max_runtime: str | None = None,
    name: str | None = None,
    log_format: Literal["text", "json"] | None = None,
) -> int:
    """Run a worker until SIGTERM or SIGINT, or an ephemeral one until its work is done.

    An option stands for an environment variable, and wins over it.
    Exit codes: 0 stopped by a signal or left by itself, 1 failed to start
    or crashed, 2 a setting is wrong.

    Parameters
    ----------
    crew
        Handlers to run, each as module:crew; default: all families and ROWCREW_MODULES.
    concurrency
        Jobs run at once, or auto (WORKER_CONCURRENCY).
    runners
        Shared runner processes; more of them use more cores (WORKER_RUNNERS).
    batch_size
        Most rows reserved by one statement (JOB_BATCH_SIZE).
    poll_interval
        Seconds between two looks (POLL_INTERVAL).
    job_timeout
        Limit of a run when neither job nor type has one, such as 10m (JOB_TIMEOUT).
    shutdown_grace
        Seconds that running jobs get after SIGTERM (SHUTDOWN_GRACE).
    max_memory
        A runner above it is replaced, such as 512M (WORKER_MAX_MEMORY).
    ephemeral
        Leave when the work is done (WORKER_EPHEMERAL). The limits below
        go before those of the queues.
    max_jobs
        Leave after so many jobs (WORKER_MAX_JOBS).
    idle_timeout
        Leave after so many seconds without a job (WORKER_IDLE_TIMEOUT).
    max_runtime
        Leave after so many seconds, even from jobs (WORKER_MAX_RUNTIME).
    name
        Label of this worker (WORKER_ID).
    log_format
        For people or for aggregators (LOG_FORMAT).
    """
    from rowcrew.family import complaints

    settings = read_settings(
        {
            "--queue": ("queues", ",".join(queue) if queue else None),
            "--concurrency": ("concurrency", concurrency),
            "--runners": ("runners", runners),
            "--batch-size": ("batch_size", batch_size),
            "--poll-interval": ("poll_seconds", poll_interval),
            "--job-timeout": ("job_timeout_seconds", job_timeout),
            "--shutdown-grace": ("shutdown_grace_seconds", shutdown_grace),
            "--max-memory": ("max_memory_bytes", max_memory),
            "--ephemeral": ("ephemeral", "true" if ephemeral else None),
            "--max-jobs": ("max_jobs", max_jobs),
            "--idle-timeout": ("idle_timeout_seconds", idle_timeout),
            "--max-runtime": ("max_runtime_seconds", max_runtime),
            "--name": ("worker_name", name),
            "--log-format": ("log_format", log_format),
        },
        further=complaints(missing=not crew),
    )
    if concurrency is not None:  # an option wins over both names of the variable
        settings = msgspec.structs.replace(settings, max_concurrent_jobs=None)
    if settings.databases:
        return _of_each_database(settings)
    settings.require_database_url()
    _check_stay(settings)
    from rowcrew.control.main import run_worker  # before the look at what is loaded

    for clash in clashes(import_places()):
        print(f"rowcrew: {clash}", file=sys.stderr)
    return run_worker(crews(crew, settings), settings)


def _of_each_database(settings: Settings) -> int:
    """Their workers check everything else; what cannot be meant for several is refused here."""
    single = {
        "DATABASE_URL": settings.database_url,
        "DATABASE_DIRECT_URL": settings.database_direct_url,
        "HEALTH_PORT": settings.health_port,
        "ROWCREW_BOOT_ID": settings.boot_id,
    }
    refuse_beside_several(single)
    from rowcrew.cli.local import child_command
    from rowcrew.control.several import run_workers
    from rowcrew.log import Log

    command = child_command(["worker", *_options()], by=signal.SIGTERM)
    return run_workers(settings.databases, command, Log(settings.log_format))


def _options() -> list[str]:
    """The command line behind the command, which `worker.py` has in its name."""
    return sys.argv[2:] if sys.argv[1:2] == ["worker"] else sys.argv[1:]


def _check_stay(settings: Settings) -> None:
    """A limit that nothing heeds would be found out when the worker is still there in the morning."""
    limits = (settings.max_jobs, settings.idle_timeout_seconds, settings.max_runtime_seconds)
    if not settings.ephemeral and any(limit is not None for limit in limits):
        raise SettingsError(
            ["--max-jobs, --idle-timeout and --max-runtime end an ephemeral worker: add --ephemeral"]
        )


def crews(named: tuple[str, ...], settings: Settings) -> list[str]:
    """The crews to load: those named, else those of all families and of ROWCREW_MODULES."""
    from rowcrew import family

    return list(named) or family.crews(settings.modules)
