"""The tool dependency_analysis: which files a source file names, and which files name it.

In: arguments of a model. Out: names, with documents where they are files of the project.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from rowcrew.bundled.investigation.tools.documents import Id
from rowcrew.bundled.investigation.tools.naming import LINES, named_in, resolved, stem
from rowcrew.bundled.investigation.tools.tool import Arguments, CannotAnswer
from rowcrew.bundled.retrieval.library import Library

MOST_DOCUMENTS: Final = 2_000
_MOST_NAMED: Final = 50


class DependencyArguments(Arguments, frozen=True, kw_only=True):
    """A document by its id, or by the end of its name."""

    document_id: Id | None = None
    name: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a file names; a document where it is one of the project."""

    named: str
    document_id: int | None = None
    document: str | None = None


class Dependencies(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a file names, and what names it."""

    document_id: int
    document: str
    imports: list[Named]
    imported_by: list[Named]


class DependencyAnalysis:
    """Tells what a source file depends on, and what depends on it."""

    name: ClassVar = "dependency_analysis"
    description: ClassVar = (
        "Tell which files a source file imports, and which import it. Give documentId, or how its name ends."
    )
    arguments: ClassVar[type[Arguments]] = DependencyArguments

    def __init__(self, library: Library) -> None:
        self._library = library

    def use(self, arguments: DependencyArguments) -> Dependencies:
        rows = self._library.lines_like(LINES, MOST_DOCUMENTS)
        names = {id: name for id, name, _ in rows}
        named = {id: named_in(lines) for id, _, lines in rows}
        asked = _asked(arguments, names)
        documents = {stem(name): id for id, name in names.items()}

        def meant(id: int) -> list[tuple[str, int | None]]:
            return [(each, resolved(each, names[id], documents)) for each in named[id]]

        return Dependencies(
            document_id=asked,
            document=names[asked],
            imports=[_named(each, id, names) for each, id in meant(asked)][:_MOST_NAMED],
            imported_by=[
                Named(named=each, document_id=id, document=names[id])
                for id in names
                for each, target in meant(id)
                if target == asked and id != asked
            ][:_MOST_NAMED],
        )


def _asked(arguments: DependencyArguments, names: dict[int, str]) -> int:
    if arguments.document_id is not None:
        found = [arguments.document_id] if arguments.document_id in names else []
    elif arguments.name is not None:
        end = arguments.name
        found = [id for id, name in names.items() if name == end or name.endswith("/" + end)]
    else:
        raise CannotAnswer("give documentId, or name")
    if not found:
        raise CannotAnswer("there is no such document that has a name")
    return found[0]


def _named(named: str, id: int | None, names: dict[int, str]) -> Named:
    return Named(named=named, document_id=id, document=None if id is None else names[id])
