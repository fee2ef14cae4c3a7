"""The table "investigationSteps": what was asked, said and found, each kept in a commit of its own.

In: a connection. Out: steps. A step is there before its request is sent, so that whoever runs the job next
knows the request's id; a turn is there before its tools are used. Called by the handler.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
import psycopg

from rowcrew.bundled.investigation.conversation import Step, ToolResult, Turn, Usage
from rowcrew.bundled.investigation.providers import Provider, Reply
from rowcrew.bundled.investigation.statements import SQL

Connection = psycopg.Connection[Any]
_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class KeptSteps:
    """The steps of one job, in the table."""

    def __init__(self, connection: Connection, job_id: int) -> None:
        self._connection = connection
        self._job_id = job_id

    def all(self) -> list[Step]:
        """Every step, in order."""
        rows = self._connection.execute(SQL["steps"], {"job_id": self._job_id}).fetchall()
        self._connection.commit()
        return [_step(*row) for row in rows]

    def begin(self, number: int, provider: Provider) -> str | None:
        """Keep that a turn is asked for now; its request id, or None if another run was answered already."""
        parameters = {
            "job_id": self._job_id,
            "step": number,
            "provider": provider.name,
            "model": provider.model,
        }
        row = self._connection.execute(SQL["begin_step"], parameters).fetchone()
        self._connection.commit()
        return None if row is None else str(row[0])

    def keep_turn(self, number: int, reply: Reply, cost_usd: Decimal, seconds: float) -> None:
        """Keep what was said, unless another run has kept something said."""
        parameters = {
            "job_id": self._job_id,
            "step": number,
            "turn": _text(reply.turn),
            "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens,
            "cost_usd": cost_usd,
            "vendor_id": reply.vendor_id,
            "seconds": seconds,
        }
        self._connection.execute(SQL["keep_turn"], parameters)
        self._connection.commit()

    def keep_results(self, number: int, results: Sequence[ToolResult], seconds: float) -> None:
        """Keep what the calls of a turn gave."""
        parameters = {
            "job_id": self._job_id,
            "step": number,
            "results": _text(results),
            "seconds": seconds,
        }
        self._connection.execute(SQL["keep_results"], parameters)
        self._connection.commit()


def _step(
    number: int,
    request_id: str,
    turn: str | None,
    input_tokens: int,
    output_tokens: int,
    cost_usd: Decimal,
    results: str | None,
    seconds: float,
) -> Step:
    if turn is None:
        return Step(number=number, request_id=request_id, seconds=seconds)
    return Step(
        number=number,
        request_id=request_id,
        turn=msgspec.json.decode(turn, type=Turn),
        usage=Usage(input_tokens=input_tokens, output_tokens=output_tokens, cost_usd=cost_usd),
        results=None if results is None else msgspec.json.decode(results, type=tuple[ToolResult, ...]),
        seconds=seconds,
    )


def _text(value: Any) -> str:
    """JSON as jsonb takes it: a NUL character, which a model may write, becomes a sign for what is none."""
    return _NUL.sub(r"\1\\ufffd", msgspec.json.encode(value).decode())
