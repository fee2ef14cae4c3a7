"""Objects in S3, or in a store that speaks like it: download, upload, presigned URLs.

In: bucket and key; credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from wherever boto3
finds them. Out: a filled file, a stored object, a URL. Called by `sources` and `store`; the first call
imports boto3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import IO, Any, Final

from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from rowcrew.bundled.files.arrival import PART_BYTES, Arrival, Patience, TransferFailed
from rowcrew.bundled.files.settings import FileSettings
from rowcrew.context import PermanentError

LONGEST_URL_SECONDS: Final = 7 * 86_400
# An upload runs inside the job's transaction, which the server ends after a minute of silence.
_UPLOAD_DEADLINE_SECONDS: Final = 40
_UPLOAD_ATTEMPTS: Final = 5
_SILENCE_SECONDS: Final = 15
_THROTTLED: Final = (
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
)
_CREDENTIALS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def download(
    bucket: str,
    key: str,
    file: IO[bytes],
    most_bytes: int,
    cancelled: Callable[[], bool],
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> None:
    """Write one version of an object into a file, also if the object changes meanwhile.

    Raises:
        PermanentError: there is no such object, it must not be read, or it is too large.
        TransferFailed: the network or S3 failed or was too slow, several times.
        RunStopped: the run was cancelled.
    """
    arrival = Arrival(file, most_bytes, cancelled, patience)
    with _client(patience.silence_seconds) as client:
        download = _Download(client, bucket, key, arrival)
        arrival.attempt_until_there(download.attempt)


def upload(bucket: str, key: str, content: bytes, content_type: str) -> None:
    """Store an object, in place of the one of that key. It is there as a whole or not at all.

    Raises:
        PermanentError: it must not be stored there.
        TransferFailed: the network or S3 failed several times.
    """
    with _client(_SILENCE_SECONDS) as client:

        def put() -> None:
            with _explained(bucket, key):
                client.put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type)

        Retrying(
            retry=retry_if_exception_type(TransferFailed),
            wait=wait_random_exponential(multiplier=0.5, max=10),
            stop=stop_after_attempt(_UPLOAD_ATTEMPTS) | stop_before_delay(_UPLOAD_DEADLINE_SECONDS),
            reraise=True,
        )(put)


def presigned_url(bucket: str, key: str, seconds: int) -> str:
    """A URL that lets whoever holds it read an object, for so many seconds, at most seven days."""
    if not 1 <= seconds <= LONGEST_URL_SECONDS:
        raise ValueError(f"a presigned URL lives 1 to {LONGEST_URL_SECONDS:,} seconds, not {seconds:,}")
    with _client(_SILENCE_SECONDS) as client, _explained(bucket, key):
        parameters = {"Bucket": bucket, "Key": key}
        url: str = client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
    return url


class _Download:
    """An object under way. A broken connection goes on where it broke, if the object is still the same."""

    def __init__(self, client: Any, bucket: str, key: str, arrival: Arrival) -> None:
        self._client = client
        self._object = {"Bucket": bucket, "Key": key}
        self._arrival = arrival
        self._etag: str | None = None

    def attempt(self) -> None:
        with _explained(self._object["Bucket"], self._object["Key"]):
            answer = self._open()
            body = answer["Body"]
            with body as raw, self._arrival.watched(raw.shutdown):
                self._arrival.require_room(self._arrival.size + answer["ContentLength"])
                for part in body.iter_chunks(PART_BYTES):
                    self._arrival.take(part)

    def _open(self) -> Any:
        if self._arrival.size == 0:
            answer = self._client.get_object(**self._object)
            self._etag = answer["ETag"]
            return answer
        rest = {"Range": f"bytes={self._arrival.size}-", "IfMatch": self._etag}
        try:
            return self._client.get_object(**self._object, **rest)
        except self._client.exceptions.ClientError as error:
            if _status(error) not in (412, 416):
                raise
            self._arrival.restart()
            raise TransferFailed("it changed while it was read") from error


@contextmanager
def _client(silence_seconds: float) -> Iterator[Any]:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    given = FileSettings.read()
    _require_whole_credentials(given)
    config = Config(
        connect_timeout=silence_seconds,
        read_timeout=silence_seconds,
        retries={"total_max_attempts": 1},  # tenacity knows the deadline
        signature_version="s3v4",
    )
    try:
        client = boto3.Session().client(
            "s3", region_name=given.aws_region, endpoint_url=given.aws_endpoint_url, config=config
        )
    except (BotoCoreError, ValueError) as error:
        raise PermanentError(f"S3 cannot be used: {error}") from error
    with closing(client):
        yield client


def _require_whole_credentials(given: FileSettings) -> None:
    values = (given.aws_access_key_id, given.aws_secret_access_key)
    missing = [name for name, value in zip(_CREDENTIALS, values, strict=True) if value is None]
    if len(missing) == 1:
        raise PermanentError(f"S3 needs {' and '.join(_CREDENTIALS)}; {missing[0]} is not set")


@contextmanager
def _explained(bucket: str, key: str) -> Iterator[None]:
    """What boto3 raises, as an end of the job or as a reason to try again, with the object's name."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        ParamValidationError,
        PartialCredentialsError,
    )

    name = f"s3://{bucket}/{key}"
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise PermanentError(
            f"{name}: S3 needs {' and '.join(_CREDENTIALS)}, which are not set, or a role of the machine"
        ) from error
    except ParamValidationError as error:
        raise PermanentError(f"{name}: the bucket name or key is not valid") from error
    except ClientError as error:
        raise _meaning(name, error) from error
    except BotoCoreError as error:
        raise TransferFailed(f"{name}: {type(error).__name__}") from error
    except TransferFailed as error:
        raise TransferFailed(f"{name}: {error}") from error


def _meaning(name: str, error: Any) -> PermanentError | TransferFailed:
    code, status = error.response.get("Error", {}).get("Code", ""), _status(error)
    if status >= 500 or status == 429 or code in _THROTTLED:
        return TransferFailed(f"{name}: S3 answers {status} {code}")
    if code == "NoSuchBucket":
        return PermanentError(f"{name}: there is no such bucket")
    if status == 404:
        return PermanentError(f"{name}: there is no such object")
    if status in (401, 403):
        return PermanentError(f"{name}: S3 answers {status} {code}: the credentials do not allow this")
    return PermanentError(f"{name}: S3 answers {status} {code}")


def _status(error: Any) -> int:
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status
