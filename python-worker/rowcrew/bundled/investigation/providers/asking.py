"""Asks a server of models for one answer, again and again while a later answer may be better.

In: a request, its id, and the seconds that are left. Out: the body of the answer. What a later attempt may
get past (no connection, 408, 409, 425, 429, 5xx) is tried five times, after the time that the server asks
for; a pause of more than a minute is left to the job's next attempt. What it cannot is a permanent error. No
error holds what the server wrote in words, because servers repeat keys and texts. Called by the providers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import urllib3

from rowcrew.bundled.investigation.providers.background import in_background
from rowcrew.bundled.investigation.providers.provider import Look, OutOfTime
from rowcrew.context import PermanentError, Retry
from rowcrew.model_server import ServerFailed, refusal

ATTEMPTS: Final = 5
LONGEST_PAUSE_SECONDS: Final = 60.0
_CONNECT_SECONDS: Final = 10.0
_LONGEST_ANSWER_SECONDS: Final = 600.0
_LARGEST_ANSWER: Final = 8 * 2**20
_LOOK_SECONDS: Final = 0.2


class Answer(msgspec.Struct, frozen=True):
    """What the server answered; `vendor_id` is what it knows the request by."""

    body: bytes
    vendor_id: str | None


class Server:
    """A server of models.

    Args:
        setting: the variable that says where it is, for errors.
        look: is called several times a second during waits, and may raise.
    """

    def __init__(self, *, url: str, setting: str, headers: Mapping[str, str], look: Look) -> None:
        self._told = f"the server of {setting}"
        self._url = url
        self._headers = {"Content-Type": "application/json", "User-Agent": "rowcrew", **headers}
        self._look = look
        self._pool = urllib3.PoolManager(retries=False)

    def asked(self, body: Mapping[str, Any], *, request_id: str, seconds: float) -> Answer:
        """The answer to a request.

        Raises:
            PermanentError: the server refuses.
            Retry: it has no time for longer than a run should wait.
            OutOfTime: it did not answer within `seconds`.
        """
        content = msgspec.json.encode(body)
        ends = time.monotonic() + seconds
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(content, request_id, ends)
            except ServerFailed as error:
                pause = max(error.after, math.ldexp(0.5, attempt))
                if attempt == ATTEMPTS or pause > LONGEST_PAUSE_SECONDS:
                    raise Retry(pause, str(error)) from error
                self._wait(pause, ends)
        raise AssertionError

    def _once(self, content: bytes, request_id: str, ends: float) -> Answer:
        left = ends - time.monotonic()
        if left <= 0:
            raise OutOfTime
        longest = min(left, _LONGEST_ANSWER_SECONDS)
        timeout = urllib3.Timeout(connect=min(_CONNECT_SECONDS, longest), total=longest)
        # A server that knows the key answers a request that it has answered without another bill.
        headers = {**self._headers, "Idempotency-Key": request_id}

        def look() -> None:
            if time.monotonic() > ends:
                raise OutOfTime
            self._look()

        return in_background(lambda: self._sent(content, headers, timeout), look)

    def _sent(self, content: bytes, headers: Mapping[str, str], timeout: urllib3.Timeout) -> Answer:
        try:
            # A redirect is not followed: it would take the key to where the settings do not point.
            answer = self._pool.request(
                "POST",
                self._url,
                body=content,
                headers=headers,
                timeout=timeout,
                redirect=False,
                preload_content=False,
            )
            data = answer.read(_LARGEST_ANSWER + 1)
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise ServerFailed(f"{self._told}: {type(error).__name__}") from error
        if answer.status != 200:
            raise refusal(self._told, answer, data)
        if len(data) > _LARGEST_ANSWER:
            raise PermanentError(f"{self._told} answers more than {_LARGEST_ANSWER:,} bytes")
        return Answer(data, answer.headers.get("request-id") or answer.headers.get("x-request-id"))

    def _wait(self, seconds: float, ends: float) -> None:
        until = time.monotonic() + seconds
        if until >= ends:
            raise OutOfTime
        while (left := until - time.monotonic()) > 0:
            self._look()
            time.sleep(min(left, _LOOK_SECONDS))
