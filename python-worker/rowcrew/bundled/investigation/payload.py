"""The payload of `investigation`, and its result: a question with limits, and an answer with what backs it.

In: JSON. Out: frozen values, checked. Called by the handler.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

ToolName = Literal[
    "literal_search", "semantic_search", "dependency_analysis", "read_document", "sql_readonly"
]
Provider = Literal["offline", "openai-compatible", "anthropic"]
StopReason = Literal["answer", "steps", "tokens", "cost", "time", "refusal"]


class Investigation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A question, and what its answer may take.

    Attributes:
        project_id: whose documents are looked at.
        tools: what the model may use; `sql_readonly` only where INVESTIGATION_DATABASE_URL is set.
        max_steps: turns of the model.
        max_tokens: tokens read and written, of all turns together.
        budget_usd: what they may cost.
        max_seconds: how long it may run, waits for a later attempt not counted.
    """

    question: Annotated[str, Meta(min_length=1, max_length=10_000)]
    project_id: Annotated[str, Meta(min_length=1, max_length=200)] = "default"
    tools: Annotated[tuple[ToolName, ...], Meta(min_length=1, max_length=5)] = (
        "literal_search",
        "semantic_search",
        "dependency_analysis",
        "read_document",
        "sql_readonly",
    )
    max_steps: Annotated[int, Meta(ge=1, le=100)] = 8
    max_tokens: Annotated[int, Meta(ge=1, le=10_000_000)] = 20_000
    budget_usd: Annotated[float, Meta(ge=0, le=1_000)] = 0.5
    max_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 600
    provider: Provider = "offline"

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise ValueError("question has no words")


class Citation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A quote that occurs word for word in a chunk."""

    document_id: int
    chunk_id: int
    quote: str


class Spent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an investigation took, of all its attempts."""

    input_tokens: int
    output_tokens: int
    cost_usd: float
    seconds: float


class Findings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The result.

    Attributes:
        answer: what the model said last; None if a limit came before it said anything.
        citations: its quotes that occur word for word where it says.
        unverified_quotes: how many do not; they stand in the answer all the same.
        steps: turns of the model.
        stop_reason: why it ended: `answer`, or the limit that it met.
    """

    answer: str | None
    citations: list[Citation]
    unverified_quotes: int
    steps: int
    usage: Spent
    stop_reason: StopReason
