"""Tokens: who gets one, how long it works, how it is taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from dispatch.sandbox.realm import DE
from dispatch.sandbox.server import SandboxServer
from tests.limits import PATIENCE


def test_a_refresh_token_buys_an_access_token(api: Any) -> None:
    answer = api.ask_token()
    body = answer.json()
    assert answer.status_code == 200
    assert body["access_token"].startswith("Atza|")
    assert body["refresh_token"] == "Atzr|sandbox"
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 3600
    assert answer.headers["x-amzn-RequestId"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"refresh_token": "Atzr|nobody"}, 400, "invalid_grant"),
        ({"refresh_token": "Atzr|revoked"}, 400, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": "wröng"}, 401, "invalid_client"),
        ({"client_id": "amzn1.application-oa2-client.other"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "no"}, 400, "invalid_grant"),
    ],
)
def test_it_refuses_as_amazon_does(
    api: Any, changes: dict[str, str], status: int, code: str
) -> None:
    answer = api.ask_token(**changes)
    assert answer.status_code == status
    assert answer.json()["error"] == code
    assert answer.json()["error_description"]


def test_a_revoked_token_reads_differently_from_an_unknown_one(api: Any) -> None:
    texts = [
        api.ask_token(refresh_token=one).json()["error_description"]
        for one in ("Atzr|revoked", "Atzr|nobody")
    ]
    assert "revoked" in texts[0]
    assert texts[0] != texts[1]


def test_it_reads_json_forms_too(api: Any) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "Atzr|nobody"}
    answer = requests.post(f"{api.url}/auth/o2/token", json=form, timeout=PATIENCE)
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize("token", [None, "", "Atza|", "Atza|x.y", "Atza|e30.bm8", "nonsense", "ü"])
def test_a_bad_access_token_is_denied(api: Any, token: str | None) -> None:
    headers = {"x-amz-access-token": token.encode()} if token is not None else {}
    answer = requests.get(f"{api.url}/service/v1/serviceJobs/1", headers=headers, timeout=PATIENCE)
    error = answer.json()["errors"][0]
    assert answer.status_code == 403
    assert error["code"] == "Unauthorized"
    assert error["message"] == "Access to requested resource is denied."
    assert "x-amzn-RateLimit-Limit" not in answer.headers
    assert answer.headers["x-amzn-RequestId"]


def test_an_access_token_works_for_an_hour(connect: Callable[..., Any]) -> None:
    now = [1_000_000.0]
    with SandboxServer(jobs=0, rate_limits=False, wall=lambda: now[0]) as server:
        api = connect(server.url)
        now[0] += 3599
        assert api.jobs().status_code == 200
        now[0] += 1
        assert api.jobs().status_code == 403
        api.session.headers["x-amz-access-token"] = api.token()
        assert api.jobs().status_code == 200


def test_a_scenario_may_shorten_the_hour(api: Any) -> None:
    api.load(tokenSeconds=7)
    assert api.ask_token().json()["expires_in"] == 7


def test_revoking_closes_both_doors_and_restoring_opens_them(api: Any) -> None:
    api.control("tokens", {"refresh_token": "Atzr|sandbox", "state": "revoked"})
    assert api.jobs().status_code == 403
    assert api.ask_token().json()["error"] == "invalid_grant"
    api.control("tokens", {"refresh_token": "Atzr|sandbox", "state": "active"})
    assert api.jobs().status_code == 200


def test_a_lost_role_denies_calls_but_not_tokens(api: Any) -> None:
    api.control("tokens", {"refresh_token": "Atzr|sandbox", "role": "lost"})
    assert api.jobs().status_code == 403
    assert api.ask_token().status_code == 200
    api.control("tokens", {"refresh_token": "Atzr|sandbox", "role": "granted"})
    assert api.jobs().status_code == 200


def test_tokens_can_be_expired_at_will(api: Any) -> None:
    api.control("tokens", {"expireAccessTokens": True})
    assert api.jobs().status_code == 403
    api.session.headers["x-amz-access-token"] = api.token()
    assert api.jobs().status_code == 200


def test_a_frozen_world_does_not_stop_the_tokens_clock(api: Any) -> None:
    api.load(now="2020-01-01T00:00:00Z")
    fresh = api.token()
    api.load(now=None)
    api.session.headers["x-amz-access-token"] = fresh
    assert api.jobs().status_code == 200


def test_each_seller_sees_its_own_world(api: Any, connect: Callable[..., Any]) -> None:
    german = connect(api.url, "Atzr|sandbox-de", DE)
    api.load(jobs=[{"serviceJobId": "de-1", "marketplaceId": DE}, {"serviceJobId": "us-1"}])
    assert [one["serviceJobId"] for one in german.jobs().json()["payload"]["jobs"]] == ["de-1"]
    answer = api.call("GET", "/serviceJobs/de-1")
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "UnauthorizedAction"
    # Another marketplace than the seller's own is no request at all.
    assert german.jobs(marketplaceIds="ATVPDKIKX0DER").status_code == 400
