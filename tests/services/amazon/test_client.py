"""A client for a seller: whose credentials it has, and what is kept of a refusal."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.utils import timezone

from dispatch.models import Seller
from dispatch.services.amazon.client import connect, note_state, state_after
from dispatch.spapi import (
    AuthorizationError,
    MissingCredentials,
    SellingApiException,
    SellingApiForbiddenException,
    SellingApiServerException,
)
from tests.conftest import Amazon, MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]
State = Seller.State


def refusal(code: str, message: str = "No.") -> list[dict[str, str]]:
    return [{"code": code, "message": message}]


def read(seller: Seller) -> Any:
    with connect(seller, interactive=True) as client:
        return client.get_service_job_by_service_job_id("JOB-0001").payload


def test_it_asks_with_the_sellers_own_credentials(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.scenario(make_job())
    assert read(seller)["serviceJobId"] == "JOB-0001"


@pytest.mark.parametrize("name", ["client_id", "client_secret", "refresh_token"])
def test_an_empty_credential_never_falls_back_to_the_environments(
    seller: Seller, amazon: Amazon, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable, value in (
        ("SP_API_REFRESH_TOKEN", "Atzr|sandbox"),
        ("LWA_APP_ID", seller.client_id),
        ("LWA_CLIENT_SECRET", seller.client_secret),
    ):
        monkeypatch.setenv(variable, value)
    setattr(seller, name, "")
    with pytest.raises(MissingCredentials):
        read(seller)
    assert amazon.calls("getServiceJobByServiceJobId") == []


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"refresh_token": "Atzr|revoked"}, State.REVOKED),
        ({"refresh_token": "Atzr|nobody"}, State.REVOKED),
        ({"client_secret": "wrong"}, State.WRONG_SECRET),
        ({"client_id": "amzn1.application-oa2-client.other"}, State.WRONG_SECRET),
    ],
)
def test_refused_credentials_are_kept_in_the_sellers_state(
    seller: Seller, amazon: Amazon, changes: dict[str, str], state: State
) -> None:
    for name, value in changes.items():
        setattr(seller, name, value)
    seller.save()
    with pytest.raises(AuthorizationError):
        read(seller)
    kept = Seller.objects.get(pk=seller.pk)
    assert kept.state == seller.state == state
    assert kept.state_detail
    for secret in ("Atzr", "wrong"):
        assert secret not in kept.state_detail


def test_somebody_elses_job_says_nothing_of_the_seller(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.scenario(make_job(), unauthorizedJobIds=["JOB-0001"])
    with pytest.raises(SellingApiException):
        read(seller)
    assert Seller.objects.get(pk=seller.pk).state == State.CONNECTED


def test_a_lost_role_is_kept_in_the_sellers_state(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.scenario(make_job())
    amazon.control("tokens", {"role": "lost"})
    with pytest.raises(SellingApiForbiddenException):
        read(seller)
    assert Seller.objects.get(pk=seller.pk).state == State.NO_ROLE


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (AuthorizationError("invalid_grant", "gone"), State.REVOKED),
        (AuthorizationError("access_denied", "gone"), State.REVOKED),
        (AuthorizationError("invalid_client", "who"), State.WRONG_SECRET),
        (AuthorizationError("unauthorized_client", "who"), State.WRONG_SECRET),
        (AuthorizationError("server_error", "later"), None),
        (SellingApiForbiddenException(refusal("Unauthorized"), code=403), State.NO_ROLE),
        (SellingApiForbiddenException(refusal("UnauthorizedAction"), code=403), None),
        (SellingApiServerException(refusal("Unauthorized"), code=500), None),
        (ValueError("ours"), None),
    ],
)
def test_what_an_error_says_of_a_seller(error: Exception, state: State | None) -> None:
    assert state_after(error) == state


def test_a_disconnected_seller_stays_disconnected(seller: Seller) -> None:
    Seller.objects.update(state=State.DISCONNECTED)
    note_state(seller, State.CONNECTED)
    assert Seller.objects.get().state == State.DISCONNECTED


def test_the_first_authorisation_is_dated_once(seller: Seller) -> None:
    note_state(seller, State.CONNECTED)
    first = Seller.objects.get().authorised_at
    assert first is not None
    assert timezone.now() - first < timezone.timedelta(seconds=5)
    note_state(Seller.objects.get(), State.CONNECTED)
    assert Seller.objects.get().authorised_at == first


def test_a_long_detail_is_cut(seller: Seller) -> None:
    note_state(seller, State.NO_ROLE, "x" * 1000)
    assert len(Seller.objects.get().state_detail) == 300


def test_no_secret_reaches_the_log(
    seller: Seller, amazon: Amazon, make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    amazon.scenario(make_job())
    read(seller)
    seller.refresh_token = "Atzr|revoked"
    with pytest.raises(AuthorizationError):
        read(seller)
    for secret in ("Atzr|", "Atza|", "sandbox-secret", "Jordan", "555 0142"):
        assert secret not in caplog.text
