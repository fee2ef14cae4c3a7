"""The launchers that start workers elsewhere, by the names that rows of `queues` have.

In: a name. Out: the launcher, made with the settings of this process. Called by `places` when a queue first
asks for one, so that nobody loads the library of a place where nothing is started.
"""

from __future__ import annotations

from rowcrew.model.errors import SettingsError
from rowcrew.spawn.launcher import Launcher


def launcher_named(name: str) -> Launcher:
    """Raises SettingsError when the launcher's settings are not complete, or nothing has this name."""
    from rowcrew.settings import launchers as settings

    match name:
        case "ecs":
            from rowcrew.spawn.launchers.ecs import EcsLauncher

            return EcsLauncher(settings.EcsSettings.read())
        case "batch":
            from rowcrew.spawn.launchers.batch import BatchLauncher

            return BatchLauncher(settings.BatchSettings.read())
        case "lambda":
            from rowcrew.spawn.launchers.lambda_ import LambdaLauncher

            return LambdaLauncher(settings.LambdaSettings.read())
        case "kubernetes":
            from rowcrew.spawn.launchers.kubernetes import KubernetesLauncher

            return KubernetesLauncher(settings.KubernetesSettings.read())
        case "render":
            from rowcrew.spawn.launchers.render import RenderLauncher

            return RenderLauncher(settings.RenderSettings.read())
    raise SettingsError(
        [f"no launcher is called {name!r}: give process, command, ecs, batch, lambda, kubernetes or render"]
    )
