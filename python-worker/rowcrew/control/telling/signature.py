"""The headers that let a receiver trust a webhook, as Standard Webhooks define them.

In: a message, its body and the secrets of its receiver. Out: headers. Called by `tell`.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable


def signed(id: str, body: bytes, keys: Iterable[bytes], *, at: int) -> dict[str, str]:
    """The headers of a webhook sent `at` this second, with a signature for each key: the new and the old."""
    content = b"%b.%d.%b" % (id.encode(), at, body)
    signatures = [b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys]
    return {
        "webhook-id": id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
