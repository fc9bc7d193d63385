"""Every kind of write says all that there is to say, and a new one needs nothing else."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import clear_url_caches, include, path
from django.utils.functional import Promise

from dispatch import urls
from dispatch.models import Activity, Person, Seller, ServiceJob
from dispatch.services.mirror import one_job
from dispatch.services.writes import kinds
from dispatch.services.writes.kind import (
    LONGEST_NAME,
    WHO_DISPATCHES,
    Kind,
    Payload,
    ReadBack,
    Sending,
)
from dispatch.services.writes.kinds import KINDS, kind_of
from dispatch.spapi import ApiResponse, Services
from dispatch.web.jobs import action_forms, actions
from dispatch.web.jobs.action_forms import ActionForm
from tests.conftest import Amazon, MakeJob

pytestmark = pytest.mark.django_db
ALL = list(KINDS.values())


@pytest.mark.parametrize("kind", ALL, ids=str)
def test_a_kind_has_words_that_can_be_translated(kind: Kind) -> None:
    assert isinstance(kind.label, Promise)
    assert isinstance(kind.done, Promise)
    assert str(kind.label) != str(kind.done)


@pytest.mark.parametrize("kind", ALL, ids=str)
def test_a_kind_needs_only_kinds_that_there_are(kind: Kind) -> None:
    assert kind.needs <= KINDS.keys()
    assert kind.name not in kind.needs or kind.owes, "it would need itself for ever"


@pytest.mark.parametrize("kind", ALL, ids=str)
def test_what_is_never_shown_says_whether_a_repeat_is_harmless(kind: Kind) -> None:
    if kind.shown is None:
        assert not kind.owes, "an id that is owed could be looked for"
    assert isinstance(kind.repeat_is_harmless, bool)


def test_the_buttons_have_an_order_of_their_own() -> None:
    places = [kind.place for kind in ALL]
    assert places == sorted(set(places))


NEEDED = [
    field.name
    for field in dataclasses.fields(Kind)
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
]


@pytest.mark.parametrize("name", NEEDED)
def test_a_kind_that_leaves_something_out_is_no_kind(name: str) -> None:
    said = {one: getattr(ALL[0], one) for one in NEEDED if one != name}
    with pytest.raises(TypeError, match=name):
        Kind(**said)


@pytest.mark.parametrize("name", ["name", "label", "done", "roles"])
def test_nor_is_one_with_an_empty_answer(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        dataclasses.replace(
            ALL[0], **{name: type(getattr(ALL[0], name))() if name == "roles" else ""}
        )


def test_a_name_fits_its_column_and_is_nobody_elses() -> None:
    with pytest.raises(TypeError, match="20"):
        dataclasses.replace(ALL[0], name="x" * (LONGEST_NAME + 1))
    with pytest.raises(ValueError, match="two kinds"):
        kinds.register(ALL[0])


# --- A new kind is one module and one form ------------------------------------------------------


def _send(client: Services, sending: Sending) -> ApiResponse:
    return client.cancel_service_job_by_service_job_id(
        sending.job_id, cancellationReasonCode=sending.payload["cancellationReasonCode"]
    )


def _shown(back: ReadBack, payload: Payload) -> bool:
    return back.job.status == "CANCELLED"


MADE_UP = Kind(
    name="call_it_off",
    place=55,
    label="Call it off",
    done="Called off",
    roles=WHO_DISPATCHES,
    why_not=lambda job: "",
    build=lambda: {"cancellationReasonCode": "V1"},
    send=_send,
    owes="",
    shown=_shown,
    repeat_is_harmless=True,
)


class CallItOffForm(ActionForm):
    kind = MADE_UP

    def payload(self) -> Payload:
        return self.kind.build()


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The made-up kind, registered, with its form and the address that follows from it."""
    before = dict(KINDS)
    kinds.register(MADE_UP)
    monkeypatch.setitem(action_forms.FORMS, MADE_UP.name, CallItOffForm)
    more = path("jobs/", include(actions.addresses()))
    monkeypatch.setattr(urls, "urlpatterns", [more, *urls.urlpatterns])
    clear_url_caches()
    yield
    KINDS.clear()
    KINDS.update(before)
    clear_url_caches()


@pytest.fixture
def job(seller: Seller, amazon: Amazon, make_job: MakeJob) -> ServiceJob:
    amazon.scenario(make_job(), cancellationReasonCodes=["V1"])
    found = one_job.find_job(seller, "JOB-0001")
    assert found is not None
    return found


def test_a_made_up_kind_is_offered_carried_out_and_told(
    made_up: None, alice: Person, client: Client, job: ServiceJob, amazon: Amazon
) -> None:
    client.force_login(alice)
    page = "/jobs/JOB-0001/"
    assert 'formaction="/jobs/JOB-0001/call-it-off/"' in client.get(page).content.decode()
    dialog = client.get(f"{page}call-it-off/").content.decode()
    assert "Call it off" in dialog
    answer = client.post(f"{page}call-it-off/", {"key": str(uuid.uuid4())})
    assert answer.status_code == 302
    assert amazon.job("JOB-0001")["serviceJobStatus"] == "CANCELLED"
    assert "Called off" in client.get(answer["Location"]).content.decode()
    assert Activity.objects.filter(kind="write").last().detail["write"] == "call_it_off"  # type: ignore[union-attr]
    assert "Call it off · Accepted" in client.get("/activity/").content.decode()


def test_a_made_up_kind_can_be_switched_off(
    made_up: None, alice: Person, client: Client, job: ServiceJob
) -> None:
    client.force_login(alice)
    assert "Call it off" in client.get(f"/sellers/{job.seller.pk}/").content.decode()
    job.seller.switched_off = ["call_it_off"]
    job.seller.save()
    page = client.get("/jobs/JOB-0001/").content.decode()
    assert "Call it off: Switched off for this seller" in page
    assert "call-it-off" not in page


def test_no_one_else_lists_the_kinds() -> None:
    """Only the kinds' own modules and the forms name them one by one."""
    from pathlib import Path

    root = Path(urls.__file__).parent
    here = {"services/writes/kinds", "migrations"}
    names: dict[str, Any] = {}
    for file in root.rglob("*.py"):
        place = file.relative_to(root).as_posix()
        if any(place.startswith(one) for one in here) or place == "web/jobs/action_forms.py":
            continue
        found = {name for name in KINDS if f'"{name}"' in file.read_text()}
        if len(found) > 2:
            names[place] = found
    assert names == {}


def test_a_kind_is_found_by_its_name() -> None:
    assert kind_of("cancel").slug == "cancel"
    assert kind_of("add_appointment").slug == "add-appointment"
    with pytest.raises(KeyError):
        kind_of("no_such")
