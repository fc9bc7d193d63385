"""Every example of Amazon's own model, through the client and back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatch.spapi import OPERATIONS, ApiResponse, SellingApiException
from dispatch.spapi.exceptions import exception_for_status

MODEL = Path(__file__).parents[2] / "../shared/spapi/services-v1.json"
US = "ATVPDKIKX0DER"

pytestmark = pytest.mark.skipif(not MODEL.exists(), reason="Amazon's model is not at hand")

METHODS = {
    "getAppointmmentSlotsByJobId": "get_appointmment_slots_by_job_id",
}


@dataclass
class Example:
    operation: str
    method: str
    path: str
    declared: list[dict[str, Any]]
    status: int
    given: dict[str, Any]
    response: Any

    @property
    def ids(self) -> dict[str, str]:
        """Some refusals are for a missing path parameter, which no URL can express."""
        return {
            item["name"]: self.given.get(item["name"], {"value": "null"})["value"]
            for item in self.declared
            if item["in"] == "path"
        }

    @property
    def query(self) -> dict[str, Any]:
        names = [item["name"] for item in self.declared if item["in"] == "query"]
        return {name: self.given[name]["value"] for name in names if name in self.given}

    @property
    def body(self) -> Any:
        return self.given["body"]["value"] if "body" in self.given else None

    @property
    def takes_body(self) -> bool:
        return any(item["in"] == "body" for item in self.declared)


def model_operations() -> list[tuple[str, str, dict[str, Any]]]:
    if not MODEL.exists():
        return []
    paths = json.loads(MODEL.read_text())["paths"]
    return [
        (path, method, operation)
        for path, item in paths.items()
        for method, operation in item.items()
        if method != "parameters"
    ]


def examples() -> list[Example]:
    return [
        Example(
            operation["operationId"],
            method.upper(),
            path,
            operation["parameters"],
            int(status),
            static["request"]["parameters"],
            static["response"],
        )
        for path, method, operation in model_operations()
        for status, response in operation["responses"].items()
        for static in response.get("x-amzn-api-sandbox", {}).get("static", [])
    ]


EXAMPLES = examples()


def snake(operation: str) -> str:
    return METHODS.get(operation) or re.sub(r"(?=[A-Z])", "_", operation).lower()


def drive(services, example: Example, *, whole_body: bool) -> ApiResponse:
    call = getattr(services, snake(example.operation))
    keys = dict(example.query)
    if whole_body and example.body is not None:
        keys["body"] = example.body
    else:
        keys |= example.body or {}
    return call(*example.ids.values(), **keys)


def check_request(example: Example, heard) -> None:
    path = example.path
    for name, value in example.ids.items():
        path = path.replace(f"{{{name}}}", value)
    assert (heard.method, "/".join(heard.segments)) == (example.method, path)
    assert "Atza" not in heard.target
    required = {item["name"] for item in example.declared if item.get("required")}
    expected = {name: str(value) for name, value in example.query.items()}
    if "marketplaceIds" in required:
        expected.setdefault("marketplaceIds", US)
    assert (heard.query if "?" in heard.target else {}) == expected
    check_body(example, heard)
    check_headers(heard)


def check_body(example: Example, heard) -> None:
    if not example.takes_body:
        assert heard.body == b""
        assert "content-type" not in heard.headers
        return
    assert heard.headers["content-type"] == "application/json"
    assert heard.json == (example.body or {})


def check_headers(heard) -> None:
    assert heard.headers["x-amz-access-token"] == "Atza|token-1"
    assert re.fullmatch(r"\d{8}T\d{6}Z", heard.headers["x-amz-date"])
    agent = heard.headers["user-agent"]
    assert re.fullmatch(r"Dispatch/\S+ \(Language=Python/3\.\d+; Platform=\S+\)", agent)
    assert heard.headers["host"].startswith("127.0.0.1:")
    assert heard.headers["accept"] == "application/json"
    assert "authorization" not in heard.headers
    assert "cookie" not in heard.headers


def check_success(example: Example, response: ApiResponse) -> None:
    body = example.response or {}
    assert response.payload == body.get("payload", body)
    inner = body.get("payload", {})
    warnings = body.get("warnings", []) or inner.get("warnings", [])
    assert response.warnings == warnings
    assert response.errors is None
    assert response.request_id == "req-1"
    assert response.next_token == (inner.get("nextPageToken") or body.get("nextPageToken"))


def errors_of(example: Example) -> list[dict[str, Any]]:
    body = example.response
    return body if isinstance(body, list) else body.get("errors", []) if body else []


def check_refusal(example: Example, raised: SellingApiException) -> None:
    errors = errors_of(example)
    assert type(raised) is exception_for_status(example.status)
    assert raised.code == example.status
    assert raised.error == errors
    assert raised.amzn_code == errors[0]["code"]
    assert raised.message == errors[0]["message"]
    assert raised.operation == example.operation
    assert raised.request_id == "req-1"


@pytest.mark.parametrize("whole_body", [False, True], ids=["keywords", "body"])
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_it_speaks_and_reads_every_example(number, whole_body, amazon, services, say):
    example = EXAMPLES[number]
    amazon.say(say(example.status, example.response))
    if errors_of(example):
        with pytest.raises(SellingApiException) as caught:
            drive(services, example, whole_body=whole_body)
        check_refusal(example, caught.value)
    else:
        check_success(example, drive(services, example, whole_body=whole_body))
    assert len(amazon.heard) == 1
    check_request(example, amazon.heard[0])


def test_no_example_is_left_out():
    """Counted in the text, not by the code that collects them."""
    tree = json.loads(MODEL.read_text())
    assert len(EXAMPLES) == _count(tree) == 78
    assert {example.operation for example in EXAMPLES} == set(OPERATIONS)


def _count(node: Any) -> int:
    if isinstance(node, list):
        return sum(map(_count, node))
    if not isinstance(node, dict):
        return 0
    own = node.get("x-amzn-api-sandbox")
    here = len(own["static"]) if isinstance(own, dict) and "static" in own else 0
    return here + sum(_count(value) for value in node.values())


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_the_table_is_the_model(operation):
    path, method, declared = next(
        found for found in model_operations() if found[2]["operationId"] == operation
    )
    ours = OPERATIONS[operation]
    assert (ours.path, ours.method) == (path, method.upper())
    query = [item["name"] for item in declared["parameters"] if item["in"] == "query"]
    assert set(ours.query) == set(query)
    assert ours.body == _body_keys(declared)
    assert ours.needs_marketplace == ("marketplaceIds" in query)
    assert (ours.rate, ours.burst) == _usage_plan(declared["description"])


def _body_keys(declared: dict[str, Any]) -> Any:
    definitions = json.loads(MODEL.read_text())["definitions"]
    for item in declared["parameters"]:
        if item["in"] == "body":
            name = item["schema"]["$ref"].rsplit("/", 1)[1]
            return _same_order(OPERATIONS[declared["operationId"]].body, definitions[name])
    return ()


def _same_order(ours: tuple[str, ...], definition: dict[str, Any]) -> Any:
    return ours if set(ours) == set(definition["properties"]) else set(definition["properties"])


def _usage_plan(description: str) -> tuple[float, int]:
    rate, burst = re.findall(r"\|\s*([\d.]+)\s*\|\s*(\d+)\s*\|", description)[0]
    return float(rate), int(burst)
