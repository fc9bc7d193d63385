"""Usage plans are exact: neither one request more nor one less."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dispatch.sandbox.plans import Plans
from dispatch.sandbox.realm import DE
from dispatch.sandbox.server import SandboxServer
from dispatch.spapi.operations import OPERATIONS, Operation

SECOND = 1_000_000_000


class Ticks:
    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda one: one.id)
def test_a_bucket_holds_its_burst_and_refills_at_its_rate(operation: Operation) -> None:
    ticks = Ticks()
    plans = Plans(ticks)

    def drain() -> int:
        granted = 0
        while plans.take("app", "seller", operation):
            granted += 1
        return granted

    assert drain() == operation.burst
    ticks.now += round(SECOND / operation.rate) - 1
    assert drain() == 0
    ticks.now += 1
    assert drain() == 1
    ticks.now += SECOND
    assert drain() == operation.rate
    ticks.now += 3600 * SECOND
    assert drain() == operation.burst


def test_steady_use_at_the_rate_is_never_refused() -> None:
    ticks, operation = Ticks(), OPERATIONS["getServiceJobs"]
    plans = Plans(ticks)
    for _ in range(1000):
        assert plans.take("app", "seller", operation)
        ticks.now += SECOND // 10


@pytest.fixture
def limited() -> Iterator[tuple[SandboxServer, Ticks]]:
    ticks = Ticks()
    with SandboxServer(jobs=0, ticks=ticks) as server:
        yield server, ticks


def test_an_empty_bucket_is_a_429(limited: Any, connect: Callable[..., Any]) -> None:
    server, ticks = limited
    api = connect(server.url)
    path = "/serviceJobs/1/appointments/12345/resources"
    answers = [api.call("PUT", path, {}) for _ in range(3)]
    assert [one.status_code for one in answers] == [400, 400, 429]
    assert answers[0].headers["x-amzn-RateLimit-Limit"] == "1.0"
    refused = answers[2]
    message = "You exceeded your quota for the requested resource."
    assert refused.json() == {
        "errors": [{"code": "QuotaExceeded", "message": message, "details": ""}]
    }
    assert "x-amzn-RateLimit-Limit" not in refused.headers
    assert "Retry-After" not in refused.headers
    assert refused.headers["x-amzn-RequestId"]
    ticks.now += SECOND
    assert [api.call("PUT", path, {}).status_code for _ in range(2)] == [400, 429]


def test_sellers_and_operations_have_buckets_of_their_own(
    limited: Any, connect: Callable[..., Any]
) -> None:
    server, _ = limited
    api, german = connect(server.url), connect(server.url, "Atzr|sandbox-de", DE)
    while api.jobs().status_code == 200:
        pass
    assert german.jobs().status_code == 200
    assert api.call("GET", "/serviceJobs/1").status_code == 422
    api.control("settings", {"rateLimits": False})
    assert api.jobs().status_code == 200


def test_a_denied_call_costs_nothing(limited: Any, connect: Callable[..., Any]) -> None:
    server, _ = limited
    api = connect(server.url)
    good = api.session.headers["x-amz-access-token"]
    api.session.headers["x-amz-access-token"] = "Atza|no"
    for _ in range(45):
        assert api.jobs().status_code == 403
    api.session.headers["x-amz-access-token"] = good
    assert api.jobs().status_code == 200
