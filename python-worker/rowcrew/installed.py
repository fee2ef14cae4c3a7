"""What is installed of Rowcrew: its version, and the directory of its package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

VERSION: Final = "0.1.0"
PACKAGE: Final = Path(__file__).parent
