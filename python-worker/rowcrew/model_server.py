"""A server that speaks OpenAI's wire format, asked with patience.

In: a path and a body. Out: the body of the answer. What a later attempt may get past (no connection,
429, 5xx) is tried several times; what it cannot is a permanent error. No error holds what the server
wrote in words, because servers repeat keys and texts. Called by handlers that ask a model.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec
import urllib3
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from rowcrew import RowcrewError
from rowcrew.context import Context, PermanentError

ATTEMPTS: Final = 5
LONGEST_PAUSE_SECONDS: Final = 30.0
_RETRYABLE: Final = (408, 409, 425, 429)
_NEVER: Final = ("insufficient_quota", "billing_hard_limit_reached")  # told with a 429 that no wait helps
_LOOK_SECONDS: Final = 0.2


class ServerFailed(RowcrewError):
    """The server did not answer; a later attempt may succeed. `after` = seconds that it asks to wait."""

    def __init__(self, told: str, after: float = 0) -> None:
        super().__init__(told)
        self.after = after


class ModelServer:
    """A server of models, and the key it knows us by; `setting` is the variable that names it."""

    def __init__(
        self,
        *,
        url: str,
        key: str | None,
        setting: str,
        pause: Callable[[float], None],
        answer_seconds: float = 60,
    ) -> None:
        self.told = f"the server of {setting}"
        self._url = url.rstrip("/")
        self._headers = {"Content-Type": "application/json", "User-Agent": "rowcrew"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        timeout = urllib3.Timeout(connect=10, read=answer_seconds)
        self._pool = urllib3.PoolManager(retries=False, timeout=timeout)
        self._retrying = Retrying(
            retry=retry_if_exception_type(ServerFailed),
            wait=_wait,
            stop=stop_after_attempt(ATTEMPTS),
            sleep=pause,
            reraise=True,
        )

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        """Ask, and again where that may help.

        Raises:
            PermanentError: it refuses.
            ServerFailed: it could not be reached, or had no time, several times.
        """
        return self._retrying(self._post, path, msgspec.json.encode(body))

    def _post(self, path: str, body: bytes) -> bytes:
        try:
            # A redirect is not followed: it would take the key to where the settings do not point.
            answer = self._pool.request(
                "POST", self._url + path, body=body, headers=self._headers, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise ServerFailed(f"{self.told}: {type(error).__name__}") from error
        if answer.status != 200:
            raise refusal(self.told, answer, answer.data)
        return answer.data


def refusal(server: str, answer: urllib3.BaseHTTPResponse, data: bytes) -> ServerFailed | PermanentError:
    """What an answer other than 200 means: `ServerFailed` if a later attempt may get past it."""
    code = _code(data)
    told = f"{server} answers {answer.status}" + (f" ({code})" if code else "")
    if code not in _NEVER and (answer.status in _RETRYABLE or answer.status >= 500):
        return ServerFailed(told, _seconds(answer.headers.get("Retry-After", "")))
    return PermanentError(told)


def pause_of(context: Context) -> Callable[[float], None]:
    """A way to wait that stops when the run must."""

    def pause(seconds: float) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            context.stop_if_cancelled()
            time.sleep(min(left, _LOOK_SECONDS))

    return pause


def _code(data: bytes) -> str:
    """What an error is called, a word such as `invalid_api_key`, if the answer has one."""
    try:
        error = msgspec.json.decode(data, type=dict[str, Any]).get("error")
    except msgspec.MsgspecError:
        return ""
    if not isinstance(error, dict):
        return ""
    words = (error.get("code"), error.get("type"))
    return next((word for word in words if isinstance(word, str) and _is_word(word)), "")


def _is_word(text: str) -> bool:
    return len(text) <= 60 and text.isascii() and text.replace("_", "").isalnum()


def _seconds(retry_after: str) -> float:
    """What a server asks to wait, in seconds or until a date. Nonsense may stand there: then we choose."""
    try:
        seconds = float(retry_after)
    except ValueError:
        seconds = _until(retry_after)
    return seconds if 0 <= seconds < math.inf else 0.0


def _until(date: str) -> float:
    try:
        return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, ServerFailed) else 0.0
    return min(LONGEST_PAUSE_SECONDS, max(asked, math.ldexp(0.5, state.attempt_number - 1)))
