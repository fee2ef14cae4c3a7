"""The providers: one works offline by rules, the others ask a server for turns of a model.

In: the name that a payload has. Out: a `Provider`. Called by the handler.
"""

from __future__ import annotations

from rowcrew.bundled.investigation.providers.provider import Look, OutOfTime, Provider, Reply

__all__ = ["Look", "OutOfTime", "Provider", "Reply", "provider_of"]


def provider_of(name: str, look: Look) -> Provider:
    """The provider that a payload names.

    Args:
        look: is called several times a second during waits, and may raise to end them.

    Raises:
        PermanentError: it needs settings that are not there.
    """
    match name:
        case "anthropic":
            from rowcrew.bundled.investigation.providers.anthropic import anthropic

            return anthropic(look)
        case "openai-compatible":
            from rowcrew.bundled.investigation.providers.openai_compatible import openai_compatible

            return openai_compatible(look)
        case _:
            from rowcrew.bundled.investigation.providers.offline import Offline

            return Offline()
