"""A sandbox on loopback for every test, empty and with a real clock unless it says otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from dispatch.sandbox.realm import APPLICATION, APPLICATION_SECRET, US
from dispatch.sandbox.server import SandboxServer
from tests.limits import PATIENCE

MODEL = Path(__file__).parents[2] / "../shared/spapi/services-v1.json"


class Api:
    """A plain HTTP client of one sandbox, logged in as one seller."""

    def __init__(self, url: str, refresh_token: str = "Atzr|sandbox", marketplace: str = US):
        self.url = url
        self.marketplace = marketplace
        self.refresh_token = refresh_token
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["x-amz-access-token"] = self.token()

    def token(self, **changes: str) -> str:
        answer = self.ask_token(**changes)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def ask_token(self, **changes: str) -> requests.Response:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self.refresh_token,
            "client_id": APPLICATION,
            "client_secret": APPLICATION_SECRET,
            **changes,
        }
        form = {key: value for key, value in form.items() if value}
        return self.session.post(f"{self.url}/auth/o2/token", data=form, timeout=PATIENCE)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        params = {key: value for key, value in query.items() if value is not None}
        address = f"{self.url}/service/v1{path}"
        return self.session.request(method, address, json=body, params=params, timeout=PATIENCE)

    def control(self, name: str, body: Any = None) -> Any:
        address = f"{self.url}/_sandbox/{name}"
        if body is None:
            answer = self.session.get(address, timeout=PATIENCE)
        else:
            answer = self.session.post(address, json=body, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def load(self, **scenario: Any) -> None:
        self.control("scenario", scenario)

    def jobs(self, **query: Any) -> requests.Response:
        query.setdefault("marketplaceIds", self.marketplace)
        if not {"createdAfter", "lastUpdatedAfter", "pageToken"} & {*query}:
            query["createdAfter"] = "2000-01-01T00:00:00Z"
        return self.call("GET", "/serviceJobs", **query)

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.call("GET", f"/serviceJobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()["payload"]


@pytest.fixture(scope="session")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(jobs=0, rate_limits=False) as running:
        yield running


@pytest.fixture
def api(server: SandboxServer) -> Api:
    """The US seller in an empty world without limits."""
    server.realm.clear()
    server.realm.faults.waiting.clear()
    server.realm.rate_limits = False
    client = Api(server.url)
    client.load()
    return client


@pytest.fixture
def connect() -> Callable[..., Api]:
    return Api


@pytest.fixture
def errors_of() -> Callable[[requests.Response], list[tuple[str, str]]]:
    def read(answer: requests.Response) -> list[tuple[str, str]]:
        body = answer.json()
        listed = body if isinstance(body, list) else body["errors"]
        return [(one["code"], one["message"]) for one in listed]

    return read


@pytest.fixture
def tomorrow() -> Callable[..., str]:
    """A full hour some days ahead, as text: ``tomorrow(days=2, hour=10)``."""

    def text(days: int = 1, hour: int = 10) -> str:
        day = datetime.now(UTC) + timedelta(days=days)
        return day.strftime(f"%Y-%m-%dT{hour:02}:00:00Z")

    return text


@pytest.fixture(scope="session")
def model() -> dict[str, Any]:
    if not MODEL.exists():
        pytest.skip("Amazon's model is not beside the repository")
    return json.loads(MODEL.read_text())


class Schema:
    """Checks data against the definitions of a swagger 2.0 model."""

    def __init__(self, model: dict[str, Any]) -> None:
        self.definitions = model["definitions"]

    def problems(self, name: str, data: Any) -> list[str]:
        return list(self._check(self.definitions[name], data, name))

    def _check(self, schema: dict[str, Any], data: Any, at: str) -> Iterator[str]:
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rsplit("/", 1)[1]]
        kinds = {
            "object": dict,
            "array": list,
            "string": str,
            "boolean": bool,
            "integer": int,
            "number": (int, float),
        }
        kind = schema.get("type", "object")
        if not isinstance(data, kinds[kind]) or (kind != "boolean" and isinstance(data, bool)):
            yield f"{at}: {data!r} is no {kind}"
            return
        if kind == "object":
            yield from self._object(schema, data, at)
        elif kind == "array":
            if len(data) < schema.get("minItems", 0):
                yield f"{at}: too few"
            for index, one in enumerate(data):
                yield from self._check(schema["items"], one, f"{at}[{index}]")
        else:
            yield from self._scalar(schema, data, at)

    def _object(self, schema: dict[str, Any], data: Any, at: str) -> Iterator[str]:
        known, extra = schema.get("properties", {}), schema.get("additionalProperties")
        yield from (
            f"{at}: {name} missing" for name in schema.get("required", []) if name not in data
        )
        for name, value in data.items():
            if name in known:
                yield from self._check(known[name], value, f"{at}.{name}")
            elif extra:
                yield from self._check(extra, value, f"{at}.{name}")
            elif known:
                yield f"{at}: {name} is not in the model"

    def _scalar(self, schema: dict[str, Any], data: Any, at: str) -> Iterator[str]:
        import re

        if "enum" in schema and data not in schema["enum"]:
            yield f"{at}: {data!r} not allowed"
        if isinstance(data, str):
            size = schema.get("minLength", 0) <= len(data) <= schema.get("maxLength", 10**9)
            if not size or not re.search(schema.get("pattern", ""), data):
                yield f"{at}: {data!r} does not fit"
            if schema.get("format") == "date-time":
                datetime.fromisoformat(data)
        elif not schema.get("minimum", data) <= data <= schema.get("maximum", data):
            yield f"{at}: {data!r} out of range"


@pytest.fixture(scope="session")
def schema(model: dict[str, Any]) -> Schema:
    return Schema(model)
