"""What an operator may ask of a worker, by a word in its row: `workers.asked`."""

from __future__ import annotations

from typing import Literal

Asked = Literal["drain", "terminate"]
"""Take no more jobs; or stop as after a signal."""
