"""`rowcrew doctor`: what a worker needs, checked one after the other, each with its remedy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

from cyclopts import Parameter

from rowcrew import settings
from rowcrew.admin.check import Check, Findings
from rowcrew.admin.checks import examine, settings_checks
from rowcrew.admin.deployment import checkout, points
from rowcrew.bundled.files.settings import FileSettings
from rowcrew.cli import FAILURE, SUCCESS
from rowcrew.cli.options import AsJson
from rowcrew.cli.output import print_document, print_documents
from rowcrew.cli.tables import print_table, wrapped
from rowcrew.cli.wording import worded
from rowcrew.family import variables
from rowcrew.model.terminal_text import one_line
from rowcrew.settings import Given, Settings
from rowcrew.settings.readers import Secret
from rowcrew.settings.variables import VARIABLES
from rowcrew.table.address import without_password

# As in the log: two blanks where the mark is narrow.
_MARKS: Final = {"ok": "✅", "warning": "⚠️ ", "failed": "❌", "look": "👀"}


def doctor(
    *,
    show_settings: Annotated[bool, Parameter(name="--settings")] = False,
    deploy: bool = False,
    expect_url: str | None = None,
    json: AsJson = False,
) -> int:
    """Check settings, database, schema, rights and queues; each line has its remedy.

    It only reads. Exit codes: 0 nothing failed (⚠️ and 👀 do not count),
    1 a check failed.

    Parameters
    ----------
    show_settings
        Only print every setting and where it comes from, secrets masked.
    deploy
        Also go through the deployment checklist; 👀 is for what no program sees.
    expect_url
        Also check that this address, a producer's, reaches the same database.
    """
    own = settings.given()
    findings = Findings(settings=settings.made_of(own), files=FileSettings.readable())
    given = [*own, *settings.given(variables=variables())]
    if show_settings:
        _print_settings(given, findings.settings, json)
        wrong = [check for check in settings_checks(given, findings.settings) if check.remedies]
        return _tell_all(wrong, json)
    code = asyncio.run(_examined(given, findings, expect_url, json))
    if deploy:
        code = max(code, _tell_all(points(findings, settings.platform(), checkout()), json))
    return code


def effective(given: Sequence[Given], current: Settings) -> list[dict[str, Any]]:
    """Each variable with the value that counts, as text, and where it comes from."""
    return [
        {"variable": one.variable.names[0], "value": _shown(one, current), "source": _source(one, current)}
        for one in given
    ]


def _print_settings(given: Sequence[Given], current: Settings, json: bool) -> None:
    rows = effective(given, current)
    if json:
        print_documents(rows)
    else:
        print_table(rows, ("variable", "value", "source"))


def _source(one: Given, current: Settings) -> str:
    if one.variable.field == "queues" and one.name is None and current.queues:
        return "JOB_QUEUE_NAME"
    return one.name or "default"


def _shown(one: Given, current: Settings) -> str:
    value = getattr(current, one.variable.field) if one.variable in VARIABLES else one.value
    match value:
        case _ if one.complaint:
            return "…"
        case () | None:
            return one.variable.default
        case _ if one.variable.is_secret:
            return "…"
        case Secret():
            return "…"
        case str() if one.variable.field.endswith("_url"):
            return without_password(value)
        case str() if one.name is None:
            return one.variable.default
        case tuple():
            return ", ".join(map(str, value))
        case float():
            return f"{value:g}"
    return str(value)


async def _examined(given: Sequence[Given], findings: Findings, expect_url: str | None, json: bool) -> int:
    """Tell each check as soon as it is made; the exit code."""
    code = SUCCESS
    async for check in examine(given, findings, expect_url):
        code = max(code, _tell(check, json))
    return code


def _tell_all(checks: Iterable[Check], json: bool) -> int:
    return max((_tell(check, json) for check in checks), default=SUCCESS)


def _tell(check: Check, json: bool) -> int:
    """Print a check; the exit code if it were the only one."""
    remedy = worded(check.remedies)
    if json:
        told = {"name": check.name, "result": check.result, "what": check.what, "remedy": remedy}
        print_document(told)
    else:
        end = f" → {remedy}" if remedy else ""
        text = one_line(f"{check.name}: {check.what}{end}")
        print(*wrapped(text, indent="   ", mark=f"{_MARKS[check.result]} "), sep="\n", flush=True)
    return FAILURE if check.result == "failed" else SUCCESS
