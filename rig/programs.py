"""Programs as people and scripts start them: their output, line by line, and their exit codes.

`run` waits for the end of one `rowcrew` command, `program` starts what runs until it is stopped, and
`Dialogue` is held with one that answers line by line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from rig.waiting import eventually
from rowcrew import family
from rowcrew.settings.variables import VARIABLES

ROOT = Path(__file__).parents[1]
# Interpreters that begin, a program's and its runners', beside whatever else this machine does.
START_SECONDS = 90
ROWCREW = (sys.executable, "-m", "rowcrew.cli")


def clean_environment(**variables: str) -> dict[str, str]:
    """This environment without any setting of ours, and with byte-code, as an installation has it."""
    ours = {name for variable in (*VARIABLES, *family.variables()) for name in variable.names}
    ours |= {"PYTHONDONTWRITEBYTECODE", "COLUMNS"}
    return {name: value for name, value in os.environ.items() if name not in ours} | variables


def run(
    *arguments: str, stdin: str = "", cwd: Path = ROOT, seconds: float = 60, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*ROWCREW, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=clean_environment(**variables),
        timeout=seconds,
    )


class Program:
    """A program that runs until it is stopped, and the lines it has written so far."""

    def __init__(self, command: tuple[str, ...], cwd: Path, variables: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=cwd,
            env=clean_environment(**variables),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def line(self, start: str) -> str:
        """Wait for a line that starts like this."""
        eventually(lambda: self._found(start) or self.process.poll() is not None, START_SECONDS)
        self._reader.join(0 if self.process.poll() is None else 30)
        assert self._found(start), "\n".join(["it has ended; its lines:", *self.lines])
        return self._found(start)

    def ended(self) -> int:
        """Wait for the end, then for the last line; the exit code."""
        code = self.process.wait(60)
        self._reader.join(30)
        return code

    def stop(self) -> int:
        self.process.terminate()
        return self.ended()

    def _found(self, start: str) -> str:
        return next((line for line in self.lines if line.startswith(start)), "")

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in iter(self.process.stdout.readline, ""))
        self.process.stdout.close()


class Dialogue:
    """A program that answers each line with a line, until the `with` around it ends."""

    def __init__(self, command: Sequence[str], *, cwd: Path = ROOT, **variables: str) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=os.environ | variables,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            self.process.kill()

    def ask(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, self.process.stderr and self.process.stderr.read()
        return answer.rstrip("\n")


@contextmanager
def program(*command: str, cwd: Path = ROOT, **variables: str) -> Iterator[Program]:
    started = Program(command, cwd, variables)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
        started.ended()
