"""What a provider is: it asks a model for the next turn, and says what that took.

In: a conversation. Out: a `Reply`. Called by the handler; implemented by the other files of this folder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from rowcrew.bundled.investigation.conversation import Conversation, Turn
from rowcrew.bundled.investigation.settings import Prices

Look = Callable[[], None]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A turn and what it took; `vendor_id` is what the server knows the request by."""

    turn: Turn
    input_tokens: int
    output_tokens: int
    vendor_id: str | None = None


class Provider(Protocol):
    """Asks a model.

    Attributes:
        name: as the payload names it.
        model: which one.
        prices: what its tokens cost.
    """

    name: str
    model: str
    prices: Prices

    def input_tokens(self, conversation: Conversation) -> int:
        """How many tokens the next turn reads, rather too many than too few."""
        ...

    def ask(self, conversation: Conversation, *, request_id: str, most_output: int, seconds: float) -> Reply:
        """The next turn, of at most so many tokens.

        Raises:
            PermanentError: the server refuses, and will again.
            Retry: it has no time; a later attempt may be answered.
            OutOfTime: it did not answer within `seconds`.
        """
        ...


class OutOfTime(Exception):
    """The seconds that the investigation had left are over."""
