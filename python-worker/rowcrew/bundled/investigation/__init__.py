"""The family `investigation`: a model answers a question about documents, in few steps that are stored."""

from __future__ import annotations

from rowcrew.bundled.investigation.settings import InvestigationSettings
from rowcrew.family import Family, Grant

family = Family(
    name="investigation",
    package=__name__,
    crew="rowcrew.bundled.investigation.handler:crew",
    tables=("investigationSteps",),
    grants=(
        Grant("investigationSteps", "worker", ("SELECT", "INSERT", "UPDATE")),
        Grant("investigationSteps", "reader", ("SELECT",)),
    ),
    settings=InvestigationSettings,
    migrations="migrations",
    metadata="rowcrew.bundled.investigation.tables:metadata",
    uses=("retrieval",),
)
