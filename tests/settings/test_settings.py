"""Settings: read once, all complaints at once, each with variable, value and remedy."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcrew.model.errors import SettingsError
from rowcrew.settings import Settings, producer, read
from rowcrew.settings import machine as machine_module
from rowcrew.settings.readers import Database, Secret
from rowcrew.settings.variables import VARIABLES

URL = "postgresql://app:hunter2@db.example/app"
BOOT_ID = "0198c0de-0000-4000-8000-000000000000"
SECRET = "whsec_" + "c2VjcmV0" * 4

READ: list[tuple[str, str, str, Any]] = [
    ("DATABASE_URL", URL, "database_url", URL),
    ("DATABASE_URL", "postgres://db/app", "database_url", "postgres://db/app"),
    ("DATABASE_URL", "postgresql+psycopg://db/app", "database_url", "postgresql+psycopg://db/app"),
    ("DATABASE_DIRECT_URL", URL, "database_direct_url", URL),
    (
        "DATABASE_URLS",
        f"a={URL}  b-2={URL}",
        "databases",
        (Database("a", Secret(URL)), Database("b-2", Secret(URL))),
    ),
    ("ROWCREW_DATABASE", "stock", "database_label", "stock"),
    ("WORKER_CONCURRENCY", "8", "concurrency", 8),
    ("MAX_CONCURRENT_JOBS", "5", "max_concurrent_jobs", 5),
    ("WORKER_RUNNERS", "2", "runners", 2),
    ("JOB_BATCH_SIZE", "10", "batch_size", 10),
    ("WORKER_ID", "render-worker-1", "worker_name", "render-worker-1"),
    ("WORKER_QUEUES", "ai, upload,investor mail", "queues", ("ai", "upload", "investor", "mail")),
    ("JOB_QUEUE_NAME", "archaeologist_jobs", "queue_name", "archaeologist_jobs"),
    ("WORKER_EPHEMERAL", "true", "ephemeral", True),
    ("WORKER_MAX_JOBS", "10", "max_jobs", 10),
    ("WORKER_IDLE_TIMEOUT", "0", "idle_timeout_seconds", 0.0),
    ("WORKER_MAX_RUNTIME", "5m", "max_runtime_seconds", 300.0),
    ("ROWCREW_BOOT_ID", BOOT_ID, "boot_id", BOOT_ID),
    ("POLL_INTERVAL", "0.5", "poll_seconds", 0.5),
    ("PRIORITY_QUEUE", "False", "by_priority", False),
    ("JOB_POLL_INTERVAL", "5", "poll_seconds", 5.0),
    ("JOB_TIMEOUT", "1h", "job_timeout_seconds", 3600.0),
    ("WORKER_HEARTBEAT_INTERVAL", "30s", "heartbeat_seconds", 30.0),
    ("SHUTDOWN_GRACE", "2 m", "shutdown_grace_seconds", 120.0),
    ("SHUTDOWN_GRACE", "0", "shutdown_grace_seconds", 0.0),
    ("CANCEL_GRACE", "1.5", "cancel_grace_seconds", 1.5),
    ("DB_CONNECT_TIMEOUT", "10", "connect_timeout_seconds", 10.0),
    ("HEALTH_PORT", "8080", "health_port", 8080),
    ("WORKER_MAX_MEMORY", "512M", "max_memory_bytes", 512 * 2**20),
    ("WORKER_MAX_MEMORY", "2 GiB", "max_memory_bytes", 2 * 2**30),
    ("WORKER_MAX_MEMORY", "100kb", "max_memory_bytes", 100 * 2**10),
    ("COMPLETED_JOB_TTL", "7d", "keep_completed_seconds", 604_800),
    ("COMPLETED_JOB_TTL", "0.2", "keep_completed_seconds", 1),
    ("FAILED_JOB_TTL", "3600", "keep_failed_seconds", 3600),
    ("FAILED_JOB_TTL", "36500d", "keep_failed_seconds", 3_153_600_000),
    ("JOB_LOG_SIZE", "0", "job_log_bytes", 0),
    ("JOB_LOG_SIZE", "1M", "job_log_bytes", 1_048_576),
    ("JOB_RESULT_TTL", "86400", "keep_result_seconds", 86_400),
    ("WEB_PROXY_SECRET", "0" * 16, "web_proxy_secret", "0" * 16),
    ("EVENT_SECRETS", f"ops={SECRET}, ops={SECRET}", "event_secrets", (("ops", SECRET),) * 2),
    ("EVENT_COMMANDS", '{"page": ["page", "--now"]}', "event_commands", (("page", ("page", "--now")),)),
    ("EVENT_ALLOW_PRIVATE", "10.1.0.0/16", "event_allow_private", (ip_network("10.1.0.0/16"),)),
    ("EVENT_MERGE_INTERVAL", "5m", "event_merge_seconds", 300.0),
    ("EVENT_TTL", "7d", "keep_events_seconds", 604_800),
    ("SPAWNER_CHECK_INTERVAL", "2", "spawner_seconds", 2.0),
    ("LAUNCH_COMMANDS", '{"fleet": ["start"]}', "launch_commands", (("fleet", ("start",)),)),
    ("APP_NAME", "FinaPilot", "app_name", "FinaPilot"),
    ("LOG_FORMAT", "json", "log_format", "json"),
    ("ROWCREW_MODULES", "shop.jobs:crew, mail", "modules", ("shop.jobs:crew", "mail")),
    ("RUNNER_ENVIRONMENT", "OPENAI_*,STRIPE_KEY", "runner_environment", ("OPENAI_*", "STRIPE_KEY")),
]

REFUSED: list[tuple[str, str, str]] = [
    ("DATABASE_URL", "mysql://root@db/app", "it must start with postgresql://"),
    ("DATABASE_DIRECT_URL", "host=db password=hunter2", "it must start with postgresql://"),
    ("DATABASE_URLS", f"{URL} {URL}", "give name=address name=address"),
    ("DATABASE_URLS", f"a={URL} a={URL}", "each name once"),
    ("DATABASE_URLS", "a=mysql://root@db/app", "it must start with postgresql://"),
    ("ROWCREW_DATABASE", "our stock", "a-z 0-9 _ -"),
    ("WORKER_CONCURRENCY", "many", "give a whole number from 1 to 999999"),
    ("WORKER_CONCURRENCY", "0", "give a whole number"),
    ("MAX_CONCURRENT_JOBS", "auto", "give a whole number"),
    ("WORKER_RUNNERS", "-1", "give a whole number"),
    ("JOB_BATCH_SIZE", "1.5", "give a whole number"),
    ("WORKER_QUEUES", "ai,Not Good", "a queue name is 1 to 63 of"),
    ("JOB_QUEUE_NAME", "UPPER", "a queue name is 1 to 63 of"),
    ("POLL_INTERVAL", "0", "give seconds above zero, such as 30 or 1.5, or with a unit"),
    ("JOB_POLL_INTERVAL", "-2", "give seconds above zero"),
    ("JOB_TIMEOUT", "1w", "give seconds above zero"),
    ("JOB_TIMEOUT", "9" * 400, "give at most 3650d, which is 10 years"),
    ("WORKER_HEARTBEAT_INTERVAL", "3650.1d", "give at most 3650d, which is 10 years"),
    ("SHUTDOWN_GRACE", "3651d", "give at most 3650d"),
    ("WORKER_HEARTBEAT_INTERVAL", "nan", "give seconds above zero"),
    ("SHUTDOWN_GRACE", "soon", "give seconds"),
    ("CANCEL_GRACE", "1e3", "give seconds"),
    ("DB_CONNECT_TIMEOUT", "inf", "give seconds"),
    ("WORKER_MAX_MEMORY", "half", "give a size such as 512M or 2G"),
    ("WORKER_MAX_MEMORY", "0", "give a size"),
    ("COMPLETED_JOB_TTL", "0", "give seconds above zero"),
    ("FAILED_JOB_TTL", "never", "give seconds above zero"),
    ("COMPLETED_JOB_TTL", "9999999d", "give at most 36500d, which is 100 years"),
    ("FAILED_JOB_TTL", "3153600001", "give at most 36500d"),
    ("JOB_LOG_SIZE", "a page", "give a size"),
    ("JOB_RESULT_TTL", "0", "give seconds above zero"),
    ("WEB_PROXY_SECRET", "hunter2", "give 16 to 200 letters"),
    ("WEB_PROXY_SECRET", "correct horse battery", "give 16 to 200 letters"),
    ("EVENT_SECRETS", "hunter2", "give receiver=whsec_ and the base64 of 24 to 64 random bytes"),
    ("EVENT_SECRETS", f"OPS={SECRET}", "give receiver=whsec_"),
    ("EVENT_SECRETS", "ops=whsec_" + "A" * 33, "give receiver=whsec_"),
    ("EVENT_COMMANDS", "page", "give JSON such as"),
    ("EVENT_COMMANDS", '{"page": []}', "give JSON such as"),
    ("EVENT_COMMANDS", '{"Page it": ["page"]}', "give JSON such as"),
    ("EVENT_ALLOW_PRIVATE", "intranet", "give networks such as 10.1.0.0/16"),
    ("LOG_FORMAT", "yaml", "give text or json"),
    ("WORKER_MAX_JOBS", "0", "give a whole number"),
    ("ROWCREW_BOOT_ID", "42", "give a uuid"),
    ("PRIORITY_QUEUE", "maybe", "give true or false"),
]


@pytest.mark.parametrize(("name", "text", "field", "value"), READ)
def test_a_variable_fills_its_field(name: str, text: str, field: str, value: Any) -> None:
    assert getattr(read({name: f" {text} "}), field) == value


@pytest.mark.parametrize(("name", "text", "remedy"), REFUSED)
def test_a_value_that_cannot_be_read_is_named_with_its_variable_and_a_remedy(
    name: str, text: str, remedy: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read({name: text})
    (complaint,) = refused.value.complaints
    shown = "…" if name.startswith(("DATABASE", "EVENT_SECRETS", "WEB_PROXY_SECRET")) else repr(text)
    assert complaint.startswith(f"{name}={shown}: ")
    assert remedy in complaint


def test_every_variable_is_read_in_these_tables() -> None:
    names = {name for variable in VARIABLES for name in variable.names}
    assert {name for name, *_ in READ} == names
    assert {variable.field for variable in VARIABLES} == set(Settings.__struct_fields__)


def test_all_complaints_come_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        read({"POLL_INTERVAL": "0", "LOG_FORMAT": "yaml", "WORKER_CONCURRENCY": "x", "APP_NAME": "fine"})
    names = [complaint.partition("=")[0] for complaint in refused.value.complaints]
    assert sorted(names) == ["LOG_FORMAT", "POLL_INTERVAL", "WORKER_CONCURRENCY"]


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_DIRECT_URL"])
def test_no_complaint_shows_a_password(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read({name: "mysql://root:hunter2@db/app", "LOG_FORMAT": "yaml"})
    assert "hunter2" not in str(refused.value)


def test_without_an_address_the_complaint_says_how_to_give_one() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is not set: give it as postgresql://"):
        read({}).require_database_url()
    assert read({"DATABASE_URL": URL}).require_database_url() == URL


def test_an_empty_variable_is_no_variable() -> None:
    empty = {name: " " for variable in VARIABLES for name in variable.names}
    assert read(empty) == read({})


def test_the_first_name_wins_over_its_alias() -> None:
    assert read({"POLL_INTERVAL": "3", "JOB_POLL_INTERVAL": "5"}).poll_seconds == 3
    assert read({"POLL_INTERVAL": "", "JOB_POLL_INTERVAL": "5"}).poll_seconds == 5


@pytest.mark.parametrize(
    ("environment", "slots"),
    [
        ({}, 4),
        ({"WORKER_CONCURRENCY": "8"}, 8),
        ({"MAX_CONCURRENT_JOBS": "5"}, 5),
        ({"WORKER_CONCURRENCY": "8", "MAX_CONCURRENT_JOBS": "5"}, 5),
        ({"WORKER_CONCURRENCY": "3", "MAX_CONCURRENT_JOBS": "5"}, 3),
    ],
)
def test_slots_are_the_smaller_of_two_names(environment: Mapping[str, str], slots: int) -> None:
    assert read(environment).slots == slots


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int, int], None]:
    """Pretend to be a machine of so many cores and mebibytes, without a plan or a container around it."""

    def machine(cores: int, mebibytes: int) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)), raising=False)
        memory = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": mebibytes * 2**20 // 4096}
        monkeypatch.setattr(os, "sysconf", memory.__getitem__)
        monkeypatch.delenv("RENDER_CPU_COUNT", raising=False)
        monkeypatch.setattr(machine_module, "_CONTROL_GROUP", tmp_path)

    return machine


@pytest.mark.parametrize(
    ("cores", "mebibytes", "slots"), [(1, 256, 2), (1, 512, 4), (1, 2048, 8), (4, 16384, 32), (64, 64, 2)]
)
def test_automatic_slots_follow_cores_and_memory(
    machine: Callable[[int, int], None], cores: int, mebibytes: int, slots: int
) -> None:
    machine(cores, mebibytes)
    assert read({"WORKER_CONCURRENCY": "auto"}).slots == slots


@pytest.mark.parametrize(
    ("plan", "slots"),
    [("0.1", 2), ("0.5", 4), ("1", 8), ("2", 16)],
    ids=["free", "starter", "standard", "pro"],
)
def test_automatic_slots_follow_the_plan_on_render(
    monkeypatch: pytest.MonkeyPatch, machine: Callable[[int, int], None], plan: str, slots: int
) -> None:
    machine(64, 2**18)
    monkeypatch.setenv("RENDER_CPU_COUNT", plan)
    assert read({"WORKER_CONCURRENCY": "auto"}).slots == slots


@pytest.mark.parametrize(
    ("cpu", "memory", "slots"),
    [("50000 100000", "max", 4), ("max 100000", str(512 * 2**20), 4), ("max 100000", "max", 512)],
)
def test_automatic_slots_follow_the_limits_of_the_container(
    machine: Callable[[int, int], None], tmp_path: Path, cpu: str, memory: str, slots: int
) -> None:
    machine(64, 2**18)
    (tmp_path / "cpu.max").write_text(f"{cpu}\n")
    (tmp_path / "memory.max").write_text(f"{memory}\n")
    assert read({"WORKER_CONCURRENCY": "auto"}).slots == slots


def test_a_worker_serves_the_queue_of_its_producers_alone() -> None:
    assert read({}).queues == ()
    assert read({"JOB_QUEUE_NAME": "mail"}).queues == ("mail",)
    assert read({"JOB_QUEUE_NAME": "mail", "WORKER_QUEUES": "ai,mail"}).queues == ("ai", "mail")
    assert read({"JOB_QUEUE_NAME": "mail"}, queues=("ai",)).queues == ("ai",)


def test_an_option_wins_over_a_variable_unless_it_was_not_given() -> None:
    settings = read({"POLL_INTERVAL": "3", "APP_NAME": "A"}, poll_seconds=7.0, app_name=None)
    assert (settings.poll_seconds, settings.app_name) == (7.0, "A")


def test_the_worker_is_named_after_host_and_process_unless_told_otherwise() -> None:
    assert read({}).worker_name == f"{os.uname().nodename}-{os.getpid()}"
    assert read({"WORKER_ID": "w1"}).worker_name == "w1"


def test_the_name_of_the_instance_is_filled_in() -> None:
    environment = {"WORKER_ID": "w-{instance}", "RENDER_INSTANCE_ID": "srv-1-x"}
    assert read(environment).worker_name == "w-srv-1-x"
    assert read({"WORKER_ID": "w-{instance}"}).worker_name == f"w-{os.uname().nodename}"
    assert read({}, worker_name="cli-{instance}").worker_name == f"cli-{os.uname().nodename}"


@pytest.mark.parametrize(
    ("heartbeat", "lease", "fence"), [("5", 30, 20), ("1", 30, 20), ("10", 30, 20), ("30", 90, 60)]
)
def test_the_lease_is_three_heartbeats_and_at_least_30_seconds(
    heartbeat: str, lease: int, fence: int
) -> None:
    settings = read({"WORKER_HEARTBEAT_INTERVAL": heartbeat})
    assert (settings.lease_seconds, settings.fence_seconds) == (lease, fence)


def test_the_longest_lease_fits_the_table() -> None:
    assert round(read({"WORKER_HEARTBEAT_INTERVAL": "3650d"}).lease_seconds) < 2**31


@given(st.floats(0.01, 1e6))
def test_a_worker_always_has_time_for_a_second_heartbeat_before_its_fence(heartbeat: float) -> None:
    settings = Settings(heartbeat_seconds=heartbeat)
    assert 2 * heartbeat <= settings.fence_seconds * (1 + 1e-9)
    assert settings.fence_seconds < settings.lease_seconds


@given(st.sampled_from(VARIABLES), st.text(st.characters(exclude_characters="\0"), max_size=40))
def test_any_text_is_read_or_refused_with_a_sentence(variable: Any, text: str) -> None:
    try:
        read({variable.names[0]: text})
    except SettingsError as refused:
        assert refused.complaints[0].startswith(f"{variable.names[0]}=")


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises((AttributeError, dataclasses.FrozenInstanceError)):
        read({}).poll_seconds = 1.0  # type: ignore[misc]
    assert msgspec.structs.replace(read({}), poll_seconds=1.0).poll_seconds == 1.0


def test_a_secret_that_signs_does_not_show_itself() -> None:
    (secret,) = read({"EVENT_SECRETS": f"ops={SECRET}"}).event_secrets
    assert secret.key == b"secret" * 4
    assert "c2Vjc" not in f"{secret} {secret!r}"


SEVERAL = {"DATABASE_URLS": "sales=postgresql:///s stock=postgresql:///t"}


def test_one_of_several_databases_is_picked_by_its_name_as_if_there_were_no_other() -> None:
    picked = read({**SEVERAL, "ROWCREW_DATABASE": "stock"})
    assert (picked.require_database_url(), picked.databases) == ("postgresql:///t", ())
    assert producer({**SEVERAL, "ROWCREW_DATABASE": "sales"}).require_database_url() == "postgresql:///s"


@pytest.mark.parametrize("reader", [read, producer])
def test_of_several_databases_none_is_guessed(reader: Callable[[dict[str, str]], Settings]) -> None:
    with pytest.raises(SettingsError, match="set ROWCREW_DATABASE to the one to ask: sales, stock"):
        reader(SEVERAL).require_database_url()
    with pytest.raises(SettingsError, match="does not name it; give one of sales, stock"):
        reader({**SEVERAL, "ROWCREW_DATABASE": "stoc"})
    with pytest.raises(SettingsError, match="leave DATABASE_URL out"):
        reader({**SEVERAL, "ROWCREW_DATABASE": "stock", "DATABASE_URL": URL})
