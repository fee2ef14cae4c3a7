"""A web server, started in a copy of the examples as at a terminal, and what is asked of it over HTTP."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.parse
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psutil

from rig.ports import free_port
from rig.programs import ROOT, Program, program
from rig.waiting import eventually

EXAMPLES: Final = ROOT / "examples"


class Server:
    """A running server, its folder and its address."""

    def __init__(self, started: Program, folder: Path, port: int) -> None:
        self.program = started
        self.folder = folder
        self._address = f"http://127.0.0.1:{port}"

    def ask(self, path: str, method: str = "GET") -> dict[str, Any] | None:
        """The answer; None while nobody answers, or with an error."""
        request = urllib.request.Request(self._address + path, method=method)
        with suppress(OSError), urllib.request.urlopen(request, timeout=30) as answer:
            told: dict[str, Any] = json.load(answer)
            return told
        return None

    def lines(self, path: str) -> Generator[str, None, None]:
        """What a stream says, line by line; it is left when the iterator is closed."""
        with urllib.request.urlopen(self._address + path, timeout=60) as stream:
            for line in stream:
                yield line.decode().rstrip()

    def runs_a_job(self) -> dict[str, Any]:
        """Enqueue a job over HTTP and wait for its result."""
        text = urllib.parse.quote("One.\n\nTwo.")
        enqueued = eventually(lambda: self.ask(f"/texts?text={text}", "POST"), 60)
        assert enqueued is not None

        def done() -> dict[str, Any] | None:
            job = self.ask(f"/jobs/{enqueued['job']}")
            return job if job is not None and job["status"] == "completed" else None

        job = eventually(done, 60)
        assert job is not None
        return job

    def touch(self, name: str) -> None:
        """Change a file, for reloaders."""
        with (self.folder / name).open("a") as file:
            file.write("\n# changed\n")

    def clean_up(self) -> None:
        """Kill what it has started, whatever the test did."""
        with suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self.program.process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    process.kill()


@contextmanager
def server(folder: Path, module: str, *arguments: str, **variables: str) -> Iterator[Server]:
    """Start a module of Python with `{port}` filled in, in a folder with the examples."""
    for example in EXAMPLES.glob("*.py"):
        shutil.copy(example, folder)
    port = free_port()
    command = [sys.executable, *module.split(), *(each.format(port=port) for each in arguments)]
    with program(*command, cwd=folder, PORT=str(port), **variables) as started:
        serving = Server(started, folder, port)
        try:
            yield serving
        finally:
            serving.clean_up()
