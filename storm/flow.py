"""Limits and schedules of a storm: rows that stand before any worker starts, and jobs that come under them.

In: the table of a storm. Out: for `load` where a job goes, for `hands` what they change. `rules.limits` and
`rules.schedules` judge.
"""

from __future__ import annotations

import random
from typing import Any, Final

NARROW: Final = "narrow"
FAIR: Final = "fair"
PACED: Final = "paced"
KEY: Final = "everywhere"
TICKS: Final = "ticks"
EVERY_SECONDS: Final = 2
WIDTHS: Final = (2, 3, 4)

SETUP: Final = f"""
INSERT INTO queues (queue, "maxConcurrent") VALUES ('{NARROW}', 3);
INSERT INTO queues (queue, "maxConcurrentPerKey", "rateLimitPerKey", "ratePeriodSeconds")
VALUES ('{FAIR}', 1, 2, 1);
INSERT INTO queues (queue, "rateLimit", "ratePeriodSeconds") VALUES ('{PACED}', 3, 1);
INSERT INTO limits (key, "maxConcurrent", "rateLimit", "ratePeriodSeconds") VALUES ('{KEY}', 2, 3, 1);
INSERT INTO schedules (name, type, payload, "maxAttempts", "everySeconds", missed)
VALUES ('{TICKS}', '{TICKS}', '{{"tick": "{{tick}}"}}', 25, {EVERY_SECONDS}, 'all');
INSERT INTO schedules (name, type, payload, queue, "maxAttempts", "everySeconds", overlap)
VALUES ('in turns', 'sleeps_in_thread', '{{"seconds": 1.5}}', '{NARROW}', 25, 3, 'queueOne'),
       ('one at a time', 'sleeps_in_thread', '{{"seconds": 3}}', NULL, 25, 2, 'skip'),
       ('the newest', 'sleeps_in_thread', '{{"seconds": 4}}', NULL, 25, 3, 'cancelOld');
INSERT INTO schedules (name, type, payload, "maxAttempts", cron, missed)
VALUES ('by the minute', 'sleeps', '{{"seconds": 0.01}}', 25, '* * * * *', 'once');
"""
# Otherwise new ones came for ever.
NO_MORE_TICKS: Final = "UPDATE schedules SET paused = true"


def place(dice: random.Random) -> dict[str, Any]:
    """The queue and key of a job: mostly those without a limit."""
    draw = dice.random()
    if draw < 0.06:
        return {"queue": NARROW}
    if draw < 0.12:
        return {"queue": FAIR, "concurrencyKey": f"tenant {dice.randint(1, 3)}"}
    if draw < 0.15:
        return {"queue": PACED}
    if draw < 0.18:
        return {"queue": dice.choice((NARROW, "default")), "concurrencyKey": KEY}
    return {}
