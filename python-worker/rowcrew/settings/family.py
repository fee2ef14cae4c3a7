"""The settings of a family of job types, read as the queue's own are.

In: a Struct that names its variables. Out: the Struct, filled from the environment, or every complaint at
once. Called by the family's handlers when they run, and by the command line before a worker starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import msgspec

from rowcrew.model.errors import SettingsError
from rowcrew.settings import given
from rowcrew.settings.variables import Variable


class FamilySettings(msgspec.Struct, frozen=True, kw_only=True):
    """The base of a family's settings: a field with its default for each of `variables`."""

    variables: ClassVar[tuple[Variable, ...]] = ()

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The family's settings in this process.

        Raises:
            SettingsError: lists every variable that is missing or could not be read.
        """
        found = given(environment, cls.variables)
        if complaints := [one.complaint for one in found if one.complaint]:
            raise SettingsError(complaints)
        return cls(**{one.variable.field: one.value for one in found if one.name})

    @classmethod
    def readable(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The settings as far as they can be read; one with a complaint counts as not given."""
        found = given(environment, cls.variables)
        return cls(**{one.variable.field: one.value for one in found if one.name and not one.complaint})

    @classmethod
    def complaints(cls, environment: Mapping[str, str] | None = None, *, missing: bool = True) -> list[str]:
        """What keeps these settings from being used; `missing` = also what is required and not given."""
        found = given(environment, cls.variables)
        told = [one.complaint for one in found if one.complaint and (one.name or missing)]
        try:
            disagreement = cls.readable(environment).disagreement()
        except TypeError:  # a required field has no value: that is told already
            disagreement = None
        return [*told, disagreement] if disagreement else told

    def disagreement(self) -> str | None:
        """Why these values make no sense together, as `VARIABLE, OTHER: remedy`; None when they do."""
        return None
