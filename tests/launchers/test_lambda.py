"""The launcher `lambda` alone: what Invoke is asked for."""

from __future__ import annotations

import json

import pytest

from rig.amazon import Amazon
from rowcrew.settings.launchers import LambdaSettings
from rowcrew.spawn.launcher import Launcher, LaunchFailed
from rowcrew.spawn.launchers.lambda_ import LambdaLauncher
from tests.launchers.places import environment_for, launch


def lambda_(aws: Amazon, **changes: str) -> Launcher:
    return LambdaLauncher(LambdaSettings.read(environment_for(aws, **changes)))


def test_the_function_of_the_queue_is_invoked_and_not_waited_for(aws: Amazon) -> None:
    wanted = launch()
    assert lambda_(aws).start(wanted)
    asked = aws.asked("Invoke")[-1]
    assert (asked["FunctionName"], asked["InvocationType"]) == ("rowcrew-ai", "Event")
    assert json.loads(asked["Payload"]) == {
        "bootId": wanted.boot_id,
        "name": wanted.name,
        "queue": "ai",
        "slots": 1,
    }


def test_lambda_cannot_tell_which_workers_run(aws: Amazon) -> None:
    launcher = lambda_(aws)
    launcher.start(launch())
    assert launcher.running() is None


def test_a_function_that_is_not_there_is_told(aws: Amazon) -> None:
    with pytest.raises(LaunchFailed, match=r"ResourceNotFoundException.*correct LAUNCHER_LAMBDA_FUNCTION"):
        lambda_(aws).start(launch(queue="uploads"))
