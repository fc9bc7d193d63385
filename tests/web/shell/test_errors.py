"""Answers to requests that cannot be served: a page that says what to do, and nothing more."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings
from django.urls import path

from dispatch.models import Person, Seller
from dispatch.urls import urlpatterns as served

pytestmark = pytest.mark.django_db


def broken(request: object) -> None:
    raise RuntimeError("something inside")


urlpatterns = [*served, path("broken", broken)]


@pytest.fixture
def as_bob(bob: Person, seller: Seller) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(bob)
    return client


@pytest.mark.parametrize(
    "address", ["/nonsense", "/jobs/NOPE/", "/jobs/a/b/c/", "/%00", "/%F0%9F%98%80"]
)
def test_what_is_not_there_has_a_page(as_bob: Client, address: str) -> None:
    response = as_bob.get(address)
    assert response.status_code == 404
    assert b"Page not found" in response.content


def test_what_is_not_there_has_a_page_for_strangers_too(client: Client, db: None) -> None:
    response = client.get("/nonsense")
    assert response.status_code == 404
    assert b"Page not found" in response.content


@override_settings(ROOT_URLCONF=__name__)
def test_a_fault_of_ours_has_a_page_that_tells_nothing(as_bob: Client) -> None:
    response = as_bob.get("/broken")
    text = response.content.decode()
    assert response.status_code == 500
    assert "<h1" in text
    for inner in ("something inside", "RuntimeError", "Traceback", "test_errors"):
        assert inner not in text


@pytest.mark.parametrize("htmx", [{}, {"HTTP_HX_REQUEST": "true"}])
def test_an_expired_form_says_that_nothing_was_sent(
    bob: Person, seller: Seller, htmx: dict[str, str]
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(bob)
    for address in ("/jobs/refresh/", "/jobs/find/", "/jobs/views/", "/account/settings/"):
        response = strict.post(address, {}, **htmx)
        assert response.status_code == 403
        assert b"This form is too old" in response.content
        assert b"Nothing was sent" in response.content


def test_an_unreadable_request_has_a_page(as_bob: Client) -> None:
    for address in ("/jobs/", "/jobs/export.csv"):
        response = as_bob.get(address + "?" + "a=1&" * 600)
        assert response.status_code == 400
        assert b"We could not read that request" in response.content


def test_a_body_with_too_many_fields_has_a_page(as_bob: Client) -> None:
    response = as_bob.post("/jobs/views/", {f"f{n}": "x" for n in range(600)})
    assert response.status_code == 400
    assert b"We could not read that request" in response.content


def test_a_body_that_is_too_large_is_refused(as_bob: Client) -> None:
    assert as_bob.post("/jobs/views/", {"name": "x" * 2_000_000}).status_code in (400, 413)


def test_a_broken_body_is_refused(as_bob: Client) -> None:
    content = "multipart/form-data; boundary=x"
    assert as_bob.post("/jobs/views/", b"nonsense", content_type=content).status_code in (302, 400)


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example"])
def test_another_host_is_refused(as_bob: Client, host: str) -> None:
    assert as_bob.get("/jobs/", HTTP_HOST=host).status_code == 400


@pytest.mark.parametrize("address", ["/jobs/", "/nonsense", "/account/login/"])
def test_every_page_is_strict_with_the_browser(client: Client, db: None, address: str) -> None:
    response = client.get(address)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert "no-store" in response["Cache-Control"]
