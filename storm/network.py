"""A network of its own for one worker process, whose packets a filter can drop, refuse or lose.

In: root, iproute2 and nftables; `refusal` tells what is missing. Out: a namespace with one cable to this
machine. Nothing else in the storm drops packets: the proxies acknowledge what they swallow.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

# What the filter of the namespace does with what comes in, and with what goes out.
RULES: Final[Mapping[str, tuple[str, str]]] = {
    "drop all packets": ("drop", "drop"),
    "drop incoming packets": ("drop", "accept"),
    "drop outgoing packets": ("accept", "drop"),
    "refuse packets": ("accept", "meta l4proto tcp reject with tcp reset"),
    "lose packets": ("numgen random mod 10 0 drop", "numgen random mod 10 0 drop"),
}


class Namespace:
    """A network namespace that lasts as long as the context manager.

    Attributes:
        entrance: before a command, runs it inside.
        here: the address of this machine as seen from inside.
    """

    def __init__(self) -> None:
        self._name = f"storm-{os.getpid()}"
        self._cable = f"storm{os.getpid()}"
        # Four addresses of its own, so that two storms at once do not meet.
        self._first = ipaddress.ip_address("10.213.0.0") + os.getpid() % (1 << 14) * 4
        self.here = str(self._first + 1)
        self.entrance = ("ip", "netns", "exec", self._name)

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The cable goes with the namespace that one of its ends is in, as soon as nobody lives there.
        for command in (("link", "delete", self._cable), ("netns", "delete", self._name)):
            subprocess.run(["ip", *command], check=False, capture_output=True)

    def hurt(self, kind: str) -> None:
        """Treat packets as the rules of this kind say, until `heal`."""
        coming, going = RULES[kind]
        self._filter(
            "flush ruleset; table inet storm {"
            f" chain coming {{ type filter hook input priority 0; {coming}; }};"
            f" chain going {{ type filter hook output priority 0; {going}; }}; }}"
        )

    def heal(self) -> None:
        self._filter("flush ruleset")

    def _make(self) -> None:
        end = f"{self._cable}b"
        for command in (
            f"ip netns add {self._name}",
            f"ip link add {self._cable} type veth peer name {end}",
            f"ip link set {end} netns {self._name}",
            f"ip addr add {self.here}/30 dev {self._cable}",
            f"ip link set {self._cable} up",
            f"ip -n {self._name} addr add {self._first + 2}/30 dev {end}",
            f"ip -n {self._name} link set {end} up",
            f"ip -n {self._name} link set lo up",
        ):
            subprocess.run(command.split(), check=True, capture_output=True)
        for kind in RULES:
            self.hurt(kind)
        self.heal()

    def _filter(self, rules: str) -> None:
        subprocess.run([*self.entrance, "nft", rules], check=True, capture_output=True)


def refusal() -> str:
    """Why this machine gives no namespace; empty if it does."""
    missing = [program for program in ("ip", "nft") if shutil.which(program) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: iproute2, nftables)"
    try:
        with Namespace():
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        words = getattr(error, "stderr", None) or str(error).encode()
        return f"not permitted: {words.decode(errors='replace').strip()}"
