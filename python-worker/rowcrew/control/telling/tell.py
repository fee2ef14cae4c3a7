"""Tells one receiver of one message, in the way that the receiver asks for.

In: a receiver and a message. Out: None when it was told, or why not in one line. Called by the chore
`tell_events`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Final

from rowcrew.control.telling.program import run_program
from rowcrew.control.telling.signature import signed
from rowcrew.installed import PACKAGE
from rowcrew.log import Log
from rowcrew.model.event import Message, Receiver
from rowcrew.settings import Settings, event_environment

# Without the user's packages and paths: it needs nothing but the standard library and two of our modules, and
# starts twice as fast. Our directory comes last, so that nothing beside us stands in for the library.
WEBHOOK: Final = (
    *(sys.executable, "-I", "-S", "-c"),
    "import sys; sys.path.append(sys.argv[1]); from rowcrew.control.telling.webhook import main; main()",
    str(PACKAGE.parent),
)


class Teller:
    """The ways in which this worker can tell receivers."""

    def __init__(self, *, settings: Settings, log: Log) -> None:
        self._allowed = [str(network) for network in settings.event_allow_private]
        self._environment = event_environment(settings)
        self._commands = {command.name: command.words for command in settings.event_commands}
        self._keys: Mapping[str, list[bytes]] = {
            one.receiver: [same.key for same in settings.event_secrets if same.receiver == one.receiver]
            for one in settings.event_secrets
        }
        self._log = log

    def can_tell(self, receiver: Receiver) -> bool:
        """Whether this worker knows the secret or the command of the receiver; others may."""
        match receiver.via:
            case "webhook":
                return receiver.name in self._keys
            case "command":
                return receiver.target in self._commands
        return True

    async def tell(self, receiver: Receiver, message: Message) -> str | None:
        """Tell it within the receiver's time; why it was not told, or None."""
        match receiver.via:
            case "webhook":
                return await self._post(receiver, message)
            case "command":
                return await run_program(
                    self._commands[receiver.target or ""],
                    message.body,
                    environment=self._environment,
                    seconds=receiver.timeout_seconds,
                )
        self._write_line(message)
        return None

    def _write_line(self, message: Message) -> None:
        self._log.event(
            "event.told",
            message_id=message.id,
            kind=message.kind,
            subject=message.subject,
            queue=message.queue,
            type=message.type,
            count=message.count,
            detail=message.detail,
        )

    async def _post(self, receiver: Receiver, message: Message) -> str | None:
        body = message.body
        asked = {
            "url": receiver.target,
            "headers": {
                "Content-Type": "application/json",
                "User-Agent": "rowcrew",
                **signed(str(message.id), body, self._keys[receiver.name], at=message.at),
            },
            "body": body.decode(),
            "allowed": self._allowed,
            "seconds": receiver.timeout_seconds,
        }
        return await run_program(
            WEBHOOK,
            json.dumps(asked).encode(),
            environment=self._environment,
            seconds=receiver.timeout_seconds,
        )
