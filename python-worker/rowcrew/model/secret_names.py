"""Which names a secret has, as a part of a pattern that ignores case.

In: nothing. Out: text. Called by what hides the fields of payloads, and what cleans texts.
"""

from __future__ import annotations

from typing import Final

HIDDEN_NAMES: Final = (
    r"(?:password|passwd|passwort|passphrase|pwd|secret(?:[_-]?access)?(?:[_-]?key)?|token|authorization"
    r"|credentials?|(?:api|access|private)[_-]?key)"
)
"""Names are often parts of longer ones: `db_password`, `apiKeyOfMail`. No group of it is kept."""
