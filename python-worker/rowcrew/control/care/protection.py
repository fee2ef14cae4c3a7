"""Keeps ECS from ending this task while a job runs: a service that scales in, or deploys, ends idle ones.

In: whether the ledger has a job, and the address of the task's agent. Out: a request to the agent when that
changes, and again before the protection expires. Made by `organs` only in a task of ECS. The agent is asked
in a thread: no heartbeat waits for it.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any, Final
from urllib.parse import urlsplit

from rowcrew.control.clock import Clock
from rowcrew.control.ledger import Ledger
from rowcrew.log import Log
from rowcrew.model.cleaning import clean_line

TICK_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 10.0
"""A worker with short jobs is idle for moments, and ECS takes only so many requests of an account."""
EXPIRES_MINUTES: Final = 60
RENEWED_SECONDS: Final = EXPIRES_MINUTES * 60 / 2
PAUSE_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 5.0
_STANDALONE: Final = "TASK_NOT_VALID"


class TaskProtection:
    """The protection of this worker's task.

    Args:
        agent: the address of the task's agent.

    Attributes:
        is_on: whether the task is protected, as far as the agent has said.
    """

    def __init__(self, *, agent: str, ledger: Ledger, clock: Clock, log: Log) -> None:
        self._agent = agent
        self._ledger = ledger
        self._clock = clock
        self._log = log
        self.is_on = False
        self._busy_at = float("-inf")
        self._asked_at = float("-inf")
        self._not_before = float("-inf")
        self._told = ""

    async def run(self) -> None:
        """Until the worker ends, or ECS has said that it protects no such task."""
        while await self.once():
            await self._clock.sleep(TICK_SECONDS)

    async def once(self) -> bool:
        """Ask for what is due; whether there will ever be something to ask for."""
        now = self._clock.now()
        if self._ledger:
            self._busy_at = now
        wanted = now - self._busy_at < IDLE_SECONDS
        is_due = wanted != self.is_on or (wanted and now - self._asked_at >= RENEWED_SECONDS)
        if not is_due or now < self._not_before:
            return True
        refusal = await asyncio.to_thread(_refusal, self._agent, wanted)
        if refusal is None:
            self.is_on, self._asked_at, self._told = wanted, now, ""
            return True
        self._not_before = now + PAUSE_SECONDS
        if refusal.startswith(_STANDALONE):
            return False  # no service owns this task, and so none ends it
        if refusal != self._told:
            self._told = refusal
            self._log.event("task.not_protected", reason=refusal)
        return True


def _refusal(agent: str, is_wanted: bool) -> str | None:
    """Set the protection; why it was not set."""
    wanted: dict[str, Any] = {"ProtectionEnabled": is_wanted}
    if is_wanted:
        wanted["ExpiresInMinutes"] = EXPIRES_MINUTES
    address = urlsplit(agent)
    connection = http.client.HTTPConnection(address.netloc, timeout=_ANSWER_SECONDS)
    try:
        connection.request(
            "PUT",
            f"{address.path}/task-protection/v1/state",
            json.dumps(wanted),
            {"Content-Type": "application/json"},
        )
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"the agent of the task does not answer: {clean_line(str(error))}"
    finally:
        connection.close()
    match answer:
        case {"failure": {"Reason": reason, **more}}:
            return clean_line(f"{reason} {more.get('Detail') or ''}".strip())
        case {"error": {"Code": code, **more}}:
            return clean_line(f"{code}: {more.get('Message') or ''}")
        case {"protection": _}:
            return None
    return f"the agent of the task answers {clean_line(json.dumps(answer))[:200]}"
