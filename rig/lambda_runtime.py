"""An execution environment of AWS Lambda for tests: the Runtime API, and a process that asks it for work.

The process is AWS's own runtime interface client. As in the real one its variables are those of Lambda and of
the function alone; it is frozen, with all that it has started, from its answer to the next invocation; and
one that has not answered at the deadline is killed. The API refuses what the real one refuses.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from rig.http_place import Reply, Request, served
from rig.waiting import eventually

_MOST_BYTES = 6 * 2**20
_ROOT = "/2018-06-01/runtime"
FUNCTION = "rowcrew-ai"
_ARN = f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}"


class Ended(NamedTuple):
    """How an invocation ended: with what the handler returned, or with an error."""

    result: Any
    error: dict[str, Any] | None


class ExecutionEnvironment:
    """One environment of one function.

    Attributes:
        pid: the process that answers.
    """

    def __init__(self, handler: str, *, log: Path, variables: dict[str, str], packages: str) -> None:
        self._handler = handler
        self._log = log
        self._variables = variables
        self._packages = packages
        self._events: queue.Queue[Reply] = queue.Queue()
        self._waiting = False
        self._ended: dict[str, Ended | None] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, url: str) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", self._handler],
                env={
                    "PATH": os.environ["PATH"],
                    "LANG": "en_US.UTF-8",
                    "TZ": ":UTC",
                    "_HANDLER": self._handler,
                    "AWS_REGION": "us-east-1",
                    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
                    "AWS_LAMBDA_FUNCTION_NAME": FUNCTION,
                    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
                    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
                    "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{FUNCTION}",
                    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/27/[$LATEST]0123456789abcdef",
                    "AWS_LAMBDA_RUNTIME_API": url.removeprefix("http://"),
                    "LAMBDA_TASK_ROOT": str(self._log.parent),
                    "PYTHONPATH": self._packages,
                    **self._variables,
                },
                cwd=self._log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def invoke(self, event: object, *, timeout: float = 60) -> Ended:
        """Thaw, let the handler answer, freeze. The time begins with the thaw, as Lambda's does.

        Raises:
            TimeoutError: it has not answered in time, and was killed.
        """
        id = str(uuid.uuid4())
        self._ended[id] = None
        self._wait_for_poll()
        self._signal(signal.SIGCONT)
        self._waiting = False
        deadline = time.time() + timeout
        headers = {
            "Lambda-Runtime-Aws-Request-Id": id,
            "Lambda-Runtime-Deadline-Ms": str(round(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": _ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        }
        self._events.put(Reply(200, event, headers))
        try:
            eventually(lambda: self._ended[id], timeout)
        except AssertionError:
            self.end()
            raise TimeoutError(f"Task timed out after {timeout} seconds") from None
        self._wait_for_poll()
        self._signal(signal.SIGSTOP)
        ended = self._ended[id]
        assert ended is not None
        return ended

    def children(self) -> list[psutil.Process]:
        """What the process has started and not ended."""
        return list(psutil.Process(self.pid).children(recursive=True))

    def end(self) -> None:
        """Lambda ends the environment without a word, and whatever runs in it."""
        for process in [*self.children(), psutil.Process(self.pid)] if psutil.pid_exists(self.pid) else []:
            process.kill()
        assert self._process is not None
        self._process.wait()
        self._events.put(Reply(410, {}))

    def answer(self, request: Request) -> Reply:
        if request.path == f"{_ROOT}/invocation/next":
            self._waiting = True
            return self._events.get()
        if request.path == f"{_ROOT}/init/error":
            return Reply(202, {"status": "OK"})
        found = re.fullmatch(rf"{_ROOT}/invocation/([^/]+)/(response|error)", request.path)
        if found is None:
            return Reply(404, {"errorType": "NotFound", "errorMessage": request.path})
        id, kind = found.groups()
        if id not in self._ended or self._ended[id] is not None:
            return Reply(400, {"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"})
        if len(request.content) > _MOST_BYTES:
            return Reply(413, {"errorType": "RequestEntityTooLarge", "errorMessage": "Exceeded maximum size"})
        said = json.loads(request.content)
        self._ended[id] = Ended(said, None) if kind == "response" else Ended(None, said)
        return Reply(202, {"status": "OK"})

    def _wait_for_poll(self) -> None:
        def polls() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self._log.read_text(errors="replace")[-4_000:]
            return self._waiting

        eventually(polls, 60)

    def _signal(self, number: signal.Signals) -> None:
        for process in [psutil.Process(self.pid), *self.children()]:
            process.send_signal(number)


@contextmanager
def execution_environment(
    handler: str, *, log: Path, variables: dict[str, str], packages: str
) -> Iterator[ExecutionEnvironment]:
    """An environment of a function with this handler and these variables, and what it prints in the log."""
    environment = ExecutionEnvironment(handler, log=log, variables=variables, packages=packages)
    with served(environment.answer) as url:
        environment.start(url)
        try:
            yield environment
        finally:
            environment.end()
