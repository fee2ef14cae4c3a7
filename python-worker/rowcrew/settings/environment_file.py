"""The file `.env`: variables for programs started in its directory; those of the environment win.

In: the text of the file. Out: variables by name, or one complaint a line that cannot be read. Called by the
command line before its first command; nothing else reads the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from rowcrew.model.errors import SettingsError

FILE: Final = ".env"

_LINE: Final = re.compile(
    r"""(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*
        (?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<plain>[^'"].*?|))
        (?:\s+\#.*)?""",
    re.VERBOSE,
)


def read_environment_file(
    directory: Path | None = None, environment: MutableMapping[str, str] | None = None
) -> None:
    """Add the variables of the directory's `.env` to the environment, which wins where it has the name.

    Raises:
        SettingsError: names each line that cannot be read, without what stands in it.
    """
    environment = os.environ if environment is None else environment
    path = (directory or Path()) / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{FILE} cannot be read: {error}"]) from error
    for name, value in variables(text).items():
        environment.setdefault(name, value)


def variables(text: str) -> dict[str, str]:
    """The variables of the text, read as other programs read such files; nothing is expanded."""
    found, complaints = {}, []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if match := _LINE.fullmatch(line.strip()):
            found[match["name"]] = next(
                value for value in match.group("single", "double", "plain") if value is not None
            )
        else:
            complaints.append(f"{FILE}, line {number}: give NAME=value, with quotes around blanks and #")
    if complaints:
        raise SettingsError(complaints)
    return found
