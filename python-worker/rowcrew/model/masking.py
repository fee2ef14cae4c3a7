"""Secrets in a payload that somebody edits: shown as a mask, and put back where the mask came back.

In: a payload, and what was made of it. Out: values. A field is a secret by its name. Pure; called by the form
and by whoever stores what was edited.
"""

from __future__ import annotations

import re
from typing import Any, Final

from rowcrew.model.errors import InvalidJob

MASK: Final = "••••••"

_SECRET: Final = re.compile(
    r"(?i)passw|passphrase|(^|[_-])pwd|secret|token|authorization|credential|(api|access|private)[_-]?key"
)


def masked(value: Any, name: str = "") -> Any:
    """The value without its secrets."""
    if isinstance(value, dict):
        return {key: masked(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, name) for item in value]
    return MASK if value is not None and not isinstance(value, bool) and _SECRET.search(name) else value


def unmasked(edited: Any, original: Any, path: str = "payload") -> Any:
    """What was edited, with the secrets as they were where it has masks.

    Raises:
        InvalidJob: a mask stands where there was nothing.
    """
    if isinstance(edited, dict):
        known = original if isinstance(original, dict) else {}
        return {key: unmasked(item, known.get(key), f"{path}.{key}") for key, item in edited.items()}
    if isinstance(edited, list):
        there = original if isinstance(original, list) else []
        padded = there + [None] * (len(edited) - len(there))
        return [
            unmasked(item, former, f"{path}[{place}]")
            for place, (item, former) in enumerate(zip(edited, padded, strict=False))
        ]
    if edited != MASK:
        return edited
    if original is None or isinstance(original, dict | list):
        raise InvalidJob(path, "is the mask of a secret, and there was none: write the value itself")
    return original
