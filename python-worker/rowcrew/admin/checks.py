"""The doctor's checks, each resting on those before it.

In: the variables as the environment has them. Out: one `Check` after the other, as they are made, and in
`Findings` what the deployment checklist goes by. Nothing here prints or writes. Called by every face.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from rowcrew.admin.check import Check, Findings, check
from rowcrew.admin.database_checks import ADDRESS_FORM, database_checks
from rowcrew.admin.link import operators_link
from rowcrew.admin.sameness import place
from rowcrew.family import disagreements, installed, variables
from rowcrew.model.remedy import Remedy
from rowcrew.settings import Given, Settings, hidden_from_handlers, wrong_picks
from rowcrew.table.link import reason

_NAMED: Final = 40
_ABOUT_ADDRESSES: Final = ("DATABASE_URL=", "DATABASE_URLS=", "ROWCREW_DATABASE=")


async def examine(
    given: Sequence[Given], findings: Findings, producer_url: str | None
) -> AsyncIterator[Check]:
    """All checks of settings, libraries and database.

    Args:
        findings: filled while the checks are made.
        producer_url: the address that producers use, if it is to be compared.
    """
    for found in (*settings_checks(given, findings.settings), *extras_checks()):
        yield found
    yield environment_check(hidden_from_handlers(findings.settings, families=variables()))
    url = findings.settings.database_url
    if url is None:
        return
    yield _address_check(url, findings)
    if findings.place is None:
        return
    link = operators_link(url)
    try:
        async for found in database_checks(link, findings, producer_url):
            yield found
    finally:
        await link.close()


def settings_checks(given: Sequence[Given], settings: Settings) -> Iterator[Check]:
    """One check for each variable that is missing or wrong; else one for all."""
    wrong = [one.complaint for one in given if one.complaint]
    wrong += wrong_picks(given)
    if settings.database_url is None and not any(one.startswith(_ABOUT_ADDRESSES) for one in wrong):
        wrong.append(settings.no_address)
    wrong += disagreements()
    for complaint in wrong:
        what, _, remedy = complaint.partition(": ")
        yield check("settings", "failed", what, remedy)
    if not wrong:
        number = sum(one.name is not None for one in given)
        queues = ", ".join(settings.queues) or "all"
        what = f"{number} given, the others by default; {settings.slots} slots, queues: {queues}"
        yield check("settings", "ok", what)


def environment_check(hidden: Sequence[str]) -> Check:
    """Which variables handlers miss, by name: a `KeyError` at import is mostly one of these."""
    if not hidden:
        return check("environment", "ok", "handlers see every variable of this environment")
    named = ", ".join(hidden[:_NAMED])
    further = f" and {len(hidden) - _NAMED} more" if len(hidden) > _NAMED else ""
    what = f"handlers do not see {named}{further}"
    return check("environment", "ok", what, "if they need one, name it in RUNNER_ENVIRONMENT")


def extras_checks() -> Iterator[Check]:
    """Whether the libraries of all families can be imported: a broken one is as bad as a missing one."""
    missing = False
    for extra in (extra for family in installed() for extra in family.extras):
        try:
            importlib.import_module(extra.library)
        except Exception as error:
            missing = True
            types = ", ".join(extra.types)
            what = f"{types} cannot run, because {extra.library} cannot be imported ({reason(error)})"
            yield check("libraries", "warning", what, Remedy("install", name=extra.requirement))
    if not missing:
        yield check("libraries", "ok", "all that the installed job types need can be imported")


def _address_check(url: str, findings: Findings) -> Check:
    findings.place = place(url)
    if findings.place is None:
        return check("address", "failed", "DATABASE_URL cannot be read as an address", ADDRESS_FORM)
    named = ", ".join(f"{name} {value}" for name, value in findings.place._asdict().items())
    return check("address", "ok", named)
