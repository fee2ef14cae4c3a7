"""The type `investigation`: a question about documents, answered by a model that uses tools, within limits.

In: the payload of a job. Out: an answer with quotes that are where they are said to be. Every step is
committed before the next begins, so an attempt goes on where the last one was, whatever became of that.
Nothing but the steps decides what comes next (`moves`).
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Final

from rowcrew.bundled.investigation.citations import cited_chunks, quotes_in
from rowcrew.bundled.investigation.conversation import Conversation, Step
from rowcrew.bundled.investigation.kept import Connection, KeptSteps
from rowcrew.bundled.investigation.moves import Ask, Limits, Stop, Use, next_move, spent
from rowcrew.bundled.investigation.payload import Citation, Findings, Investigation, Spent, StopReason
from rowcrew.bundled.investigation.providers import OutOfTime, Provider, provider_of
from rowcrew.bundled.investigation.settings import InvestigationSettings
from rowcrew.bundled.investigation.tools import Tool, descriptions, refused, tools_of, used
from rowcrew.bundled.retrieval.library import Library
from rowcrew.context import Context
from rowcrew.crew import Crew

MOST_CALLS: Final = 8
crew = Crew()


@crew.job("investigation")
def investigation(payload: Investigation, context: Context) -> Findings:
    """Answer a question from documents, with quotes."""
    provider = provider_of(payload.provider, context.stop_if_cancelled)
    sql_address = InvestigationSettings.read().database_url
    with context.transaction() as connection:
        tools = tools_of(payload.tools, connection, payload.project_id, sql_address)
        return Inquiry(
            payload=payload, context=context, connection=connection, provider=provider, tools=tools
        ).findings()


class Inquiry:
    """One run of an investigation."""

    def __init__(
        self,
        *,
        payload: Investigation,
        context: Context,
        connection: Connection,
        provider: Provider,
        tools: dict[str, Tool],
    ) -> None:
        self._payload = payload
        self._context = context
        self._connection = connection
        self._provider = provider
        self._tools = tools
        self._kept = KeptSteps(connection, context.job.id)
        self._limits = Limits(
            steps=payload.max_steps,
            tokens=payload.max_tokens,
            usd=Decimal(str(payload.budget_usd)),
            seconds=payload.max_seconds,
        )

    def findings(self) -> Findings:
        """Go on until there is an answer, or a limit."""
        earlier = sum(step.seconds for step in self._kept.all())
        began = time.monotonic() - earlier
        while True:
            steps = [step for step in self._kept.all() if step.turn is not None]
            elapsed = time.monotonic() - began
            conversation = self._conversation(steps)
            coming = self._provider.input_tokens(conversation)
            match next_move(steps, self._limits, self._provider.prices, coming=coming, elapsed=elapsed):
                case Stop(reason):
                    return self._ended(steps, reason, elapsed)
                case Use(step):
                    self._use(step, began + self._limits.seconds)
                case Ask() as ask:
                    try:
                        self._ask(conversation, ask, self._limits.seconds - elapsed)
                    except OutOfTime:
                        return self._ended(steps, "time", time.monotonic() - began)

    def _conversation(self, steps: list[Step]) -> Conversation:
        return Conversation(
            question=self._payload.question,
            tools=descriptions(self._tools),
            steps=steps,
            is_last=len(steps) + 1 == self._limits.steps,
        )

    def _ask(self, conversation: Conversation, ask: Ask, seconds: float) -> None:
        self._tell(ask.number)
        request_id = self._kept.begin(ask.number, self._provider)
        if request_id is None:
            return
        began = time.monotonic()
        reply = self._provider.ask(
            conversation, request_id=request_id, most_output=ask.most_output, seconds=seconds
        )
        cost = self._provider.prices.of(reply.input_tokens, reply.output_tokens)
        self._kept.keep_turn(ask.number, reply, cost, time.monotonic() - began)

    def _use(self, step: Step, ends: float) -> None:
        assert step.turn is not None
        began = time.monotonic()
        results = []
        for number, call in enumerate(step.turn.calls, start=1):
            # A model may call what does not exist, by any name.
            self._tell(step.number, call.tool if call.tool in self._tools else "an unknown tool")
            if number > MOST_CALLS or time.monotonic() > ends:
                results.append(refused(call, f"at most {MOST_CALLS} calls at once, while there is time"))
            else:
                results.append(used(call, self._tools, self._connection))
        self._kept.keep_results(step.number, results, time.monotonic() - began)

    def _tell(self, number: int, tool: str | None = None) -> None:
        message = f"Step {number} of {self._limits.steps}" + (f": {tool}" if tool else "")
        self._context.progress(number, self._limits.steps, message)

    def _ended(self, steps: list[Step], reason: StopReason, elapsed: float) -> Findings:
        said = [step.turn.text for step in steps if step.turn is not None and step.turn.text.strip()]
        answer = said[-1] if said else None
        citations, unverified = self._citations(answer or "")
        tokens_in = sum(step.usage.input_tokens for step in steps if step.usage)
        tokens, usd = spent(steps)
        return Findings(
            answer=answer,
            citations=citations,
            unverified_quotes=unverified,
            steps=len(steps),
            usage=Spent(
                input_tokens=tokens_in,
                output_tokens=tokens - tokens_in,
                cost_usd=float(usd),
                seconds=round(elapsed, 3),
            ),
            stop_reason=reason,
        )

    def _citations(self, answer: str) -> tuple[list[Citation], int]:
        """The quotes of an answer that stand where it says, in documents of this project."""
        chunks = Library(self._connection, self._payload.project_id).chunks(cited_chunks(answer))
        quotes, unverified = quotes_in(answer, {id: chunk.content for id, chunk in chunks.items()})
        return [
            Citation(document_id=chunks[quote.chunk].document_id, chunk_id=quote.chunk, quote=quote.words)
            for quote in quotes
        ], unverified
