"""Loads the .sql files of a package: one file is one statement, named for what it does.

In: the name of a package and of a folder in it. Out: the statements by name. Called by `rowcrew.table`, by
the bundled families, and by packages of users that keep their SQL in files too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable


class Statements(Mapping[str, str]):
    """The statements of one package: `statements["reserve"]` is the text of `sql/reserve.sql`.

    A file in a subfolder is named with it: `statements["worker/reserve"]`. Parameters stand in the text as
    psycopg takes them, `%(name)s`. The first use reads all files, so that a process says the same until its
    end: also when an upgrade replaces its files, and when it may open no more of them.

    Args:
        package: the importable package that holds the folder.
        folder: the folder of the .sql files, inside the package.
    """

    def __init__(self, package: str, folder: str = "sql") -> None:
        self._package = package
        self._folder = folder

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    @cached_property
    def _texts(self) -> dict[str, str]:
        return dict(_below(resources.files(self._package) / self._folder, ""))


def _below(directory: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in directory.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".sql"):
            yield path + entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8")
