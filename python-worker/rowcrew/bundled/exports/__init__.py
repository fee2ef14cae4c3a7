"""The family `exports`: model runs and documents as PDF and PowerPoint files."""

from __future__ import annotations

from rowcrew.family import Extra, Family

family = Family(
    name="exports",
    package=__name__,
    crew="rowcrew.bundled.exports.handlers:crew",
    extras=(
        Extra("reportlab", "rowcrew[reports]", ("pdf_export",)),
        Extra("pptx", "rowcrew[reports]", ("pptx_export",)),
    ),
    uses=("documents", "files", "model_run"),
)
