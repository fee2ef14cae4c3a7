"""The provider `offline`: no model, but rules that search, read on where something was found, and quote.

In: a conversation. Out: the next turn, always the same one: a search, a look into the document that was found
first, then the sentences that share most words with the question. Needs no network and no key. Tokens are
counted as chunks count them. Pure.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from rowcrew.bundled.investigation.conversation import Call, Conversation, Ended, Turn
from rowcrew.bundled.investigation.providers.provider import Reply
from rowcrew.bundled.investigation.settings import FREE
from rowcrew.bundled.investigation.tools.passages import Passage
from rowcrew.bundled.retrieval.chunking import TOKEN

NOTHING: Final = "The documents do not say."
_MOST_QUOTES: Final = 3
_LEAST_WORDS: Final = 3
_LONGEST_QUOTE: Final = 600
_SENTENCE: Final = re.compile(r"[^.!?\n]+(?:\n(?!\s*\n)[^.!?\n]+)*[.!?]*")
_SAYING_NOTHING: Final = """
a about all an and any are as at be been but by can could did do does for from had has have how i if
in into is it its may me must no not of on or should so that the their them there these they this to
under was we were what when where which who whom whose why will with would you your
"""
_IDLE: Final = frozenset(_SAYING_NOTHING.split())


class Offline:
    """A planner without a model."""

    name = "offline"
    model = "offline"
    prices = FREE

    def input_tokens(self, conversation: Conversation) -> int:
        texts = [result.content for step in conversation.steps for result in step.results or ()]
        return sum(_tokens(text) for text in (conversation.question, *texts))

    def ask(self, conversation: Conversation, *, request_id: str, most_output: int, seconds: float) -> Reply:  # noqa: ARG002
        turn = _next_turn(conversation, most_output)
        written = _tokens(turn.text) + sum(_tokens(str(call.arguments)) for call in turn.calls)
        return Reply(
            turn=turn, input_tokens=self.input_tokens(conversation), output_tokens=min(written, most_output)
        )


def _next_turn(conversation: Conversation, most_output: int) -> Turn:
    asked = sum(len(step.turn.calls) for step in conversation.steps if step.turn)
    found = list(_passages(conversation))
    call = None if conversation.is_last else _next_call(conversation, asked, found)
    if call is not None:
        tool, arguments = call
        return Turn(text="", calls=(Call(id=f"call_{asked + 1}", tool=tool, arguments=arguments),))
    return _answer(conversation.question, found, most_output)


def _next_call(
    conversation: Conversation, asked: int, found: Sequence[Passage]
) -> tuple[str, dict[str, Any]] | None:
    tools = {tool.name for tool in conversation.tools}
    if asked == 0 and "semantic_search" in tools:
        return "semantic_search", {"query": conversation.question}
    if not found and asked < 2 and "literal_search" in tools:
        words = sorted(_words(conversation.question), key=lambda word: (-len(word), word))
        return ("literal_search", {"text": words[asked]}) if len(words) > asked else None
    if found and asked == 1 and "read_document" in tools:
        first = found[0]
        return "read_document", {"documentId": first.document_id, "place": max(1, first.place - 1)}
    return None


def _passages(conversation: Conversation) -> Iterator[Passage]:
    for step in conversation.steps:
        for result in step.results or ():
            if not result.is_error:
                yield from msgspec.json.decode(result.content, type=list[Passage])


def _answer(question: str, found: Sequence[Passage], most_output: int) -> Turn:
    """The sentences nearest to the question, as many as fit."""
    lines: list[str] = []
    ended: Ended = "whole"
    for quote, chunk in _best_sentences(question, found):
        line = f'"{quote}" [chunk {chunk}]'
        if _tokens("\n".join([*lines, line])) > most_output:
            ended = "cut"
            break
        lines.append(line)
    return Turn(text="\n".join(lines) if lines or ended == "cut" else NOTHING, ended=ended)


def _best_sentences(question: str, found: Sequence[Passage]) -> list[tuple[str, int]]:
    """Sentences that share words with the question; a word that few sentences have counts for more."""
    sentences: dict[str, int] = {}
    for passage in found:
        for match in _SENTENCE.finditer(passage.text):
            sentence = match[0].strip()
            if len(sentence) <= _LONGEST_QUOTE and len(sentence.split()) >= _LEAST_WORDS:
                sentences.setdefault(sentence, passage.chunk_id)
    words = {sentence: _words(sentence) for sentence in sentences}
    having = Counter(word for each in words.values() for word in each)
    asked = _words(question)
    scores = {
        sentence: sum(math.log(1 + len(sentences) / having[word]) for word in each & asked)
        for sentence, each in words.items()
    }
    best = sorted(filter(scores.__getitem__, sentences), key=lambda each: -scores[each])
    return [(sentence, sentences[sentence]) for sentence in best[:_MOST_QUOTES]]


def _words(text: str) -> frozenset[str]:
    """The words that say something, without the endings of plurals and of past tenses."""
    words = (word for word in re.findall(r"\w+", text.lower()) if word not in _IDLE)
    return frozenset(re.sub(r"(?<=\w{3})(?:ies|es|s|ed|ing|y|e)$", "", word) for word in words)


def _tokens(text: str) -> int:
    return sum(1 for _ in TOKEN.finditer(text))
