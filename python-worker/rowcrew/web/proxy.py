"""A proxy that has people sign in, and names them in a header of each request.

In: who is at the other end of the connection, and headers. Out: the name, believed from the proxy alone. Made
by `rowcrew web`, asked by the login.
"""

from __future__ import annotations

import hmac
import ipaddress
from typing import Final, NamedTuple

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from rowcrew.settings.readers import Network, Secret
from rowcrew.table.web_users import WebRole
from rowcrew.web.problems import Refused

PROOF_HEADER: Final = "X-Proxy-Secret"

_PEER: Final = "rowcrew.peer"


class Proxy(NamedTuple):
    """Whom to believe about who somebody is.

    Attributes:
        header: where the name stands.
        networks: from where the proxy asks; empty = from anywhere, with the secret.
        secret: what the proxy shows in `X-Proxy-Secret`; None = it shows nothing, and has an address.
        role: of people who are no users of the web; None = they are refused.
        sign_out: where the proxy ends what it knows of somebody; None = it has no such place.
    """

    header: str
    networks: tuple[Network, ...]
    secret: Secret | None
    role: WebRole | None = None
    sign_out: str | None = None

    def named(self, scope: Scope, headers: Headers) -> str | None:
        """Whom the proxy names, in small letters; None = it names nobody, or somebody else asks.

        Raises:
            Refused: it names two.
        """
        names = headers.getlist(self.header)
        if not names or not self._is_the_peer(scope) or not self._shows_the_secret(headers):
            return None
        if len(names) > 1:
            raise Refused(
                400, f"{self.header} came twice, so a client may have sent one: let the proxy replace it"
            )
        return names[0].strip().lower() or None

    def _is_the_peer(self, scope: Scope) -> bool:
        if not self.networks:
            return True
        try:
            peer = ipaddress.ip_address(scope.get(_PEER, ""))
        except ValueError:
            return False
        return any(peer in network for network in self.networks)

    def _shows_the_secret(self, headers: Headers) -> bool:
        if self.secret is None:
            return bool(self.networks)
        shown = headers.getlist(PROOF_HEADER)
        return len(shown) == 1 and hmac.compare_digest(shown[0].encode(), self.secret.encode())


class PeerNoted:
    """The middleware that notes who is at the other end, before a header says for whom that one asks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if client := scope.get("client"):
            scope[_PEER] = client[0]
        await self._app(scope, receive, send)
