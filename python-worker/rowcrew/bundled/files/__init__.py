"""The family `files`: where handlers get files from, and where they keep those that they make."""

from __future__ import annotations

from rowcrew.bundled.files.settings import FileSettings
from rowcrew.family import Family, Grant

family = Family(
    name="files",
    package=__name__,
    crew="rowcrew.bundled.files.pruning:crew",
    tables=("blobs",),
    grants=(Grant("blobs", "worker", ("SELECT", "INSERT", "UPDATE", "DELETE")),),
    settings=FileSettings,
    migrations="migrations",
    metadata="rowcrew.bundled.files.tables:metadata",
)
