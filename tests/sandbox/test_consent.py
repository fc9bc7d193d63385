"""Letting an application in: page, redirect, one-time code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from dispatch.sandbox.realm import APPLICATION
from dispatch.sandbox.server import SandboxServer
from tests.limits import PATIENCE

BACK = "http://127.0.0.1:8000/sellers/callback/"
FIELDS = {"application_id": APPLICATION, "state": "st&te", "redirect_uri": BACK}


def ask(url: str, **changes: str) -> requests.Response:
    params = {**FIELDS, "version": "beta", **changes}
    return requests.get(f"{url}/apps/authorize/consent", params=params, timeout=PATIENCE)


def decide(url: str, decision: str, **changes: str) -> requests.Response:
    form = {**FIELDS, "decision": decision, **changes}
    address = f"{url}/apps/authorize/consent"
    return requests.post(address, data=form, allow_redirects=False, timeout=PATIENCE)


def landing(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302
    location = urlsplit(answer.headers["Location"])
    assert location.path == "/sellers/callback/"
    return {key: value[0] for key, value in parse_qs(location.query).items()}


def test_the_page_names_the_application_and_asks(api: Any) -> None:
    page = ask(api.url)
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    for part in ("Dispatch (sandbox)", ">Confirm<", ">Cancel<", '<html lang="en">', "<main>"):
        assert part in page.text
    assert 'value="st&amp;te"' in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"application_id": "amzn1.other"},
        {"state": ""},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "http://127.0.0.1@evil.example/"},
        {"redirect_uri": "http://127.0.0.1:80:80/[x"},
        {"redirect_uri": "http://[bad"},
    ],
)
def test_it_sends_nobody_anywhere_else(api: Any, changes: dict[str, str]) -> None:
    assert ask(api.url, **changes).status_code == 400
    assert decide(api.url, "confirm", **changes).status_code == 400


def test_what_is_asked_is_escaped(api: Any) -> None:
    assert "<script>" not in ask(api.url, state="<script>").text


@pytest.mark.parametrize(
    ("partner", "refresh_token"),
    [("A2SANDBOXUS001", "Atzr|sandbox"), ("A2SANDBOXDE001", "Atzr|sandbox-de")],
)
def test_confirming_yields_a_code_for_the_chosen_seller(
    api: Any, partner: str, refresh_token: str
) -> None:
    back = landing(decide(api.url, "confirm", seller=partner))
    assert back["state"] == "st&te"
    assert back["selling_partner_id"] == partner
    form = {"grant_type": "authorization_code", "code": back["spapi_oauth_code"]}
    answer = api.ask_token(**form, redirect_uri=BACK)
    assert answer.json()["refresh_token"] == refresh_token
    assert api.ask_token(**form, redirect_uri=BACK).json()["error"] == "invalid_grant"


def test_a_code_belongs_to_its_address(api: Any) -> None:
    code = landing(decide(api.url, "confirm"))["spapi_oauth_code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost/"}
    assert api.ask_token(**form).json()["error"] == "invalid_grant"


def test_cancelling_goes_back_with_an_error(api: Any) -> None:
    back = landing(decide(api.url, "cancel"))
    assert back["error"] == "access_denied"
    assert back["state"] == "st&te"
    assert "spapi_oauth_code" not in back


def test_a_code_works_for_five_minutes(connect: Callable[..., Any]) -> None:
    now = [1_000_000.0]
    with SandboxServer(jobs=0, wall=lambda: now[0]) as server:
        api = connect(server.url)
        codes = [landing(decide(api.url, "confirm"))["spapi_oauth_code"] for _ in range(2)]
        now[0] += 299
        assert api.ask_token(grant_type="authorization_code", code=codes[0]).status_code == 200
        now[0] += 1
        late = api.ask_token(grant_type="authorization_code", code=codes[1])
        assert late.json()["error"] == "invalid_grant"


def test_consenting_again_restores_a_revoked_seller(api: Any) -> None:
    api.control("tokens", {"state": "revoked"})
    code = landing(decide(api.url, "confirm"))["spapi_oauth_code"]
    assert api.ask_token(grant_type="authorization_code", code=code).status_code == 200
    assert api.ask_token().status_code == 200


def test_the_address_of_the_caller_keeps_its_query(api: Any) -> None:
    answer = decide(api.url, "confirm", redirect_uri=f"{BACK}?next=1")
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["next"] == ["1"]
