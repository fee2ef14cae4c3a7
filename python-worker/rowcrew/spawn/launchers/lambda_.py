"""The launcher `lambda`: a worker is one asynchronous invocation of a function.

In: a launch and LAUNCHER_LAMBDA_FUNCTION. Out: one Invoke, whose payload `lambda_handler` reads there; its
handle is the id of the request. Lambda neither lists nor ends invocations, and starts one again that failed:
a boot id registers once. Made by `named`, called by the spawner.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rowcrew.settings.launchers import LambdaSettings
from rowcrew.spawn.launcher import Launch, LaunchFailed
from rowcrew.spawn.launchers.aws import client, named, told


class Invocation(msgspec.Struct, frozen=True, rename="camel"):
    """The payload of an invocation: the worker that it is to be."""

    boot_id: str
    name: str
    queue: str
    slots: int


class LambdaLauncher:
    """Workers as invocations of functions of AWS Lambda."""

    name: Final = "lambda"

    def __init__(self, settings: LambdaSettings) -> None:
        self._settings = settings
        self._client = client("lambda", settings)

    def start(self, launch: Launch) -> str:
        with told(f"Lambda did not start {launch.name}", LaunchFailed):
            answer = self._client.invoke(**invoke(self._settings, launch))
        return str(answer["ResponseMetadata"]["RequestId"])

    def running(self) -> None:
        return None

    def end(self, handle: str) -> None:
        """Nothing: no signal reaches an invocation; the worker reads in its row that it shall end."""


def invoke(settings: LambdaSettings, launch: Launch) -> dict[str, Any]:
    """The request that starts this worker."""
    worker = Invocation(launch.boot_id, launch.name, launch.queue, launch.slots)
    return {
        "FunctionName": named(settings.function, launch.queue),
        "InvocationType": "Event",
        "Payload": msgspec.json.encode(worker),
    }
