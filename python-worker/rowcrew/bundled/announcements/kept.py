"""The tables of announcements, their figures and their investors: what is kept of a corpId, once.

In: a connection, whose transaction the caller ends. Out: what is kept, and whether it was before. Called by
`supabase_upload` and `ai_processing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec
import psycopg

from rowcrew.bundled.announcements.processed import Processed
from rowcrew.bundled.announcements.statements import SQL

Connection = psycopg.Connection[Any]
Outcome = Literal["inserted", "updated", "unchanged"]
_MONEY: Final = ("amount", "perShare", "dividend")


class Kept(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What there is of an announcement now, and what became of it.

    Attributes:
        status: `unchanged` if it was kept before and not to be replaced.
        figure_ids, investor_ids: rows of "announcementFigures" and "announcementInvestors", in their order.
    """

    status: Outcome
    announcement_id: int
    figure_ids: list[int]
    investor_ids: list[int]


def keep(connection: Connection, corp_id: str, processed: Processed, *, update_existing: bool) -> Kept:
    """Keep an announcement with its figures and investors."""
    parameters = {
        "corp_id": corp_id,
        "processed": _text(processed),
        "update_existing": update_existing,
    }
    written = connection.execute(SQL["keep_announcement"], parameters).fetchone()
    if written is not None:
        figures, investors = _text(list(_figures(processed))), _text(list(_investors(processed)))
        connection.execute(SQL["keep_figures"], {"corp_id": corp_id, "figures": figures})
        connection.execute(SQL["keep_investors"], {"corp_id": corp_id, "investors": investors})
    ((id, figure_ids, investor_ids),) = connection.execute(SQL["kept_ids"], {"corp_id": corp_id})
    return Kept(
        status="unchanged" if written is None else "inserted" if written[0] else "updated",
        announcement_id=id,
        figure_ids=figure_ids,
        investor_ids=investor_ids,
    )


def known_filing(connection: Connection, corp_id: str, sha256: str, engine: str) -> Processed | None:
    """What this engine made of the same file for the same announcement, if that was kept."""
    parameters = {"corp_id": corp_id, "sha256": sha256, "engine": engine}
    row = connection.execute(SQL["known_filing"], parameters).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Processed)


def _figures(processed: Processed) -> Iterator[dict[str, Any]]:
    for figure in processed.financial_data:
        amount = figure.value if figure.kind in _MONEY else None
        yield {**msgspec.to_builtins(figure), "amount": amount}


def _investors(processed: Processed) -> Iterator[dict[str, Any]]:
    for investor in processed.individual_investors:
        yield {"kind": "individual", **msgspec.to_builtins(investor)}
    for investor in processed.company_investors:
        yield {"kind": "company", **msgspec.to_builtins(investor)}


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
