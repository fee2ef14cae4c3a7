"""The checklist of docs/deploy/render.md: ticked where a program can see, the rest left to a person.

In: what the doctor's checks have found, what the platform tells, and the files of the checkout. Out: one
`Check` a point, in the order of the page, with its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from rowcrew import settings
from rowcrew.admin.check import Check, Findings, check
from rowcrew.installed import PACKAGE
from rowcrew.model.duration import duration
from rowcrew.model.remedy import Remedy
from rowcrew.settings import Platform

POINTS: Final = (
    "The database exists, in the region of all services; its plan is not the free one that expires.",
    "The service is a Background Worker, on starter or larger.",
    "Its region is the database's.",
    "Root Directory, Build Command and Start Command stand as in the table above, or you use the Blueprint.",
    "DATABASE_URL is the internal address, and the backend's leads to the same database.",
    "PYTHON_VERSION is given in full, PYTHONUNBUFFERED is 1.",
    "WORKER_CONCURRENCY fits the plan: 4 on starter, 8 on standard, or auto.",
    "The migrations have run (preDeployCommand, or by hand).",
    "The sum of all connections, twice the workers', is below the database's limit.",
    "S3_BUCKET_NAME and the two keys are set, or files are to be kept in the database.",
    "maxShutdownDelaySeconds ≥ SHUTDOWN_GRACE + 5.",
    "The log shows the six lines; worker_status shows the worker as live.",
    "A job inserted by the backend has come to completed.",
    "Somebody hears of it when no worker is live, jobs wait too long or fail: what to watch.",
)
_RENDER_WAITS_SECONDS: Final = 30
_CONNECTIONS: Final = 4
_BLUEPRINT_KEYS: Final = (
    "type",
    "rootDir",
    "buildCommand",
    "startCommand",
    "maxShutdownDelaySeconds",
)
# Lock files of other tools, which platforms prefer to requirements.txt.
_OTHER_LOCKS: Final = ("poetry.lock", "uv.lock", "Pipfile.lock")
_NOT_FROM_HERE: Final = "not visible from here"


class Checkout(NamedTuple):
    """The files around the running code.

    Attributes:
        here: the directory that the doctor was started in.
        home: the directory with worker.py; None when rowcrew is installed as a package.
        blueprint: what render.yaml says of its worker; None without one.
        has_migrations: whether the directory above `home` is the whole repository.
        other_locks: lock files in the root directory that would make a platform build with another tool.
    """

    here: Path
    home: Path | None
    blueprint: dict[str, str] | None
    has_migrations: bool
    other_locks: tuple[str, ...]


def checkout(package: Path = PACKAGE) -> Checkout:
    """What is found around the package, and the directory that this process runs in."""
    home, here = package.parent, Path.cwd()
    if not (home / "worker.py").is_file():
        return Checkout(here, None, None, False, ())
    yaml = home.parent / "render.yaml"
    blueprint = blueprint_of(yaml.read_text(encoding="utf-8")) if yaml.is_file() else None
    root = home if blueprint is None else home.parent / blueprint.get("rootDir", ".")
    return Checkout(
        here=here,
        home=home,
        blueprint=blueprint,
        has_migrations=(home.parent / "migrations").is_dir(),
        other_locks=tuple(name for name in _OTHER_LOCKS if (root / name).exists()),
    )


def blueprint_of(text: str) -> dict[str, str]:
    """The fields of the first worker in a render.yaml, as they are written: those the checklist asks for."""
    services = re.split(r"^\s*- (?=type:)", text, flags=re.MULTILINE)
    worker = next((service for service in services if re.match(r"type:\s*worker\b", service)), "")
    found = {key: re.search(rf"^\s*{key}:\s*(.+?)\s*$", worker, re.MULTILINE) for key in _BLUEPRINT_KEYS}
    return {key: match[1].strip("\"'") for key, match in found.items() if match}


def points(findings: Findings, platform: Platform, files: Checkout) -> Iterator[Check]:
    """The checklist, point by point."""
    answers = (
        _database(findings),
        _service(platform, files),
        _region(findings, platform),
        _commands(files),
        _address(findings),
        _python(platform),
        _slots(findings, platform),
        _migrations(findings),
        _connections(findings),
        _files(findings),
        _shutdown(findings, platform, files),
        _live(findings),
        _completed(findings),
        check("", "look", "alerts are set up elsewhere"),
    )
    for number, (point, answer) in enumerate(zip(POINTS, answers, strict=True), start=1):
        yield answer._replace(name=f"{number}. {point.rstrip('.')}")


def _database(findings: Findings) -> Check:
    if findings.server is None:
        return check("", "failed", "it was not reached", "see the checks above")
    return check("", "look", f"{findings.server.database} answers; its plan and region are in the dashboard")


def _service(platform: Platform, files: Checkout) -> Check:
    if platform.service_type is not None:
        if platform.service_type == "worker":
            return check("", "ok", "this is a worker; its plan is in the dashboard")
        remedy = "make a Background Worker: others sleep, or are stopped for opening no port"
        return check("", "failed", f"this service is of type {platform.service_type}", remedy)
    if files.blueprint and "type" in files.blueprint:
        return check(
            "", "look", f"render.yaml says type: {files.blueprint['type']}; its plan is in the dashboard"
        )
    return check("", "look", _NOT_FROM_HERE)


def _region(findings: Findings, platform: Platform) -> Check:
    if platform.is_render and findings.server is not None and _is_internal(findings):
        return check("", "ok", "the internal address answers, which it does only within its region")
    return check("", "look", _NOT_FROM_HERE)


def _commands(files: Checkout) -> Check:
    if files.home is None:
        what = f"started in {files.here}; rowcrew is installed as a package, without worker.py"
        return check("", "look", what, "Build Command: pip install …; Start Command: rowcrew worker")
    found = f"started in {files.here}; worker.py in {files.home}"
    if files.other_locks:
        what = f"{found}; and {', '.join(files.other_locks)}, by which a platform would build"
        return check("", "failed", what, "remove it: pip builds from requirements.txt")
    if files.blueprint is None:
        root = "no render.yaml; " + (
            "the whole repository" if files.has_migrations else "python-worker alone"
        )
        remedy = "Root Directory python-worker, pip install -r requirements.txt, python worker.py"
        return check("", "look", f"{found}; {root}", remedy)
    return _of_blueprint(found, files.home.parent, files.blueprint)


def _of_blueprint(found: str, top: Path, blueprint: dict[str, str]) -> Check:
    root = blueprint.get("rootDir", ".")
    commands = [blueprint.get(key, "") for key in ("buildCommand", "startCommand")]
    what = f"{found}; render.yaml: root directory {root}, build {commands[0]!r}, start {commands[1]!r}"
    named = re.findall(r"[\w./-]*(?:requirements\.txt|worker\.py)", " ".join(commands))
    if lost := [name for name in named if not (top / root / name).is_file()]:
        return check("", "failed", what, f"there is no {', '.join(lost)} in the root directory")
    if not all(commands):
        return check("", "failed", what, "give both commands, as in the table of the page")
    return check("", "ok", what)


def _address(findings: Findings) -> Check:
    if findings.place is None:
        return check("", "failed", "there is no address that can be read", "see the checks above")
    if findings.producer is not None and findings.producer.result == "failed":
        return check("", "failed", findings.producer.what, *findings.producer.remedies)
    if not _is_internal(findings):
        what = f"{findings.place.host} is no internal address of Render"
        return check("", "look", what, "take the internal one for services in the database's region")
    if findings.producer is None:
        return check("", "look", "it is internal", Remedy("give-producer-address"))
    return check("", "ok", "it is internal, and the backend's reaches the same table")


def _is_internal(findings: Findings) -> bool:
    return findings.place is not None and bool(re.fullmatch(r"dpg-[\w-]+", findings.place.host))


def _python(platform: Platform) -> Check:
    if not platform.is_render:
        return check("", "look", _NOT_FROM_HERE)
    wrong = []
    if not re.fullmatch(r"3\.\d+\.\d+", platform.python_version or ""):
        wrong.append(f"PYTHON_VERSION is {platform.python_version or 'not set'}")
    if not platform.is_unbuffered:
        wrong.append("PYTHONUNBUFFERED is not set")
    if wrong:
        return check("", "failed", "; ".join(wrong), "PYTHON_VERSION=3.13.5, PYTHONUNBUFFERED=1")
    return check("", "ok", f"Python {platform.python_version}, unbuffered")


def _slots(findings: Findings, platform: Platform) -> Check:
    slots = findings.settings.slots
    if not platform.is_render:
        return check("", "look", f"{slots} slots; the plan is {_NOT_FROM_HERE}")
    fitting = settings.read({"WORKER_CONCURRENCY": "auto"}).slots
    what = f"{slots} slots, where auto would choose {fitting}"
    if slots > fitting:
        return check("", "warning", what, "WORKER_CONCURRENCY=auto, or a larger plan")
    return check("", "ok", what)


def _migrations(findings: Findings) -> Check:
    if findings.schema is None:
        return check("", "failed", "the database was not reached", "see the checks above")
    return findings.schema


def _connections(findings: Findings) -> Check:
    if findings.server is None:
        return check("", "failed", "the database was not reached", "see the checks above")
    workers = max(1, findings.live_workers or 0)
    needed = 2 * workers * (_CONNECTIONS + findings.settings.slots)
    others, limit = findings.server.others_connections, findings.server.max_connections
    what = f"live workers or one: {needed} at most; others: {others} now; the limit: {limit}"
    if needed + others >= limit:
        return check("", "failed", what, "fewer slots or workers, smaller pools, or a larger database")
    return check("", "ok", what)


def _files(findings: Findings) -> Check:
    current = findings.files
    if (current.aws_access_key_id is None) != (current.aws_secret_access_key is None):
        return check("", "failed", "only one of the two keys is set", "give both")
    if current.s3_bucket_name is None:
        return check("", "ok", "files are kept in the table blobs")
    if current.aws_access_key_id is None:
        what = f"the bucket {current.s3_bucket_name}, and no keys"
        return check("", "warning", what, "give both keys; Render has no role that boto3 would find")
    return check("", "ok", f"the bucket {current.s3_bucket_name}, and both keys")


def _shutdown(findings: Findings, platform: Platform, files: Checkout) -> Check:
    grace = findings.settings.shutdown_grace_seconds
    asked = (files.blueprint or {}).get("maxShutdownDelaySeconds", "")
    waits = int(asked) if asked.isdigit() else _RENDER_WAITS_SECONDS
    source = "render.yaml" if asked else "Render's default"
    what = f"{waits} s ({source}), grace {grace:g} s"
    if waits >= grace + 5:
        return check("", "ok", what)
    if not asked and not platform.is_render:
        return check("", "look", what)
    return check(
        "", "failed", what, f"set it to {int(grace) + 5} (300 at most), or SHUTDOWN_GRACE to {waits - 5}"
    )


def _live(findings: Findings) -> Check:
    if not findings.live_workers:
        return check(
            "", "warning", "no worker lives", "start one, and read its log: the last line says what is wrong"
        )
    return check("", "ok", f"{findings.live_workers} live; look at the log for its lines")


def _completed(findings: Findings) -> Check:
    job = findings.last_completed
    if job is None:
        return check("", "look", "there is no completed job yet", Remedy("ask-why"))
    ago = duration(job.ended_seconds or 0.0)
    return check("", "ok", f"job {job.id} of type {job.type} completed {ago} ago")
