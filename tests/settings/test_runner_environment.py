"""What of a worker's environment user code may see: nothing that is not on a list."""

from __future__ import annotations

import pytest

from rowcrew.family import variables
from rowcrew.settings import read, runner_environment
from rowcrew.settings.variables import VARIABLES

EVERY_VARIABLE = (*VARIABLES, *variables())

URL = "postgresql://app:hunter2@db.example/app"
CANARIES = dict.fromkeys(
    (
        "STRIPE_SECRET_KEY",
        "MISTRAL_API_KEY",
        "MISTRAL_ORG",
        "GITHUB_TOKEN",
        "SECRET_KEY_BASE",
        "PGPASSWORD",
        "MY_DATABASE_URL",
        "DATABASE_URL_OLD",
        "XPATH",
        "path",
        "PATH_SECRET",
        "MY_AWS_KEY",
        "SSH_AUTH_SOCK",
        "LD_PRELOAD",
    ),
    "canary",
)


def seen(environment: dict[str, str]) -> dict[str, str]:
    environment = {"DATABASE_URL": URL, **environment}
    return runner_environment(read(environment), environment, families=variables())


def test_secrets_of_the_worker_stay_with_it() -> None:
    assert seen(CANARIES) == {"DATABASE_URL": URL}


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "PYTHONHASHSEED", "VIRTUAL_ENV"),
        *("AWS_ACCESS_KEY_ID", "AWS_REGION", "S3_BUCKET_NAME", "OMP_NUM_THREADS", "SSL_CERT_FILE"),
        *("HTTPS_PROXY", "no_proxy", "PGSSLMODE", "PGPASSFILE"),
    ],
)
def test_what_python_postgresql_and_aws_need_is_let_through(name: str) -> None:
    assert seen({name: "value"})[name] == "value"


def test_every_setting_reaches_the_runner() -> None:
    names = {name for variable in EVERY_VARIABLE for name in variable.names} - {"DATABASE_URL"}
    environment = {"DATABASE_URL": URL} | dict.fromkeys(names, "")
    of_control_alone = {
        "EVENT_SECRETS",
        "EVENT_COMMANDS",
        "LAUNCH_COMMANDS",
        "ROWCREW_BOOT_ID",
        "DATABASE_URLS",
        "WEB_PROXY_SECRET",
    }
    assert set(seen(environment)) == (names - of_control_alone) | {"DATABASE_URL"}


def test_patterns_let_through_what_they_match_whole() -> None:
    environment = {**CANARIES, "RUNNER_ENVIRONMENT": "MISTRAL_*,GITHUB_TOKEN"}
    assert {name for name in seen(environment) if name in CANARIES} == {
        "MISTRAL_API_KEY",
        "MISTRAL_ORG",
        "GITHUB_TOKEN",
    }


@pytest.mark.parametrize("pattern", ["MISTRAL", "API_KEY", "MISTRAL.API.KEY", "[A-Z_]+", "mistral_*"])
def test_a_pattern_knows_only_the_star(pattern: str) -> None:
    assert "MISTRAL_API_KEY" not in seen({**CANARIES, "RUNNER_ENVIRONMENT": pattern})


def test_an_address_given_as_an_option_is_the_one_that_runners_get() -> None:
    environment = {"DATABASE_URL": URL}
    settings = read(environment, database_url="postgresql://other/app")
    assert runner_environment(settings, environment)["DATABASE_URL"] == "postgresql://other/app"
