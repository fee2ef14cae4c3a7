"""The launcher `kubernetes` alone: the Job that it makes of a PodTemplate, and how it proves who it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from rig.http_place import make_certificates
from rig.kubernetes import RIGHTS, kubernetes
from rowcrew.spawn.launcher import LaunchFailed, PlaceFailed
from tests.launchers.places import TEMPLATE, InKubernetes, launch


@pytest.fixture
def place(tmp_path: Path) -> Iterator[InKubernetes]:
    with kubernetes(tmp_path) as cluster:
        yield InKubernetes(cluster)


def test_a_job_is_named_after_the_boot_id_and_runs_once(place: InKubernetes) -> None:
    wanted = launch(seconds=330)
    handle = place.launcher.start(wanted)
    assert handle == f"rowcrew-{wanted.boot_id}"
    spec = place.cluster.jobs[handle]["spec"]
    assert (spec["backoffLimit"], spec["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert spec["activeDeadlineSeconds"] == 330 + 120


def test_a_worker_without_a_limit_gives_a_job_without_one(place: InKubernetes) -> None:
    assert "activeDeadlineSeconds" not in place.cluster.jobs[place.launcher.start(launch())]["spec"]


def test_the_template_stays_but_for_what_the_worker_is_given(place: InKubernetes) -> None:
    wanted = launch()
    pod = place.cluster.jobs[place.launcher.start(wanted)]["spec"]["template"]
    beside, worker = pod["spec"]["containers"]
    assert beside == {"name": "proxy", "image": "proxy:1"}
    assert pod["spec"]["terminationGracePeriodSeconds"] == 60
    assert pod["metadata"]["labels"]["app"] == "rowcrew"
    assert (worker["image"], worker["args"]) == ("rowcrew:1", list(wanted.arguments))
    given = {one["name"]: one["value"] for one in worker["env"]}
    assert (given["APP_NAME"], given["WORKER_ID"]) == ("Acme", wanted.name)
    assert worker["resources"] == {"requests": {"memory": "256Mi"}, "limits": {"memory": "512Mi"}}


def test_the_size_of_a_worker_is_request_and_limit(place: InKubernetes) -> None:
    handle = place.launcher.start(launch(cpu=0.5, memory=2**30))
    worker = place.cluster.jobs[handle]["spec"]["template"]["spec"]["containers"][1]
    size = {"cpu": "500m", "memory": str(2**30)}
    assert worker["resources"] == {"requests": size, "limits": size}


def test_each_queue_may_have_a_template_of_its_own(place: InKubernetes) -> None:
    own = deepcopy(TEMPLATE)
    own["template"]["spec"]["containers"][1]["image"] = "acme:2"  # type: ignore[index]
    place.cluster.templates["worker-ai-processing"] = own
    launcher = place.make(LAUNCHER_KUBERNETES_TEMPLATE="worker-{queue}")
    handle = launcher.start(launch(queue="ai_processing"))
    assert place.cluster.jobs[handle]["spec"]["template"]["spec"]["containers"][1]["image"] == "acme:2"


def test_a_queue_with_an_odd_name_has_a_job_all_the_same(place: InKubernetes) -> None:
    assert place.launcher.start(launch(queue="_a.b-", name="_a.b-_1"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"LAUNCHER_KUBERNETES_TEMPLATE": "other"}, 'podtemplates "other" not found'),
        (
            {"LAUNCHER_KUBERNETES_CONTAINER": "main"},
            "no container main, only proxy, worker: correct LAUNCHER",
        ),
        ({"LAUNCHER_KUBERNETES_NAMESPACE": "default"}, "is forbidden.*let the spawner's account get"),
    ],
)
def test_what_the_settings_name_and_the_cluster_has_not_is_told(
    place: InKubernetes, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(LaunchFailed, match=words):
        place.make(**changes).start(launch())


def test_a_token_that_was_renewed_is_read_again(place: InKubernetes) -> None:
    launcher = place.launcher
    launcher.start(launch())
    place.cluster.renew_token("second-token")
    assert launcher.start(launch())


def test_a_cluster_that_another_authority_vouches_for_gets_no_token(
    place: InKubernetes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    make_certificates(elsewhere)
    (elsewhere / "namespace").write_text("jobs")
    (elsewhere / "token").write_text("first-token")
    with pytest.raises(LaunchFailed, match=r"(?i)certificate"):
        place.make(LAUNCHER_KUBERNETES_ACCOUNT=str(elsewhere)).start(launch())


def test_a_pod_without_a_service_account_is_told(place: InKubernetes, tmp_path: Path) -> None:
    with pytest.raises(LaunchFailed, match="run the spawner in a pod that has a service account"):
        place.make(LAUNCHER_KUBERNETES_ACCOUNT=str(tmp_path / "none")).start(launch())


@pytest.mark.parametrize(
    ("right", "ask"),
    [
        ("list jobs", lambda launcher: launcher.running()),
        ("delete jobs", lambda launcher: launcher.end("some-job")),
        ("create jobs", lambda launcher: launcher.start(launch())),
        ("get podtemplates", lambda launcher: launcher.start(launch())),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_right_that_is_missing_is_told(place: InKubernetes, right: str, ask: object) -> None:
    assert callable(ask)
    place.cluster.rights = RIGHTS - {right}
    verb = re.escape(right.split(maxsplit=1)[0])
    with pytest.raises(PlaceFailed, match=f"cannot {verb} resource"):
        ask(place.launcher)


def test_a_worker_that_drains_is_still_listed(place: InKubernetes) -> None:
    handle = place.launcher.start(launch())
    place.launcher.end(handle)
    assert place.launcher.running() == [handle]


def test_every_page_of_the_list_is_read(place: InKubernetes) -> None:
    assert place.cluster.page == 2
    handles = {place.launcher.start(launch()) for _ in range(5)}
    assert set(place.launcher.running() or ()) == handles
