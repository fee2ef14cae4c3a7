"""The body of a request, as far as it may go: so many bytes, within so many seconds.

In: a request. Out: bytes, or a refusal. Called before anything is asked of the database, so that a client
which is slow holds no connection to it.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from rowcrew.web.problems import Refused

BODY_SECONDS: Final = 10.0


async def body_of(request: Request, *, most: int, field: str | None = None) -> bytes:
    """
    Raises:
        Refused: it is larger, slower, or the client has left; `field` is what is probably too large.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _bounded(request, most, field)
    except TimeoutError:
        raise Refused(408, f"the body had not come after {BODY_SECONDS:g} seconds") from None
    except ClientDisconnect:
        raise Refused(400, "the client left before its body had come") from None


async def _bounded(request: Request, most: int, field: str | None) -> bytes:
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > most:
            raise Refused(413, f"the body is larger than {most} bytes: enqueue a reference", field=field)
    return bytes(content)
