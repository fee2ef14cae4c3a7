"""Makes a PPTX depend on its content alone: no dates in the archive, nor in the workbooks inside.

In: the bytes of a PPTX. Out: the bytes of one with the same parts. What is in a chart's workbook is an
archive too, and treated alike.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Final

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_DATES: Final = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")
_ALWAYS: Final = rb"\g<1>2000-01-01T00:00:00Z\g<2>"


def repacked(content: bytes) -> bytes:
    """The same archive without the time of its making."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as before,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in before.namelist():
            entry = zipfile.ZipInfo(name, _EPOCH)
            after.writestr(entry, _part(name, before.read(name)), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _part(name: str, content: bytes) -> bytes:
    if name.endswith(".xlsx"):
        return repacked(content)
    if name == "docProps/core.xml":
        return _DATES.sub(_ALWAYS, content)
    return content
