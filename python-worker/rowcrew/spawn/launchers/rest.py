"""A small client for places that speak JSON over HTTP and have no library here: Kubernetes, Render.

In: a method, a path, a body. Out: the status and the JSON that came back; PlaceFailed when nothing did. What
a status means is for the caller. An answer that got lost is asked for again only where a repeat is harmless.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from rowcrew.spawn.launcher import PlaceFailed

_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 20
_PASSING: Final = (429, 500, 502, 503, 504)
_MOST_WORDS: Final = 500


class Answer(NamedTuple):
    """What a place has answered. `body` is empty when it was no JSON object or list."""

    status: int
    body: Any

    def told(self, what: str) -> str:
        """Why this answer is a refusal, in the place's own words."""
        said = self.body.get("message") if isinstance(self.body, dict) else None
        return f"{what}: {self.status} {said or 'without a reason'}"[:_MOST_WORDS]


class Rest:
    """One place's API.

    Args:
        token: asked for at each request, because it may be renewed between two.
        authority: the file of the certificates that vouch for the place; None = those of the system.
    """

    def __init__(
        self, url: str, *, place: str, token: Callable[[], str], authority: str | None = None
    ) -> None:
        from urllib3 import PoolManager, Timeout

        self._url = url.rstrip("/")
        self._place = place
        self._token = token
        timeout = Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
        self._pool = PoolManager(timeout=timeout, ca_certs=authority)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        is_repeatable: bool = True,
    ) -> Answer:
        """Raises PlaceFailed when no answer comes."""
        from urllib3 import Retry
        from urllib3.exceptions import HTTPError

        retries = Retry(
            total=2,
            read=2 if is_repeatable else 0,
            allowed_methods=None,
            status_forcelist=_PASSING if is_repeatable else (),
            backoff_factor=0.2,
            raise_on_status=False,
            redirect=0,
            respect_retry_after_header=False,  # it would repeat what is not repeatable, and wait for hours
        )
        headers = {"Authorization": f"Bearer {self._token()}", "Accept": "application/json"}
        url = f"{self._url}{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        try:
            answer = self._pool.request(method, url, json=body, headers=headers, retries=retries)
        except HTTPError as error:
            raise PlaceFailed(
                f"{self._place} does not answer at {self._url}: {error}"[:_MOST_WORDS]
            ) from error
        return Answer(answer.status, _decoded(answer.data))


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return {}
