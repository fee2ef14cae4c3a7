"""What AWS refuses, in words: for good, for now, or until the pages are begun anew.

In: what boto3 raises. Out: an `AccountFailed` of one of three kinds, never with a secret in it. Called by
`cost_explorer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from rowcrew import RowcrewError

_PASSING: Final = frozenset(
    {
        "DataUnavailableException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException"})
_FROM_THE_START: Final = frozenset({"InvalidNextTokenException", "RequestChangedException"})
# Their words name who may not do what; those of other refusals may hold a part of what was signed.
_TELLING: Final = frozenset({"AccessDenied", "AccessDeniedException", "ValidationException"})
_MOST_WORDS: Final = 300


class AccountFailed(RowcrewError):
    """An account whose costs cannot be had; another attempt would meet the same."""


class Unavailable(AccountFailed):
    """AWS is throttling, or it or the way to it failed; a later attempt may succeed."""


class PagesChanged(AccountFailed):
    """The pages that were begun do not go on; the first one must be asked for again."""


@contextmanager
def explained() -> Iterator[None]:
    """What boto3 raises, as the account's failure or as a reason to try again; never with a secret in it."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,  # noqa: A004 - botocore's
        HTTPClientError,
        NoCredentialsError,
        ParamValidationError,
        PartialCredentialsError,
    )
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise _meaning(error) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise AccountFailed(
            "it has no credentials of its own, and the worker has none (AWS_ACCESS_KEY_ID, a role)"
        ) from error
    except ParamValidationError as error:
        raise AccountFailed("its role or external id is not valid") from error
    except (HTTPClientError, ConnectionError) as error:
        raise Unavailable(f"no answer from AWS: {type(error).__name__}") from error
    except ResponseParserError as error:
        raise Unavailable("what answers is not AWS: its answer cannot be parsed") from error
    except (BotoCoreError, ValueError) as error:
        raise AccountFailed(f"AWS cannot be asked: {type(error).__name__}") from error


def _meaning(error: Any) -> AccountFailed:
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    what = f"{error.operation_name}: AWS answers {status} {code}"
    if code in _FROM_THE_START:
        return PagesChanged(what)
    if code in _PASSING or status >= 500 or status == 429:
        return Unavailable(what)
    words = error.response.get("Error", {}).get("Message", "") if code in _TELLING else ""
    return AccountFailed(f"{what}: {words[:_MOST_WORDS]}" if words else what)


def code_of(error: Any) -> str:
    code: str = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    return code
