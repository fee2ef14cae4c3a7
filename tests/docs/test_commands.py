"""Every command that a page shows exists and takes these options. Other tests run them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml
from botocore import xform_name

from rig.aws_models import input_shape, problems, service_model
from rowcrew import cli
from rowcrew.cli.queue_options import Wanted
from rowcrew.family import variables
from rowcrew.settings.launchers import LAUNCHER_VARIABLES
from rowcrew.settings.variables import VARIABLES
from tests.docs.pages import ROOT, commands

KNOWN_VARIABLES = {
    name for variable in (*VARIABLES, *variables(), *LAUNCHER_VARIABLES) for name in variable.names
}

COMPOSE = ROOT / "deploy" / "docker" / "docker-compose.yml"

# Which tests in tests/deploy give the commands of a supervisor.
TESTED_IN = {"pm2": "pm2", "supervisorctl": "supervisord", "honcho": "procfile", "logrotate": "logs"}


@pytest.mark.parametrize(("command", "where"), sorted(commands().items()))
def test_the_command_can_be_given(command: str, where: str) -> None:
    match shlex.split(command):
        case ["rowcrew", name] | ["rowcrew", name, "|", "psql", *_]:
            assert name in cli._app()
        case ["rowcrew", *words]:
            can_be_read(words)
        case ["./dev", task, *_]:
            listed = subprocess.run([sys.executable, ROOT / "dev"], text=True, capture_output=True).stderr
            assert re.search(rf"^dev:   {task}\b", listed, re.MULTILINE)
        case ["pip", "install", "-r", requirements]:
            assert (ROOT / requirements).exists()
        case ["alembic", "upgrade", "heads"]:
            assert (ROOT / "alembic.ini").exists()
        case ["pip", "install", target]:
            assert target.startswith(".")
            extra = re.search(r"\[(\w+)\]", target)
            assert extra is None or extra[1] in project()["optional-dependencies"]
        case ["export", assignment]:
            assert assignment.partition("=")[0] in KNOWN_VARIABLES
        case ["docker" | "kubectl" | "cd", *words]:
            assert all((ROOT / word).exists() for word in words if word.startswith("deploy/"))
            if "logs" in words:
                assert words[-1] in yaml.safe_load(COMPOSE.read_text())["services"]
        case words:
            known = belongs_to_a_supervisor(words) or is_asked_of_the_web(words, where) or aws_takes(words)
            known = known or starts_an_application(words)
            assert known, f"{where}: no test knows the command {words}"


def test_the_commands_that_the_dashboard_shows_can_be_read() -> None:
    templates = (ROOT / "python-worker" / "rowcrew" / "web" / "pages" / "templates").glob("*.html")
    text = "".join(path.read_text() for path in templates)
    shown = re.findall(r"""code\("rowcrew ([^"]+)"\)|<code>rowcrew ([^<{]+)</code>""", text)
    assert len(shown) >= 3
    for in_block, in_line in shown:
        can_be_read(shlex.split(in_block or in_line))


def can_be_read(words: list[str]) -> None:
    """The options are there; what `queues set` is given it reads only when it runs."""
    _, given, _ = cli._app().parse_args(words, exit_on_error=False, print_error=False)
    if isinstance(wanted := given.arguments.get("wanted"), Wanted):
        assert wanted.columns()


def aws_takes(words: list[str]) -> bool:
    """Whether AWS has an operation with these options, and takes what a file gives it."""
    if words[0] != "aws":
        return False
    _, service, operation, *options = words
    names = {xform_name(name, "-"): name for name in service_model(service).operation_names}
    shape = input_shape(service, names[operation])
    known = {f"--{xform_name(name, '-')}" for name in shape.members} | {"--cli-input-json"}
    given = dict(zip(options[::2], options[1::2], strict=True))
    files = {option: value[7:] for option, value in given.items() if value.startswith("file://")}
    bodies = {option: json.loads((ROOT / file).read_text()) for option, file in files.items()}
    whole = bodies.get("--cli-input-json")
    return set(given) <= known and (whole is None or not list(problems(shape, whole)))


def starts_an_application(words: list[str]) -> bool:
    """By the compose file in one of its ways, or by gunicorn as tests/modes does."""
    match words:
        case [assignment, "docker", "compose", *_]:
            name, _, profile = assignment.partition("=")
            services = yaml.safe_load(COMPOSE.read_text())["services"].values()
            return name == "COMPOSE_PROFILES" and any(profile in one.get("profiles", []) for one in services)
        case ["gunicorn", "--config", config, application]:
            module = application.partition(":")[0]
            return config == f"python:{module}" and (ROOT / "examples" / f"{module}.py").exists()
        case _:
            return False


def belongs_to_a_supervisor(words: list[str]) -> bool:
    """Whether a command copies a template of deploy/, names a unit of it, or is given by the tests there."""
    match words:
        case ["cp", template, _]:
            return (ROOT / template).is_file()
        case ["systemctl" | "journalctl", *rest]:
            units = [re.sub("@.*", "@.service", word) for word in rest if "@" in word]
            return all((ROOT / "deploy" / "systemd" / unit).is_file() for unit in units)
        case [supervisor, verb, *_] if supervisor in TESTED_IN:
            tests = ROOT / "tests" / "deploy" / f"test_{TESTED_IN[supervisor]}.py"
            return f'"{verb}"' in tests.read_text()
    return False


def is_asked_of_the_web(words: list[str], where: str) -> bool:
    """Whether tests/web/test_page.py gives the command."""
    return words[0] == "curl" and where.startswith("docs/web.md")


def project() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found
