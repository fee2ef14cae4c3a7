"""A real PM2 with a home of its own, and the commands that a test gives."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from rig.npm import npm_installed
from rig.programs import clean_environment

Row = dict[str, Any]


class Pm2:
    """A PM2 of a test's own: its daemon, and the one program that it keeps.

    Attributes:
        home: where it keeps its state and its logs.
        program: the command `pm2`.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.program = npm_installed(Path(__file__).parent / "supervisors") / "node_modules" / ".bin" / "pm2"

    def begin(self, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Give a command, and do not wait for its end."""
        environment = clean_environment(
            PM2_HOME=str(self.home), PM2_DISABLE_VERSION_CHECK="true", PM2_WORKER_INTERVAL="8000"
        )
        command = [str(self.program), *arguments]
        return subprocess.Popen(
            command, env=environment, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def __call__(self, *arguments: str, cwd: Path | None = None) -> str:
        return said(self.begin(*arguments, cwd=cwd))

    def state(self) -> Row:
        """What PM2 says of the program: pid, status, restarts."""
        (program,) = json.loads(self("jlist").splitlines()[-1])
        environment = program["pm2_env"]
        return {
            "pid": program["pid"],
            "status": environment["status"],
            "mode": environment["exec_mode"],
            "restarts": environment["restart_time"],
        }

    def output(self) -> str:
        return "".join(file.read_text() for file in sorted((self.home / "logs").glob("rowcrew-*.log")))


def said(command: subprocess.Popen[str]) -> str:
    """What a command has printed by its end."""
    output, _ = command.communicate(timeout=120)
    assert command.returncode == 0, output
    return str(output)
