"""What the doctor says of cloud accounts: the credentials that no key of this environment opens.

In: the settings, and a way to ask the table "cloudAccounts". Out: a `Trouble` for each account, which has ids
of keys and no key. Called by the doctor. No cryptography is imported: that library may be missing.
"""

from __future__ import annotations

from rowcrew.bundled.costs.settings import CostSettings
from rowcrew.bundled.costs.statements import SQL
from rowcrew.family import Fetch, Trouble


async def unopened(fetch: Fetch) -> list[Trouble]:
    """The active accounts that were sealed with a key that is not set."""
    settings = CostSettings.read()
    known = {key.id for key in (settings.key, *settings.previous_keys) if key is not None}
    there = settings.key.id if settings.key else "not set"
    sealed = await fetch(SQL["sealing_keys"], {})
    return [_trouble(id, key_id, there) for id, key_id in sealed if key_id not in known]


def _trouble(id: str, key_id: str, there: str) -> Trouble:
    return Trouble(
        f"the credentials of {id} were sealed with the key {key_id}; ENCRYPTION_KEY is {there}",
        "set ENCRYPTION_KEY to the key of that id, or name that key in ENCRYPTION_KEY_PREVIOUS",
    )
