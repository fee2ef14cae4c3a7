"""Secrets in a payload that somebody edits: shown as masks, and put back where a mask came back.

In: a payload, and what was made of it. Out: values. A field is a secret by its name, with all that stands in
it. Pure; called by the form and by whoever stores what was edited.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, Final

from rowcrew.model.errors import InvalidJob
from rowcrew.model.secret_names import HIDDEN_NAMES

MASK: Final = "••••••"

_SECRET: Final = re.compile(f"(?i){HIDDEN_NAMES}")
_ANY_MASK: Final = re.compile(rf"{MASK}(?: \d+)?")

_Way = tuple[str | None, ...]
"""The names that lead to a value; None stands for any item of an array."""


def masked(payload: Any) -> Any:
    """The payload without its secrets."""
    return _Masks().put_on(payload)


def unmasked(edited: Any, original: Any) -> Any:
    """What was edited, with the secrets of the original where it has their masks.

    Raises:
        InvalidJob: a mask stands where it hid nothing.
    """
    masks = _Masks()
    masks.put_on(original)
    return masks.take_off(edited)


class _Masks:
    """The masks of one payload, and what each of them hides.

    Within an array a mask has a number of its own, since items are moved and removed: a bare mask would get
    the secret of its neighbour. A mask counts only where the same names lead to it.
    """

    def __init__(self) -> None:
        self._hidden: defaultdict[_Way, dict[str, Any]] = defaultdict(dict)

    def put_on(self, value: Any, way: _Way = (), *, is_secret: bool = False) -> Any:
        if isinstance(value, dict):
            return {
                name: self.put_on(item, (*way, name), is_secret=is_secret or bool(_SECRET.search(name)))
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self.put_on(item, (*way, None), is_secret=is_secret) for item in value]
        if is_secret and value is not None and not isinstance(value, bool):
            return self._mask(way, value)
        if isinstance(value, str) and _ANY_MASK.fullmatch(value):
            self._hidden[way][value] = value  # no secret, and only looks like one that is masked
        return value

    def take_off(self, value: Any, way: _Way = (), path: str = "payload") -> Any:
        if isinstance(value, dict):
            return {name: self.take_off(item, (*way, name), f"{path}.{name}") for name, item in value.items()}
        if isinstance(value, list):
            return [self.take_off(item, (*way, None), f"{path}[{place}]") for place, item in enumerate(value)]
        if not isinstance(value, str) or not _ANY_MASK.fullmatch(value):
            return value
        hidden = self._hidden.get(way, {})
        if value not in hidden:
            raise InvalidJob(path, _none_of(sorted(hidden)))
        return hidden[value]

    def _mask(self, way: _Way, value: Any) -> str:
        hidden = self._hidden[way]
        mask = f"{MASK} {len(hidden) + 1}" if None in way else MASK
        hidden[mask] = value
        return mask


def _none_of(masks: list[str]) -> str:
    if not masks:
        return "is the mask of a secret, and there was none: write the value itself"
    return f"is no mask of what stood here: write one, such as {masks[0]}, or the value itself"
