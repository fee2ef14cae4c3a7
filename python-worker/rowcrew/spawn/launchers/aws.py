"""What the launchers of AWS share: a client that is patient for seconds only, and refusals in words.

In: the settings of a launcher, and what boto3 raises. Out: a client, and the refusal as a sentence that says
what AWS said and what to do. Called by the launchers `ecs`, `batch` and `lambda_`; importing this module
loads no boto3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from rowcrew.settings.launchers import AwsSettings
from rowcrew.spawn.launcher import PlaceFailed

_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 20
_MOST_WORDS: Final = 500
_REMEDIES: Final = {
    "AccessDeniedException": "give the spawner's role the policy of deploy/aws/spawner-policy.json",
    "ClusterNotFoundException": "correct LAUNCHER_ECS_CLUSTER",
    "ExpiredTokenException": "renew the spawner's credentials",
    "ResourceNotFoundException": "correct LAUNCHER_LAMBDA_FUNCTION",
    "ThrottlingException": "start fewer workers at once, or have the quota raised",
    "TooManyRequestsException": "start fewer workers at once, or have the quota raised",
    "UnrecognizedClientException": "correct the spawner's credentials",
}


def client(service: str, settings: AwsSettings, *, most_attempts: int = 3) -> Any:
    """A client of this service of AWS.

    Args:
        most_attempts: 1 where a repeat of an unanswered request would start a second worker.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": most_attempts},
        ignore_configured_endpoint_urls=True,  # AWS_ENDPOINT_URL is that of a bucket
    )
    with told(f"{service} cannot be asked"):
        session = boto3.Session(region_name=settings.region)
        return session.client(service, endpoint_url=settings.endpoint, config=config)


@contextmanager
def told(
    what: str, failure: type[PlaceFailed] = PlaceFailed, *, harmless: tuple[str, ...] = ()
) -> Iterator[None]:
    """What boto3 raises, as this failure, with AWS's words and a remedy where one is known.

    Args:
        harmless: words of refusals that are none.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        said = error.response["Error"]
        code, message = said.get("Code", ""), said.get("Message", "")
        if not any(words in message for words in harmless):
            raise failure(_sentence(what, code, message)) from error
    except (BotoCoreError, ValueError) as error:
        raise failure(f"{what}: {error}"[:_MOST_WORDS]) from error


def _sentence(what: str, code: str, message: str) -> str:
    remedy = _REMEDIES.get(code)
    words = f"{what}: {code}: {message}"[:_MOST_WORDS]
    return f"{words}; {remedy}" if remedy else words


def named(pattern: str, queue: str) -> str:
    """A name in the settings with this queue in the place of {queue}."""
    return pattern.replace("{queue}", queue)


def as_pairs(environment: Mapping[str, str]) -> list[dict[str, str]]:
    """Variables as ECS and Batch have them."""
    return [{"name": name, "value": value} for name, value in environment.items()]
