"""The launchers by name, each made when a queue first asks for it.

In: the name in `queues.launcher`. Out: a launcher. Called by `rounds`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rowcrew.model.errors import SettingsError
from rowcrew.settings import Settings, environment_with
from rowcrew.spawn.launcher import Launcher, LaunchFailed
from rowcrew.spawn.launchers.command import CommandLauncher
from rowcrew.spawn.launchers.named import launcher_named
from rowcrew.spawn.launchers.process import ProcessLauncher

COMMAND: Final = "command"


class Places:
    """Where this spawner can start workers.

    Args:
        only: the launcher to use whatever the rows say; None = the one that a queue's row names.
        in_place_of_process: the launcher for queues whose rows name this machine; None = this machine.
        on_end: is called, from another thread, when a worker of this machine has ended.

    Attributes:
        processes: the launcher of this machine, which is always there.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        only: str | None,
        in_place_of_process: str | None = None,
        on_end: Callable[[], object],
    ) -> None:
        self._commands = {command.name: command.words for command in settings.launch_commands}
        self._only = only
        self._in_place_of_process = in_place_of_process
        self.processes = ProcessLauncher(environment_with=environment_with, on_end=on_end)
        self._made: dict[str, Launcher] = {self.processes.name: self.processes}

    def name_of(self, launcher: str) -> str:
        """The launcher that starts the workers of a queue whose row says this."""
        if self._only is None and launcher == self.processes.name:
            return self._in_place_of_process or launcher
        return self._only or launcher

    def launcher(self, name: str, command: str | None) -> Launcher:
        """The launcher of this name, and for `command` of this command.

        Raises:
            PlaceFailed: nothing here is called this, it lacks a setting, or its place does not answer.
        """
        key = f"{name} {command}" if name == COMMAND else name
        if key not in self._made:
            self._made[key] = self._make(name, command)
        return self._made[key]

    def _make(self, name: str, command: str | None) -> Launcher:
        if name == COMMAND:
            if command not in self._commands:
                raise LaunchFailed(
                    f"LAUNCH_COMMANDS of this spawner has no command {command!r}: add it there, or name"
                    ' another in "launchCommand" of the queue'
                )
            return CommandLauncher(words=self._commands[command], environment_with=environment_with)
        try:
            return launcher_named(name)
        except SettingsError as error:
            raise LaunchFailed(str(error)) from error
