"""What the job takes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class SendInvoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An invoice to send."""

    customer: Annotated[str, Meta(min_length=1)]
    cents: Annotated[int, Meta(gt=0)]
