"""What the tables are made of, part by part, and how they differ from those that the migrations make.

In: parts as the catalogue tells them, of a database just migrated and of this one. Out: the differences, each
with its sentence. What else is in the tables (columns, indexes, triggers, values of options and defaults) is
somebody's own. Called by the doctor and by `rowcrew migrate`. No input or output.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

Kind = Literal[
    "table",
    "option",
    "column",
    "default",
    "generated",
    "required",
    "identity",
    "storage",
    "constraint",
    "index",
    "function",
    "trigger",
    "view",
]

OF_A_COLUMN: Final = ("default", "generated", "required", "identity", "storage")
# How the definition of a table begins that lies in another schema than the rest.
ELSEWHERE: Final = "in schema "
# Another value of these is how an installation tunes its tables.
_TUNED: Final = ("option", "default")


class Part(NamedTuple):
    """One thing that the catalogue knows of a table or view.

    Attributes:
        relation: the table or view; empty for a function.
        name: of the column, option, constraint, index, trigger or function; empty for the relation itself.
        definition: as PostgreSQL prints it, the type for a column.
        flaw: why the thing does not work though it is there: disabled, invalid, not validated.
    """

    kind: Kind
    relation: str
    name: str
    definition: str
    flaw: str | None = None

    @property
    def place(self) -> str:
        """The part in words: `trigger jobs_wake of jobs`."""
        match self.kind:
            case "table" | "view":
                return f"{self.kind} {self.relation}"
            case "function":
                return f"function {self.name}"
            case "column" | "default" | "generated" | "required" | "identity" | "storage":
                return f"column {self.relation}.{self.name}"
        return f"{self.kind} {self.name} of {self.relation}"


class Difference(NamedTuple):
    """A part as it should be, or None, and as it was found, or None."""

    expected: Part | None
    found: Part | None

    @property
    def kind(self) -> Kind:
        part = self.expected or self.found
        assert part is not None
        return part.kind

    @property
    def what(self) -> str:
        """The difference as a sentence."""
        match self:
            case Difference(None, Part() as found):
                return f"{found.place} must not be NULL, and workers leave it empty"
            case Difference(Part() as part, None):
                return _missing(part)
            case Difference(Part(), Part(flaw=str(flaw)) as found):
                return f"{found.place} is {flaw}"
            case Difference(Part(kind="table"), Part() as found):
                return f"{found.place} is {found.definition}"
            case Difference(Part(kind="column") as part, Part() as found):
                return f"{part.place} is {found.definition}, need {part.definition}"
        return f"{self.found.place} is different" if self.found else ""


def differences(expected: Iterable[Part], found: Sequence[Part]) -> list[Difference]:
    """What is missing or different, in the order of `expected`; a missing column stands for all of it."""
    wanted = list(expected)
    there = {_key(part): part for part in found}
    columns = {_column(part) for part in found if part.kind == "column"}
    renamed = {(part.relation, _nameless(part)) for part in found if part.flaw is None}

    def differs(part: Part) -> bool:
        one = there.get(_key(part))
        if one is None:
            return (part.relation, _nameless(part)) not in renamed
        return part.kind not in _TUNED and (one.flaw is not None or _normal(one) != _normal(part))

    # Whatever else has the name of a table or view has none of its parts.
    here = {_key(part) for part in found if not part.definition.startswith(ELSEWHERE)}
    absent = {part.relation for part in wanted if part.kind in ("table", "view") and _key(part) not in here}
    told = [part for part in wanted if part.relation not in absent or part.kind in ("table", "view")]
    told = [part for part in told if part.kind not in OF_A_COLUMN or _column(part) in columns]
    return [Difference(part, there.get(_key(part))) for part in told if differs(part)] + _forced(
        wanted, found
    )


def obstacles(expected: Iterable[Part], found: Sequence[Part]) -> list[Part]:
    """Columns of somebody's own that no INSERT of ours can fill: required, and without a default."""
    ours = {_column(part) for part in expected if part.kind == "column"}
    filled = {_column(part) for part in found if part.kind in ("default", "identity")}
    return [part for part in found if part.kind == "required" and _column(part) not in ours | filled]


def _forced(expected: Sequence[Part], found: Sequence[Part]) -> list[Difference]:
    """Columns of ours that somebody made NOT NULL."""
    required = {_column(part) for part in expected if part.kind == "required"}
    optional = {_column(part) for part in expected if part.kind == "column"} - required
    return [Difference(None, part) for part in found if part.kind == "required" and _column(part) in optional]


def _missing(part: Part) -> str:
    match part.kind:
        case "default":
            return f"{part.place} has no default, need {part.definition}"
        case "required":
            return f"{part.place} may be NULL"
        case "identity":
            return f"{part.place} is not GENERATED {part.definition} AS IDENTITY"
        case "storage":
            return f"{part.place} is not stored {part.definition}"
        case "option":
            return f"table {part.relation} has no {part.name}, need {part.definition}"
    return f"{part.place} is missing"


def _key(part: Part) -> tuple[str, str, str]:
    return part.kind, part.relation, part.name


def _column(part: Part) -> tuple[str, str]:
    return part.relation, part.name


def _nameless(part: Part) -> str:
    """Constraints and indexes do the same under another name; triggers run in the order of their names."""
    if part.kind == "constraint":
        return _normal(part)
    return _normal(part).replace(f"INDEX{part.name}ON", "INDEX", 1) if part.kind == "index" else repr(part)


def _normal(part: Part) -> str:
    """The definition without what differs between servers, or after a dump and a restore.

    Parentheses move when an expression is read again, and names get or lose their table's. The text of a
    function stays as it is, unless PostgreSQL keeps it read; a search path of its own, which linters ask for,
    changes nothing.
    """
    definition = part.definition
    if part.kind == "function":
        head, begins, body = definition.partition("\nAS $")
        definition = re.sub(r"\n SET .*", "", head) + begins + body
        if begins:
            return definition
    bare = re.sub(r'(?:\b\w+|"[^"]+")\.(?=["A-Za-z_])', "", definition)
    if part.kind == "index":  # its storage options, as those of tables, are the installation's
        bare = re.sub(r"\sWITH \([^)]*\)", "", bare)
    return re.sub(r'[\s()"]', "", bare)
