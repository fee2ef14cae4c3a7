"""The settings of files: where sources may come from, and where stored files go."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import ClassVar

from rowcrew.settings import readers
from rowcrew.settings.family import FamilySettings
from rowcrew.settings.readers import Secret
from rowcrew.settings.variables import Variable


class FileSettings(FamilySettings, frozen=True, kw_only=True):
    """Where sources may come from, where stored files go and how long they stay."""

    keep_seconds: int | None = None
    data_directory: Path | None = None
    url_allow_private: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    s3_bucket_name: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: Secret | None = None
    aws_region: str = "us-east-1"
    aws_endpoint_url: str | None = None

    variables: ClassVar[tuple[Variable, ...]] = (
        Variable(
            ("STORED_FILE_TTL",),
            "keep_seconds",
            readers.age,
            "unset",
            "how long files of jobs stay in the table `blobs`, with or without the job's row;"
            " unset = for ever",
        ),
        Variable(("ROWCREW_DATA_DIR",), "data_directory", Path, "unset", "root of inputs given by `path`"),
        Variable(
            ("URL_ALLOW_PRIVATE",),
            "url_allow_private",
            readers.networks,
            "unset",
            "networks that `url` inputs may come from though not public, also by http: for intranets, tests",
        ),
        Variable(
            ("S3_BUCKET_NAME",),
            "s3_bucket_name",
            readers.text,
            "unset",
            "the bucket for files that jobs make; unset = the table `blobs`",
        ),
        Variable(
            ("AWS_ACCESS_KEY_ID",),
            "aws_access_key_id",
            readers.text,
            "unset",
            "who asks S3; unset = the role or profile that boto3 finds",
        ),
        Variable(
            ("AWS_SECRET_ACCESS_KEY",),
            "aws_secret_access_key",
            readers.Secret,
            "unset",
            "the secret of that key",
        ),
        Variable(("AWS_REGION",), "aws_region", readers.text, "us-east-1", "the region of the bucket"),
        Variable(
            ("AWS_ENDPOINT_URL",),
            "aws_endpoint_url",
            readers.endpoint,
            "unset",
            "address of a store that speaks like S3, in place of AWS",
        ),
    )

    def disagreement(self) -> str | None:
        if (self.aws_access_key_id is None) == (self.aws_secret_access_key is None):
            return None
        return "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: only one of them is set; give both or neither"
