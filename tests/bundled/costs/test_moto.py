"""The same collection against moto's server, which others wrote: answers are preset over its HTTP API."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from rig.bucket import moto_server
from rowcrew.bundled.costs.admin import WayIn, add_account
from rowcrew.bundled.costs.credentials import Credentials
from tests.bundled.costs.conftest import DAY, Site

ROLE = "arn:aws:iam::210987654321:role/costs"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def at_moto(site: Site, moto: str, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("AWS_ENDPOINT_URL_COST_EXPLORER", moto)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto)
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST"))
    return site


def preset(moto: str, account: str, *pages: dict[str, Any]) -> None:
    said = json.dumps({"account_id": account, "results": pages}).encode()
    address = f"{moto}/moto-api/static/ce/cost-and-usage-results"
    urllib.request.urlopen(urllib.request.Request(address, said, {"Content-Type": "application/json"}))


def page(service: str, amount: str, token: str | None = None) -> dict[str, Any]:
    cost = {"Keys": [service], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}}
    period = {"Start": DAY.isoformat(), "End": "2026-11-01"}
    results = [{"TimePeriod": period, "Total": {}, "Groups": [cost], "Estimated": True}]
    return {"ResultsByTime": results, **({"NextPageToken": token} if token else {})}


def test_preset_pages_are_parsed_by_botocore_and_kept(at_moto: Site, moto: str) -> None:
    pages = (page("Amazon EC2", "12.5", "next"), page("Amazon S3", "0.0000000042"))
    preset(moto, "123456789012", *pages)
    add_account(at_moto.connection, "prod", WayIn(credentials=Credentials("AKIAMOTO", "secret")))
    result = at_moto.collect().result
    assert result["calls"] == 2
    assert at_moto.costs("service, amount::text, estimated") == [
        ("Amazon EC2", "12.5", True),
        ("Amazon S3", "0.0000000042", True),
    ]


def test_a_role_leads_into_its_account(at_moto: Site, moto: str) -> None:
    preset(moto, "210987654321", page("Amazon RDS", "3"))
    credentials = Credentials("AKIAMOTO", "secret")
    add_account(at_moto.connection, "other", WayIn(credentials=credentials, role_arn=ROLE))
    assert at_moto.collect().result["succeeded"] == 1
    assert at_moto.costs("service, amount::text") == [("Amazon RDS", "3")]
