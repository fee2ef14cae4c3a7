"""The payload of `model_run`: a model, how long it runs, and in which scenarios.

In: JSON. Out: frozen values, checked. Called by the handler, and by simulations that vary a model's drivers.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from rowcrew.bundled.model_run.saas_model import (
    MOST_MONTHS,
    Drivers,
    Name,
    Part,
    SignedAmount,
)

MOST_SCENARIOS: Final = 50


class Change(Part, frozen=True, kw_only=True):
    """One driver of a scenario that differs: `revenue.0.churnRate` times 1.5. Lines count from 0."""

    path: Name
    op: Literal["set", "add", "multiply"]
    value: SignedAmount


class Child(Part, frozen=True, kw_only=True):
    """A job to enqueue when the run is kept: its payload is completed with what this run is."""

    type: Literal["pdf_export", "pptx_export", "monte_carlo"]
    payload: dict[str, Any] = msgspec.field(default_factory=dict)


class ModelRun(Drivers, frozen=True, kw_only=True):
    """A model, how long it runs, and in which scenarios."""

    model_id: Name
    start_month: Annotated[str, Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
    months: Annotated[int, Meta(ge=1, le=MOST_MONTHS)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "USD"
    scenarios: Annotated[
        dict[Name, Annotated[tuple[Change, ...], Meta(max_length=200)]],
        Meta(min_length=1, max_length=MOST_SCENARIOS),
    ] = msgspec.field(default_factory=lambda: {"base": ()})
    children: Annotated[tuple[Child, ...], Meta(max_length=10)] = ()


def inputs_hash(payload: ModelRun) -> str:
    """The SHA-256 of all that the figures follow from, however the payload was written."""
    inputs = {
        name: value
        for name, value in msgspec.to_builtins(payload).items()
        if name not in ("modelId", "children")
    }
    return hashlib.sha256(msgspec.json.encode(inputs, order="deterministic")).hexdigest()


def drivers_of(payload: ModelRun) -> Drivers:
    """The part of a payload that scenarios may change."""
    return Drivers(**{name: getattr(payload, name) for name in Drivers.__struct_fields__})
