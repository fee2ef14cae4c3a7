"""S3 for tests: moto's server on a real socket, and a bucket in it that this process's settings name."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def moto_server() -> Iterator[str]:
    """The address of moto's server on this host."""
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


class Bucket:
    """A bucket in moto's S3, and the settings that make it the worker's own."""

    def __init__(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = f"bucket-{uuid.uuid4().hex}"
        self._environment = monkeypatch
        self.use(address)
        self.client.create_bucket(Bucket=self.name)
        monkeypatch.setenv("S3_BUCKET_NAME", self.name)

    def use(self, address: str, *, key: str = "id", secret: str = "secret") -> None:
        """Ask this address for S3 from now on."""
        self._environment.setenv("AWS_ENDPOINT_URL", address)
        self._environment.setenv("AWS_ACCESS_KEY_ID", key)
        self._environment.setenv("AWS_SECRET_ACCESS_KEY", secret)

    @property
    def client(self) -> Any:
        import boto3

        return boto3.client("s3", region_name="us-east-1")

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def get(self, key: str) -> Any:
        return self.client.get_object(Bucket=self.name, Key=key)

    def keys(self) -> list[str]:
        return [each["Key"] for each in self.client.list_objects_v2(Bucket=self.name).get("Contents", ())]
