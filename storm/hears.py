"""`python -I -S hears.py FILE`: the program that workers start to tell of an event.

In: a message on standard input. Out: a line in the file, and an exit code. `receivers` hears by the same
function; it takes nothing but the standard library, so that it starts quickly.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

# Of so many messages one is heard and, the first time, answered with an error.
ODD_ONE: Final = 5


def hear(file: Path, receiver: str, text: bytes) -> bool:
    """Write the message down; whether to say that it was heard."""
    message = json.loads(text)
    is_new = f'"id":{message["id"]},' not in file.read_text()
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, line({"receiver": receiver, "message": message}) + b"\n")
    finally:
        os.close(descriptor)
    return bool(message["id"] % ODD_ONE or not is_new)


def line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def id_of(text: bytes) -> int:
    return int(json.loads(text)["id"])


if __name__ == "__main__":
    sys.exit(0 if hear(Path(sys.argv[1]), "the-program", sys.stdin.buffer.read()) else "heard, and not well")
