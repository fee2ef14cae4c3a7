"""The family `model_run`: a monthly SaaS model, its scenarios, and the runs that are kept."""

from __future__ import annotations

from rowcrew.family import Family, Grant

family = Family(
    name="model_run",
    package=__name__,
    crew="rowcrew.bundled.model_run.handler:crew",
    tables=("modelRuns",),
    grants=(Grant("modelRuns", "worker", ("SELECT", "INSERT")),),
    migrations="migrations",
    metadata="rowcrew.bundled.model_run.tables:metadata",
    uses=("files",),
)
