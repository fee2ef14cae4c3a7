"""How many tokens a model will read, before it has: rather too many than too few.

In: a conversation. Out: a number. What the last turn read and wrote is known by then, and the next turn reads
all of it again; only what came since is counted by its bytes. Pure. Called by the providers that ask servers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import msgspec

from rowcrew.bundled.investigation.conversation import LAST_STEP, SYSTEM, Conversation

_BYTES_PER_TOKEN: Final = 3  # English has four to five, code three to four
_UNSEEN_TOKENS: Final = 400  # what vendors put before tools, and nobody sees
_TOKENS_PER_MESSAGE: Final = 20


def input_tokens(conversation: Conversation) -> int:
    """How many tokens the next turn reads."""
    last = conversation.steps[-1] if conversation.steps else None
    if last is not None and last.usage is not None:
        results = [result.content for result in last.results or ()]
        return last.usage.tokens + _by_bytes([*results, LAST_STEP]) + _TOKENS_PER_MESSAGE * (len(results) + 1)
    tools = msgspec.json.encode(conversation.tools).decode()
    return _by_bytes([SYSTEM, conversation.question, tools]) + _UNSEEN_TOKENS


def counted(text: str) -> int:
    """How many tokens a text has, where a server does not say."""
    return _by_bytes([text])


def _by_bytes(texts: Iterable[str]) -> int:
    return math.ceil(sum(len(text.encode()) for text in texts) / _BYTES_PER_TOKEN)
