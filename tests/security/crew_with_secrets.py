"""Handlers that meet a secret and stumble over it in every way there is. Loaded by runner processes."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from rowcrew import Backoff, Context, Crew, PermanentError

AT_ONCE = Backoff(base_seconds=0.01, factor=1.0, cap_seconds=0.01)

crew = Crew()


@crew.job("show_environment")
async def show_environment(context: Context, into: str) -> None:
    Path(into).write_text(json.dumps(dict(os.environ)))  # noqa: ASYNC240 - a local file


@crew.job("takes_a_number", max_attempts=1)
async def takes_a_number(number: int) -> int:
    return number


@crew.job("stumbles", max_attempts=2, backoff=AT_ONCE)
async def stumbles(context: Context, how: str, secret: str) -> None:
    try:
        await _stumble(context, how, secret)
    except Exception:
        logging.getLogger("library").warning("it stumbled over %s", how)
        raise


async def _stumble(context: Context, how: str, secret: str) -> None:
    match how:
        case "address":
            raise ConnectionError(f"cannot reach postgresql://admin:{secret}@db.example/main")
        case "setting":
            raise ValueError(f"bad settings: password={secret} user=admin")
        case "header":
            raise ValueError(f"401 for {{'Authorization': 'Bearer {secret}'}}")
        case "json":
            raise PermanentError(json.dumps({"api_key": secret, "user": 7}))
        case "cause":
            raise RuntimeError("could not log in") from ValueError(f"token={secret}")
        case "variable":
            raise ZeroDivisionError(1 / 0 if secret else 0)
        case "row":
            async with context.transaction() as connection:
                await connection.execute("INSERT INTO narrow VALUES (1, %s)", (secret,))
        case "own address":
            raise RuntimeError(f"could not connect with {os.environ['DATABASE_URL']}")
