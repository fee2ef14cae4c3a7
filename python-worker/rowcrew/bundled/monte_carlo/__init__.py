"""The family `monte_carlo`: answers by simulation, from random numbers that a seed determines."""

from __future__ import annotations

from rowcrew.family import Extra, Family

family = Family(
    name="monte_carlo",
    package=__name__,
    crew="rowcrew.bundled.monte_carlo.handler:crew",
    extras=(Extra("numpy", "rowcrew[sim]", ("monte_carlo",)),),
    uses=("model_run",),
)
