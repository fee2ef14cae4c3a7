"""The image as an engine builds it: buildah follows the Dockerfile, and what it made is run.

No image is downloaded. The base is made by debootstrap, of the release of Debian with the Python of the image
which the Dockerfile names, and imported under that name; this machine's certificates go with it. Isolation is
`chroot` and storage `vfs`, which need nothing of the kernel: this runs inside a container too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg
import pytest

from rig.programs import program
from tests.deploy.conftest import OPTION, ROOT, bare
from tests.deploy.dockerfile import stages

DOCKERFILE: Final = ROOT / "deploy" / "docker" / "Dockerfile"
SUITE: Final = "trixie"
PACKAGES: Final = "python3,python3-venv,python-is-python3,ca-certificates"
ENGINE: Final = {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}
BIN: Final = "/opt/rowcrew/bin"
CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
MISSING: Final = [
    name for name in ("buildah", "debootstrap") if not shutil.which(name, path=os.environ["PATH"])
]

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(bool(MISSING), reason=f"no {' and no '.join(MISSING)} (.ci/run installs them)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="debootstrap makes a base for root alone"),
]


# The base and the build download a few hundred packages: minutes, and many on a busy machine.
patient = pytest.mark.timeout(1_800)


class Engine:
    """Buildah with a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store = ("--root", str(folder / "store"), "--runroot", str(folder / "run"))

    def words(self, *words: str) -> tuple[str, ...]:
        return ("buildah", *self._store, *words)

    def do(self, *words: str) -> str:
        """What the command says; it must succeed."""
        done = subprocess.run(
            self.words(*words), env=bare() | ENGINE, cwd=ROOT, text=True, capture_output=True
        )
        assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
        return done.stdout.strip()

    def configuration(self, image: str) -> dict[str, Any]:
        shown = json.loads(self.do("inspect", "--type", "image", image))
        return dict(shown["Docker"]["config"])


def base_named(engine: Engine, name: str) -> None:
    """An image of this name that was not downloaded."""
    system = engine.folder / "system"
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, system],
        text=True,
        capture_output=True,
    )
    if made.returncode != 0:
        pytest.skip(f"debootstrap made no base: {made.stdout[-300:]}")
    shutil.copy(CERTIFICATES, system / CERTIFICATES.relative_to("/"))
    container = engine.do("from", "scratch")
    engine.do("copy", container, str(system), "/")
    engine.do("config", "--env", f"SSL_CERT_FILE={CERTIFICATES}", container)
    engine.do("commit", "--rm", container, name)
    shutil.rmtree(system)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that has built the image `rowcrew`."""
    engine = Engine(tmp_path_factory.mktemp("engine"))
    ((_, first), *_), *_ = stages(DOCKERFILE.read_text())
    try:
        base_named(engine, f"docker.io/library/{first.partition(' ')[0]}")
        engine.do("build", "--format", "docker", "--pull-never", "-f", str(DOCKERFILE), "-t", "rowcrew", ".")
        yield engine
    finally:
        subprocess.run(engine.words("rm", "--all"), env=bare() | ENGINE, capture_output=True)
        shutil.rmtree(engine.folder, ignore_errors=True)


@patient
def test_the_image_says_what_the_dockerfile_says(engine: Engine) -> None:
    said = engine.configuration("localhost/rowcrew")
    assert (said["Entrypoint"], said["Cmd"], said["User"]) == (["rowcrew"], ["worker"], "10001")
    assert said["StopSignal"] == "SIGTERM"
    assert said["Healthcheck"]["Test"] == ["CMD", "rowcrew", "healthcheck"]


@patient
def test_the_image_migrates_works_is_healthy_and_leaves_on_sigterm(engine: Engine, empty_url: str) -> None:
    address = f"DATABASE_URL={empty_url}"
    said = engine.configuration("localhost/rowcrew")
    container = engine.do("from", "--pull-never", "localhost/rowcrew")
    inside = ("run", "--env", address, container, "--")
    assert engine.do(*inside, "id", "-u") == said["User"]
    engine.do(*inside, *said["Entrypoint"], "migrate")
    command = engine.words(*inside, *said["Entrypoint"], *said["Cmd"])
    with program(*command, cwd=ROOT, **ENGINE) as worker:
        worker.line("👥 Ready")
        with psycopg.connect(empty_url, autocommit=True) as connection:
            connection.execute(OPTION)
        worker.line("✅ Job completed: 4711")
        family = psutil.Process(worker.process.pid).children(recursive=True)
        [process] = [one for one in family if one.cmdline() == [f"{BIN}/python", f"{BIN}/rowcrew", "worker"]]
        assert process.uids().real == int(said["User"])
        process.terminate()
        assert worker.ended() == 0
    assert not any(one.is_running() for one in family)
