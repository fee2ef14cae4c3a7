"""The type `supabase_upload`: keeps what was read of an announcement, all three tables or none.

In: the payload of a job. Out: the rows, and whether they are new. Where the tables are beside the jobs, they
commit together with the job's completion. Investors become a child.
"""

from __future__ import annotations

from typing import Final

import msgspec

from rowcrew.bundled.announcements.kept import Kept, keep
from rowcrew.bundled.announcements.payload import SupabaseUpload
from rowcrew.bundled.announcements.processed import Processed
from rowcrew.bundled.announcements.target import target
from rowcrew.context import Context
from rowcrew.crew import Crew

# Whoever watches such a category hears of it, also where a filing names no investor.
MATTERS: Final = frozenset(
    {
        "Bonus/Stock Split",
        "Buyback",
        "Default on Debt",
        "Delisting",
        "Dividend",
        "Divestment",
        "Financial Results",
        "Fundraise - Preferential",
        "Fundraise - QIP",
        "Fundraise - Rights",
        "Insolvency",
        "Mergers/Acquisitions",
        "New Order",
        "Open Offer",
        "Pledge of Shares",
        "Shareholding Disclosure",
    }
)
crew = Crew()


@crew.job("supabase_upload", queue="supabase_upload", executor="thread")
def supabase_upload(payload: SupabaseUpload, context: Context) -> Kept:
    """Keep an announcement that was read, with its figures and investors."""
    processed = payload.processed
    with target(context) as connection:
        kept = keep(connection, payload.corp_id, processed, update_existing=payload.update_existing)
    context.progress(1, 1, f"Saved announcement and {_counted(len(kept.figure_ids))}")
    if _is_for_investors(processed):
        context.enqueue(
            "investor_processing",
            {
                "corpId": payload.corp_id,
                "category": processed.category,
                "individualInvestors": msgspec.to_builtins(processed.individual_investors),
                "companyInvestors": msgspec.to_builtins(processed.company_investors),
            },
            queue="investor_processing",
            unique_key=payload.corp_id,
        )
    return kept


def _is_for_investors(processed: Processed) -> bool:
    named = processed.individual_investors or processed.company_investors
    return bool(named) or processed.category in MATTERS


def _counted(figures: int) -> str:
    return "1 figure" if figures == 1 else f"{figures} figures"
