"""Cost Explorer and STS for tests: a server on a real socket that speaks their wire formats.

It knows what accounts cost, answers in pages, and refuses what AWS refuses: unknown keys, wrong signatures,
roles without trust, days in the wrong order, tokens it never gave. Troubles can be ordered.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

TARGET = "AWSInsightsIndexService.GetCostAndUsage"
_METRICS = {
    "AmortizedCost",
    "BlendedCost",
    "NetAmortizedCost",
    "NetUnblendedCost",
    "UnblendedCost",
    "UsageQuantity",
}
_SESSION = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><AssumedRoleId>AROA:rowcrew</AssumedRoleId><Arn>arn</Arn></AssumedRoleUser><Credentials>
<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>"""
_REFUSAL = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"""


class Refused(Exception):
    """What AWS answers in place of what was asked for."""

    def __init__(self, code: str, message: str = "no", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


class CloudBill:
    """What accounts cost, who may ask, and what was asked.

    Attributes:
        page_groups: how many groups a page holds.
        troubles: code and status of the refusals of the next calls.
        asked: the bodies of the calls of Cost Explorer that were answered.
        seen: how many calls came, whatever became of them.
        trouble_at: the same for single calls, by their numbers, counted from 1.
        session_calls: how many calls of Cost Explorer the session of a role lasts for; None = all.
    """

    def __init__(self) -> None:
        self.url = ""
        self.page_groups = 5_000
        self.troubles: deque[tuple[int, str]] = deque()
        self.asked: list[dict[str, Any]] = []
        self.seen = 0
        self.trouble_at: dict[int, tuple[int, str]] = {}
        self.session_calls: int | None = None
        self.estimated: set[str] = set()
        self.without_access: set[str] = set()
        self._secrets: dict[str, tuple[str, str]] = {}
        self._used: Counter[str] = Counter()
        self._roles: dict[str, tuple[str, str | None]] = {}
        self._costs: dict[str, dict[tuple[str, str, str, str], tuple[str, str]]] = defaultdict(dict)

    def let_in(self, account: str, key: str, secret: str) -> None:
        """An access key of an account."""
        self._secrets[key] = (secret, account)

    def make_role(self, arn: str, account: str, external_id: str | None = None) -> None:
        """A role that leads into an account, for whoever has a key and the external id."""
        self._roles[arn] = (account, external_id)

    def set(
        self,
        account: str,
        day: date | str,
        service: str,
        amount: str,
        *,
        unit: str = "USD",
        usage_type: str = "Usage",
        record_type: str = "Usage",
    ) -> None:
        self._costs[account][str(day), service, usage_type, record_type] = (amount, unit)

    def forget(self, account: str, day: date | str, service: str) -> None:
        for key in [key for key in self._costs[account] if key[:2] == (str(day), service)]:
            del self._costs[account][key]

    def answer(self, headers: Any, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        is_json = headers.get("X-Amz-Target") == TARGET
        try:
            account = self._account_of(headers, body, "ce" if is_json else "sts")
            if is_json:
                return 200, "application/x-amz-json-1.1", json.dumps(self._costs_of(account, body)).encode()
            return 200, "text/xml", self._assumed(body).encode()
        except Refused as refused:
            if is_json:
                said = json.dumps({"__type": refused.code, "Message": refused.message}).encode()
                return refused.status, "application/x-amz-json-1.1", said
            xml = _REFUSAL.format(code=refused.code, message=refused.message)
            return refused.status, "text/xml", xml.encode()

    def _account_of(self, headers: Any, body: bytes, service: str) -> str:
        """Whose key has signed this, and rightly."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        unknown = "UnrecognizedClientException" if service == "ce" else "InvalidClientTokenId"
        given = re.match(
            r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d+)/([\w-]+)/(\w+)/aws4_request, SignedHeaders=([\w;-]+), "
            "Signature=([0-9a-f]+)",
            headers.get("Authorization", ""),
        )
        if given is None:
            raise Refused("MissingAuthenticationTokenException")
        key, _, region, signed_for, names, signature = given.groups()
        if signed_for != service or region != "us-east-1" or key not in self._secrets:
            raise Refused(unknown, "The security token included in the request is invalid.")
        secret, account = self._secrets[key]
        request = AWSRequest("POST", f"{self.url}/", data=body)
        for name in names.split(";"):
            request.headers[name] = headers[name]
        request.context["timestamp"] = headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials(key, secret), service, region)
        to_sign = signer.string_to_sign(request, signer.canonical_request(request))
        if signer.signature(to_sign, request) != signature:
            raise Refused("InvalidSignatureException", f"The signature {signature} does not match", 403)
        self._used[key] += 1
        if key.startswith("ASIA") and self.session_calls is not None and self._used[key] > self.session_calls:
            raise Refused("ExpiredTokenException", "The security token included in the request is expired")
        return account

    def _assumed(self, body: bytes) -> str:
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        account, external_id = self._roles.get(asked["RoleArn"], ("", None))
        if not account or asked.get("ExternalId") != external_id:
            raise Refused(
                "AccessDenied", f"not authorized to perform: sts:AssumeRole on {asked['RoleArn']}", 403
            )
        key, secret = f"ASIA{len(self._secrets)}", f"session-secret-{len(self._secrets)}"
        self.let_in(account, key, secret)
        return _SESSION.format(key=key, secret=secret, token="session-token")

    def _costs_of(self, account: str, body: bytes) -> dict[str, Any]:
        self.seen += 1
        if self.troubles or self.seen in self.trouble_at:
            status, code = self.trouble_at.get(self.seen) or self.troubles.popleft()
            raise Refused(code, "Rate exceeded", status)
        if account in self.without_access:
            raise Refused(
                "AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized: ce:GetCostAndUsage"
            )
        asked = json.loads(body)
        first, end, begin = _checked(asked)
        self.asked.append(asked)
        [key] = [group["Key"] for group in asked["GroupBy"]]
        groups = self._groups(account, first, end, key, asked.get("Filter"))
        page = groups[begin : begin + self.page_groups]
        further = begin + self.page_groups
        answer: dict[str, Any] = {
            "GroupDefinitions": asked["GroupBy"],
            "ResultsByTime": self._by_time(page),
            "DimensionValueAttributes": [],
        }
        if further < len(groups):
            answer["NextPageToken"] = f"token-{further}"
        return answer

    def _groups(
        self, account: str, first: str, end: str, key: str, wanted: dict[str, Any] | None
    ) -> list[tuple[str, str, str, str]]:
        from decimal import Decimal

        sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        alone: dict[tuple[str, str, str], str] = {}
        for (day, service, usage_type, record_type), (amount, unit) in self._costs[account].items():
            dimensions = {"SERVICE": service, "RECORD_TYPE": record_type}
            if first <= day < end and (wanted is None or _passes(wanted, dimensions)):
                group = (day, service if key == "SERVICE" else usage_type, unit)
                alone[group] = amount
                sums[group] += Decimal(amount)
        same = {group: Decimal(amount) == sums[group] for group, amount in alone.items()}
        return [(*group, alone[group] if same[group] else format(sums[group], "f")) for group in sorted(sums)]

    def _by_time(self, groups: list[tuple[str, str, str, str]]) -> list[dict[str, Any]]:
        by_day: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for day, name, unit, amount in groups:
            metrics = {"UnblendedCost": {"Amount": amount, "Unit": unit}}
            by_day[day].append({"Keys": [name], "Metrics": metrics})
        return [
            {
                "TimePeriod": {
                    "Start": day,
                    "End": date.fromordinal(date.fromisoformat(day).toordinal() + 1).isoformat(),
                },
                "Total": {},
                "Groups": found,
                "Estimated": day in self.estimated,
            }
            for day, found in by_day.items()
        ]


def _passes(wanted: dict[str, Any], dimensions: dict[str, str]) -> bool:
    """Whether a cost of these dimensions passes the filter, of which AWS takes one operator at each level."""
    [(operator, value)] = wanted.items()
    match operator:
        case "And":
            return all(_passes(each, dimensions) for each in value)
        case "Not":
            return not _passes(value, dimensions)
        case "Dimensions":
            return dimensions[value["Key"]] in value["Values"]
    raise Refused("ValidationException", f"unknown operator {operator}")


def _checked(asked: dict[str, Any]) -> tuple[str, str, int]:
    """First day, the day after the last, and where the page begins."""
    first, end = asked["TimePeriod"]["Start"], asked["TimePeriod"]["End"]
    if not all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in (first, end)) or first >= end:
        raise Refused("ValidationException", "Start date (and hour) should be before end date (and hour)")
    if asked["Granularity"] not in ("DAILY", "MONTHLY", "HOURLY") or not set(asked["Metrics"]) <= _METRICS:
        raise Refused("ValidationException", "unknown granularity or metric")
    token = asked.get("NextPageToken", "token-0")
    if not re.fullmatch(r"token-\d+", token):
        raise Refused("InvalidNextTokenException")
    return first, end, int(token.removeprefix("token-"))


@contextmanager
def cost_explorer() -> Iterator[CloudBill]:
    """A bill behind a server on this host."""
    bill = CloudBill()

    class Handler(BaseHTTPRequestHandler):
        """One request to the bill."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, content_type, said = bill.answer(self.headers, body)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Tests listen to nobody else's log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        bill.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield bill
        server.shutdown()
        thread.join()
