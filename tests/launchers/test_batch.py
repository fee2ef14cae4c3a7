"""The launcher `batch` alone: what SubmitJob is asked for."""

from __future__ import annotations

import pytest

from rig.amazon import Amazon, Refused
from rowcrew.settings.launchers import BatchSettings
from rowcrew.spawn.launcher import LaunchFailed
from rowcrew.spawn.launchers.batch import BatchLauncher, submit_job
from tests.launchers.places import environment_for, launch


def batch(aws: Amazon, **changes: str) -> BatchLauncher:
    return BatchLauncher(BatchSettings.read(environment_for(aws, **changes)))


def test_a_job_is_named_after_the_boot_id_and_never_retried(aws: Amazon) -> None:
    wanted = launch(cpu=1, memory=2**30, seconds=330)
    batch(aws).start(wanted)
    asked = aws.asked("SubmitJob")[-1]
    assert asked["jobName"] == f"rowcrew-{wanted.boot_id}"
    assert asked["retryStrategy"] == {"attempts": 1}
    assert asked["timeout"] == {"attemptDurationSeconds": 330}
    assert asked["containerOverrides"]["resourceRequirements"] == [
        {"type": "VCPU", "value": "1"},
        {"type": "MEMORY", "value": "2048"},
    ]


def test_a_life_shorter_than_batch_can_bound_is_bounded_by_a_minute(aws: Amazon) -> None:
    batch(aws).start(launch(seconds=20))
    assert aws.asked("SubmitJob")[-1]["timeout"] == {"attemptDurationSeconds": 60}


def test_instances_give_whole_cores_and_what_was_asked_for_alone() -> None:
    settings = BatchSettings(region="us-east-1", queue="q", definition="d", platform="EC2")
    asked = submit_job(settings, launch(cpu=1.5))["containerOverrides"]
    assert asked["resourceRequirements"] == [{"type": "VCPU", "value": "2"}]
    assert "resourceRequirements" not in submit_job(settings, launch())["containerOverrides"]


def test_a_repeat_finds_a_job_that_has_ended_too(aws: Amazon) -> None:
    wanted = launch()
    handle = batch(aws).start(wanted)
    aws.end_job(handle)
    assert batch(aws).start(wanted) == handle


def test_a_lost_answer_is_not_asked_for_again_by_the_client(aws: Amazon) -> None:
    """Batch has no token: the client's own repeats would start a second worker."""
    wanted = launch()
    aws.lost.append("SubmitJob")
    with pytest.raises(LaunchFailed):
        batch(aws).start(wanted)
    before = len(aws.asked("SubmitJob"))
    assert batch(aws).start(wanted)
    assert len(aws.asked("SubmitJob")) == before


def test_a_refusal_without_permission_names_the_policy(aws: Amazon) -> None:
    said = "User: spawner is not authorized to perform: batch:SubmitJob"
    aws.trouble_at["SubmitJob"] = Refused("AccessDeniedException", said, 403)
    with pytest.raises(LaunchFailed, match=r"batch:SubmitJob; .* deploy/aws/spawner-policy.json"):
        batch(aws).start(launch())
