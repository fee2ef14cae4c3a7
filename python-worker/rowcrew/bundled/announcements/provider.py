"""Who reads filings: the rules, or the model that the settings name.

In: the context of a run. Out: a provider. Called by `ai_processing`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rowcrew.bundled.announcements.filing import Filing
from rowcrew.bundled.announcements.model.reading import ModelReader
from rowcrew.bundled.announcements.processed import Analysis
from rowcrew.bundled.announcements.rules.analysis import ENGINE, analysed
from rowcrew.bundled.announcements.settings import AnnouncementSettings
from rowcrew.context import Context
from rowcrew.model_server import ModelServer, pause_of

_ANSWER_SECONDS = 120


class Provider(NamedTuple):
    """Reads filings; `engine` is its name in what was read, and another name reads a file anew."""

    engine: str
    analysed: Callable[[Filing, Sequence[str]], Analysis]


def provider_of(context: Context) -> Provider:
    """The provider that the settings lead to."""
    settings = AnnouncementSettings.read()
    if settings.model_url is None or settings.model is None:
        return Provider(ENGINE, analysed)
    server = ModelServer(
        url=settings.model_url,
        key=settings.model_key,
        setting="ANNOUNCEMENT_MODEL_URL",
        pause=pause_of(context),
        answer_seconds=_ANSWER_SECONDS,
    )
    reader = ModelReader(server=server, model=settings.model)
    return Provider(reader.engine, reader.analysed)
