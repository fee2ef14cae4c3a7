"""Makes any text safe to store and to show: no NUL, no lone surrogates, no secrets, no endless length.

Recording a failure must not fail, so everything that ends in "errorMessage", a traceback or a log line comes
through here.
"""

from __future__ import annotations

import re
from typing import Final

from rowcrew.model.secret_names import HIDDEN_NAMES

MESSAGE_LENGTH: Final = 2_000
TRACEBACK_LENGTH: Final = 16_000

# Each repetition is bounded: a text made to be slow must not hold up the worker.
_SECRETS: Final = (
    # scheme://user:password@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://[^\s:/@]{0,200}):[^\s'\"]{1,500}@"), r"\1:***@"),
    # password=x, "api_key": "x", AWS_SECRET_ACCESS_KEY='x', Authorization: Bearer x
    (
        re.compile(
            rf"(?i)({HIDDEN_NAMES})(\\?['\"]?\s{{0,9}}[=:]\s{{0,9}})"
            r"(?P<quote>\\?['\"])?"
            r"(?(quote)(?:(?!(?P=quote))(?:\\.|[^\n\\]))*|(?:(?:bearer|basic)\s+)?[^\s'\",;&]+)"
        ),
        r"\1\2\g<quote>***",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), r"\1 ***"),
    # The parts of a presigned URL that open the door.
    (
        re.compile(
            r"(?i)\b((?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|Signature|sig)=)"
            r"[^&\s'\"]+"
        ),
        r"\1***",
    ),
    # Keys known by their form: AWS, OpenAI and Stripe, GitHub, Slack, JSON Web Tokens.
    (
        re.compile(
            r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{12,}|[sr]k[-_][\w-]{16,}|(?:gh[pousr]|github_pat)_\w{16,}"
            r"|xox[a-z]-[\w-]{10,}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?)"
        ),
        "***",
    ),
    (re.compile(r"(-----BEGIN [A-Z ]{0,40}KEY-----).*?(?:-----END[^\n-]*-----|\Z)", re.DOTALL), r"\1***"),
)
# What PostgreSQL, and SQLAlchemy about it, tells of the rows at hand, and so of payloads. A value may have
# lines of its own, so DETAIL goes on until something follows that cannot be one.
_ROWS: Final = re.compile(
    r"(?:^|\\n)[ |]*(?:DETAIL:|\[parameters: ).*?"
    r"(?=^[ |]*(?:HINT|CONTEXT|QUERY|STATEMENT): |^\[SQL: |^\(Background on |^[ |]*The above exception |"
    r"^[ |]*During handling of |\Z)",
    re.MULTILINE | re.DOTALL,
)
_QUERIES: Final = re.compile(r"^[ |]*(?:CONTEXT|QUERY|STATEMENT): .*$", re.MULTILINE)
_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_FIRST_WORD: Final = re.compile(r"\A\S+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


# One of these is in every text that cleaning changes, in small letters. The last three are what `re` takes
# for a letter of ours where it ignores case.
_HINTS: Final = (
    *(
        "://",
        "pass",
        "pwd",
        "secret",
        "token",
        "authorization",
        "key",
        "bearer",
        "basic",
        "sig",
        "credential",
    ),
    *(
        "akia",
        "asia",
        "sk-",
        "sk_",
        "rk-",
        "rk_",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat",
        "xox",
    ),
    *(
        "eyj",
        "-----begin",
        "detail:",
        "[parameters",
        "context:",
        "query:",
        "statement:",
        "\u017f",
        "\u0131",
        "i\u0307",
    ),
)


def needs_cleaning(text: str) -> bool:
    """Whether `clean_text` may change a text of this length: in a tenth of its time, since most need none."""
    if not text.replace("\n", "").isprintable():
        return True
    small = text.lower()
    for hint in _HINTS:  # noqa: SIM110 - a generator takes three times as long
        if hint in small:
            return True
    return False


def clean_text(text: str, length: int = TRACEBACK_LENGTH) -> str:
    """The text, secrets redacted, unstorable characters removed, the middle cut out beyond `length`."""
    if len(text) > 4 * length:
        # The word cut in two may be half a secret.
        text = f"{text[: 2 * length]} … {_FIRST_WORD.sub('', text[-2 * length :])}"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    text = _QUERIES.sub("", _ROWS.sub("", _CONTROL.sub("", text)))
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return _shortened(text, length)


def clean_line(text: str, length: int = MESSAGE_LENGTH) -> str:
    """The same in one line, for "errorMessage"."""
    return _shortened(" ".join(clean_text(text, 4 * length).split()), length)


def clean_json(data: bytes) -> bytes:
    """JSON text without the one escape that jsonb refuses, U+0000."""
    return _ESCAPED_NUL.sub(rb"\1", data) if b"\\u0000" in data else data


def describe(error: BaseException) -> str:
    """One cleaned line that names the error: `ValueError: no such month`."""
    text = text_of(error)
    name = type(error).__name__
    return clean_line(f"{name}: {text}" if text.strip() else name)


def text_of(value: object) -> str:
    """The value as text, whatever its `__str__` does."""
    try:
        return str(value)
    except BaseException:  # user code again: it may even raise SystemExit
        return ""


def _shortened(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return f"{text[: length // 2]} … {text[-(length - length // 2 - 3) :]}"
