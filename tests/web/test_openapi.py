"""The server does what its OpenAPI document says, whatever is sent: schemathesis makes it up."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.conftest import Web

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def described(web: Web) -> schemathesis.BaseSchema:
    for number in range(3):
        web.enqueue("described", uniqueKey=f"key-{number}")
    web.post("/api/v1/schedules", {"name": "0", "type": "described", "everySeconds": 3600})
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{web.port}/api/v1/openapi.json")


# A stream does not end: tests/web/test_events.py has its own.
api = schemathesis.pytest.from_fixture("described").exclude(path_regex="/jobs/.*/events$")


@api.parametrize()
@settings(
    max_examples=6, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
def test_the_server_answers_as_its_document_says(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS, timeout=60)
