"""`rowcrew search QUESTION`: what the processed files say about it.

In: words or a sentence. Out: the chunks that answer best, for people or as JSON. What embeds the question is
loaded when the command runs, not before.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from rowcrew.cli.accounts import connected
from rowcrew.cli.options import AsJson
from rowcrew.cli.output import print_documents
from rowcrew.cli.tables import wrapped
from rowcrew.model.terminal_text import one_line

if TYPE_CHECKING:
    from rowcrew.bundled.retrieval.searching import Found

SHOWN_CHARACTERS: Final = 400


def search(
    question: Annotated[str, Parameter(name="QUESTION", help="Words, or a sentence in quotes.")],
    /,
    *,
    project: Annotated[str | None, Parameter(help="Only the files of this project.")] = None,
    limit: Annotated[int, Parameter(help="How many chunks, at most 100.")] = 5,
    json: AsJson = False,
) -> None:
    """Search the files that file_processing has processed, by meaning and by words.

    Each line of JSON is a chunk: its id, document, project, name, place in the
    document, score and content.
    """
    from rowcrew.bundled.retrieval import searching

    with connected("search") as connection:
        found = searching.search(connection, question, project=project, limit=limit)
    if json:
        print_documents(found)
    elif found:
        _print(found)
    else:
        print("Nothing was found; `rowcrew enqueue file_processing` makes files searchable.", file=sys.stderr)


def _print(found: list[Found]) -> None:
    for number, chunk in enumerate(found, start=1):
        name = chunk.name or f"document {chunk.document_id}"
        print(f"{number}. {one_line(name)}, chunk {chunk.place} (project {one_line(chunk.project_id)})")
        content = one_line(chunk.content)
        shown = content if len(content) <= SHOWN_CHARACTERS else content[:SHOWN_CHARACTERS] + "…"
        print("\n".join(wrapped(shown, indent="   ")))
