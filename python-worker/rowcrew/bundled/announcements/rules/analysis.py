"""The provider `rules`: an analysis of a filing, by patterns.

In: the announcement as the exchange tells it, and the texts of the file's pages. Out: an `Analysis`. The same
filing gives the same analysis. Called by `ai_processing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rowcrew.bundled.announcements.filing import Filing
from rowcrew.bundled.announcements.processed import Analysis
from rowcrew.bundled.announcements.rules.categories import category_of
from rowcrew.bundled.announcements.rules.figures import figures_of
from rowcrew.bundled.announcements.rules.named import investors_of
from rowcrew.bundled.announcements.rules.sentences import (
    headline_of,
    sentences_of,
    sentiment_of,
    summary_of,
)

ENGINE: Final = "rules-3"


def analysed(filing: Filing, pages: Sequence[str]) -> Analysis:
    """What the words of a filing and of its file say."""
    body = "\n".join(pages)
    text = body if body.strip() else filing.text
    sentences = sentences_of(text)
    # The words of the exchange stand for a file that has none.
    summary = summary_of(sentences, filing.company_name) or filing.text
    category = category_of(filing.hints, filing.subject, " ".join(sentences))
    investors = investors_of(sentences, pages, filing.company_name)
    return Analysis(
        category=category,
        headline=headline_of(filing.subject, summary, category),
        summary=summary,
        financial_data=figures_of(sentences, pages),
        individual_investors=tuple(one.investor for one in investors if one.kind == "individual"),
        company_investors=tuple(one.investor for one in investors if one.kind == "company"),
        sentiment=sentiment_of(" ".join((filing.subject, summary))),
    )
