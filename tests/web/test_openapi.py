"""The server does what its OpenAPI document says, whatever is sent: schemathesis makes it up."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Err, Ok
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


def operations_of(web: Web) -> list[Any]:
    """All but the stream, which does not end: tests/web/test_events.py has its own."""
    described = schemathesis.openapi.from_url(f"http://127.0.0.1:{web.port}/api/v1/openapi.json")
    found = list(described.exclude(path_regex="/jobs/.*/events$").get_all_operations())
    assert [one for one in found if isinstance(one, Err)] == []
    return [one.ok() for one in found if isinstance(one, Ok)]


def answers_as_described(operations: list[Any]) -> None:
    for operation in operations:

        @settings(
            max_examples=8,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers(case: Any) -> None:
            case.call_and_validate(checks=CHECKS, timeout=60)

        answers()


def test_the_server_answers_as_its_document_says(web: Web) -> None:
    for number in range(3):
        web.enqueue("described", uniqueKey=f"key-{number}")
    web.post("/api/v1/schedules", {"name": "0", "type": "described", "everySeconds": 3600})
    operations = operations_of(web)
    assert len(operations) > 30
    answers_as_described(operations)
