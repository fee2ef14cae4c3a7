"""The files of deploy/kubernetes: against the published schemas, KEDA's fields, the worker's habits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import msgspec
import psycopg
import pytest
import yaml

from rowcrew.settings import Settings
from tests.deploy.project import DEPLOY

FOLDER = DEPLOY / "kubernetes"
DOCUMENTS = {
    f"{file.stem}-{document['kind']}": document
    for file in sorted(FOLDER.glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
}
OF_KUBERNETES = [
    name
    for name, document in DOCUMENTS.items()
    if ".x-k8s" not in document["apiVersion"]
    and not document["apiVersion"].startswith(("keda.", "kustomize."))
]
OLDEST, NEWEST = "1.30", kubernetes_validate.latest_version().rpartition(".")[0]


class Trigger(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A trigger of KEDA 2.20, as far as these files use one."""

    type: str
    metadata: dict[str, str]
    authentication_ref: dict[str, str]


class ScaledObject(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """https://keda.sh/docs/2.20/reference/scaledobject-spec/, the fields used here."""

    scale_target_ref: dict[str, str]
    triggers: list[Trigger]
    polling_interval: int = 30
    cooldown_period: int = 300
    min_replica_count: int = 0
    max_replica_count: int = 100


class ScaledJob(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """https://keda.sh/docs/2.20/reference/scaledjob-spec/, the fields used here."""

    job_target_ref: dict[str, Any]
    triggers: list[Trigger]
    polling_interval: int = 30
    max_replica_count: int = 100
    successful_jobs_history_limit: int = 100
    failed_jobs_history_limit: int = 100
    rollout: dict[str, str] = {}
    scaling_strategy: dict[str, str] = {}


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """The pod template of every document that has one."""
    for name, document in DOCUMENTS.items():
        spec = document.get("spec", {})
        template = (
            document.get("template") or spec.get("template") or spec.get("jobTargetRef", {}).get("template")
        )
        if template:
            yield name, template["spec"]


PODS = dict(pods())
WORKERS = {name: pod for name, pod in PODS.items() if pod["containers"][0]["args"][0] == "worker"}


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", OF_KUBERNETES)
def test_a_file_is_as_the_schema_has_it(name: str, version: str) -> None:
    kubernetes_validate.validate(DOCUMENTS[name], version, strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    document = DOCUMENTS["worker-deployment-Deployment"]
    wrong = {**document, "spec": {**document["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def test_the_scalers_have_the_fields_that_keda_reads() -> None:
    scaled = msgspec.convert(DOCUMENTS["keda-scaledobject-ScaledObject"]["spec"], ScaledObject)
    target = DOCUMENTS["cost-collection-worker-Deployment"]
    assert scaled.scale_target_ref["name"] == target["metadata"]["name"]
    jobs = msgspec.convert(DOCUMENTS["keda-scaledjob-ScaledJob"]["spec"], ScaledJob)
    assert (jobs.polling_interval, jobs.max_replica_count) == (5, 3)
    assert (jobs.successful_jobs_history_limit, jobs.failed_jobs_history_limit) == (5, 5)
    assert jobs.job_target_ref["backoffLimit"] == 0
    assert jobs.rollout == {"strategy": "gradual"}
    assert jobs.scaling_strategy == {"strategy": "accurate"}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": jobs.job_target_ref}
    kubernetes_validate.validate(job, NEWEST, strict=True)
    authentication = DOCUMENTS["keda-scaledobject-TriggerAuthentication"]
    for trigger in (*scaled.triggers, *jobs.triggers):
        assert trigger.type == "postgresql"
        assert trigger.authentication_ref["name"] == authentication["metadata"]["name"]
    assert [one["parameter"] for one in authentication["spec"]["secretTargetRef"]] == ["connection"]


def test_a_scaler_asks_for_one_number_and_may_do_nothing_else(tcp_database_url: str) -> None:
    queries = [
        document["spec"]["triggers"][0]["metadata"]["query"]
        for document in DOCUMENTS.values()
        if document["kind"] in ("ScaledObject", "ScaledJob")
    ]
    with psycopg.connect(tcp_database_url) as connection:
        connection.execute("CREATE ROLE scaler_of_keda")
        connection.execute("GRANT EXECUTE ON FUNCTION rowcrew_ready, rowcrew_backlog TO scaler_of_keda")
        connection.execute("SET LOCAL ROLE scaler_of_keda")
        assert [connection.execute(query).fetchall() for query in queries] == [[(0,)], [(0,)]]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM jobs")
        connection.rollback()


def test_an_always_on_worker_has_the_resources_that_the_page_tells() -> None:
    deployment = DOCUMENTS["worker-deployment-Deployment"]["spec"]
    assert deployment["replicas"] == 2
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    (container,) = PODS["worker-deployment-Deployment"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "500m", "memory": "1Gi"},
        "limits": {"cpu": "2000m", "memory": "4Gi"},
    }
    scaler = DOCUMENTS["hpa-HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 10)
    assert scaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 70


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_has_time_to_leave(name: str) -> None:
    assert WORKERS[name]["terminationGracePeriodSeconds"] >= Settings().shutdown_grace_seconds + 5


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_rights_that_it_does_not_need(name: str) -> None:
    pod, (container,) = PODS[name], PODS[name]["containers"]
    assert pod["automountServiceAccountToken"] is ("serviceAccountName" in pod)
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]
    assert container["envFrom"] == [{"secretRef": {"name": "rowcrew-secrets"}}]


def test_what_selects_workers_meets_their_labels() -> None:
    labels = DOCUMENTS["worker-deployment-Deployment"]["spec"]["template"]["metadata"]["labels"]
    budget = DOCUMENTS["pdb-PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]
    policy = DOCUMENTS["networkpolicy-NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
    assert budget.items() <= labels.items()
    assert policy.items() <= labels.items()


def test_the_base_names_files_that_are_there() -> None:
    base = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    assert all((FOLDER / name).is_file() for name in base["resources"])
