"""Every page in a made-up language: a letter without an accent is a word that nobody marked."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

import pytest
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from dispatch.models import (
    AccessReview,
    Action,
    Alarm,
    Membership,
    Person,
    ReasonCode,
    ReviewedAccess,
    Seller,
    SyncJob,
    Technician,
)
from dispatch.services.access import invitations
from dispatch.services.audit import activity, alarms
from dispatch.services.mirror import store
from dispatch.services.upkeep import retention
from dispatch.web.activity.words import CODES
from dispatch.web.sellers.forms import time_zones
from tests.conftest import Amazon, MakeJob
from tests.languages import pseudo
from tests.web.addresses import addresses

pytestmark = pytest.mark.django_db

DATA = (
    "Dispatch", "Northlight US", "Alice", "Bob", "Tom", "Maya", "Luis", "Charlie",
    "TV wall mounting, 65 inch", "TV_MOUNTING", "Tv mounting", "Bracket Mount", "Jordan Example",
    "120 Sample Street", "Dublin", "OH", "US", "OH-COL-04", "Prime", "getServiceJobs", "Mine",
    "Too far", "R1", "V1", "REQ-1", "UTC", "EST", "CST", "testserver",
    "TECH-TOM", "TECH-MAYA", "TECH-LUIS", *(words for _, words in time_zones()),
)  # fmt: skip
"""What the stage below holds, Amazon's codes, and what has the same name in every language."""
PATTERN = r"JOB-\d{4}|\w+@dispatch\.example|\b[ABCLMTJKX]\b"
"""Ids, addresses, initials, and keys."""
PAGES = [
    address
    for address in addresses()
    if not address.name.endswith(("export", "calendar", "visit", "download_recovery_codes"))
    and address.name not in ("healthz", "readyz", "metrics")
]


def visit(number: int, start: dt.datetime, *technicians: str, **more: Any) -> dict[str, Any]:
    return {
        "appointmentId": f"APPT-{number}",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {
            "startTime": start.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "durationInMinutes": 60,
        },
        "assignedTechnicians": [
            {"technicianId": f"TECH-{name.upper()}", "name": name} for name in technicians
        ],
        **more,
    }


def job_payloads(make_job: MakeJob, now: dt.datetime) -> list[dict[str, Any]]:
    """A job in each state that a list or a page words in its own way."""
    day = dt.timedelta(days=1)
    wish = {"startTime": (now + day).isoformat(), "durationInMinutes": 240}
    item = {"asin": "B07BB1RGT5", "title": "Mount", "brandName": "Bracket", "quantity": 2}
    gone = {"startTime": (now - day).isoformat(), "durationInMinutes": 240}
    scheduled: dict[str, Any] = {"serviceJobStatus": "NOT_SERVICED"}
    return [
        make_job("JOB-0001", preferredAppointmentTimes=[wish], associatedItems=[item]),
        make_job(
            "JOB-0002",
            **scheduled,
            appointments=[
                visit(1, now - 3 * day, appointmentStatus="CANCELLED"),
                visit(2, now + 2 * day, "Tom"),
            ],
        ),
        make_job("JOB-0003", **scheduled, appointments=[visit(1, now - day, "Maya")]),
        make_job("JOB-0004", **scheduled, appointments=[visit(1, now + day / 24)]),
        make_job("JOB-0005", **scheduled, appointments=[visit(1, now + 5 * day)]),
        make_job("JOB-0006", **scheduled, appointments=[visit(1, now - day / 48, "Tom")]),
        make_job("JOB-0007", serviceJobStatus="HOLD", preferredAppointmentTimes=[gone]),
        make_job("JOB-0008", createTime=(now - day / 24).isoformat()),
        *(
            make_job(f"JOB-{number:04}", serviceJobStatus=status)
            for number, status in enumerate(
                ("COMPLETED", "CANCELLED", "NOT_FULFILLABLE", "PAYMENT_DECLINED"), 9
            )
        ),
    ]


@pytest.fixture
def stage(
    at_now: None, people: dict[str, Person], seller: Seller, make_job: MakeJob
) -> dict[str, object]:
    """A seller at work; returns what the addresses take, by the names of their parts."""
    now, alice = timezone.now(), people["alice"]
    store.store(seller, job_payloads(make_job, now), fetched_at=now)
    payload = {"appointmentTime": {"startTime": now.isoformat()}, "rescheduleReasonCode": "R1"}
    for number, (state, more) in enumerate(
        (
            ("accepted", {}),
            ("warned", {"warnings": [{"message": "Too far"}]}),
            ("refused", {"errors": [{"message": "Too far"}], "request_id": "REQ-1"}),
            ("unknown", {}),
        )
    ):
        Action.objects.create(
            key=uuid.uuid4(), seller=seller, job=seller.jobs.get(service_job_id="JOB-0002"),
            person=alice, kind=("reschedule", "assign", "cancel", "complete")[number], state=state,
            payload=payload, **more,
        )  # fmt: skip
    for kind in Alarm.Kind.values[:5]:
        Alarm.objects.create(key=kind, kind=kind, seller=seller, person=alice, count=2, due_at=now)
    SyncJob.objects.create(seller=seller, kind="first_load", done=1, total=3)
    review = AccessReview.objects.create(seller=seller, reviewer=alice, reviewer_name="Alice")
    ReviewedAccess.objects.create(
        review=review, person=alice, name="Alice", email=alice.email, role="owner", decision="keep"
    )
    return {
        "service_job_id": "JOB-0002",
        "seller_id": seller.pk,
        "membership_id": Membership.objects.get(person=people["bob"]).pk,
        "technician_id": Technician.objects.get(name="Tom").pk,
        "reason_id": ReasonCode.objects.filter(kind="cancel").get().pk,
        "invitation_id": invitations.invite(
            email="new@dispatch.example", seller=seller, role=Membership.Role.AUDITOR, by=alice
        ).invitation.pk,
        "review_id": review.pk,
        "kind": "cancel",
        "uidb36": "1", "key": "x-y", "token": "x", "pk": 1, "session_id": 1, "view_id": 1,
        "alarm_id": 1,
    }  # fmt: skip


@pytest.fixture
def desk(client: Client, alice: Person, stage: object, in_pseudo: None) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


def plain_words(answer: Any) -> list[str]:
    """What of an answer is English and no data."""
    return pseudo.unmarked_in_page(answer.content.decode(), DATA, PATTERN)


def check(client: Client, paths: Iterable[str]) -> None:
    """No page shows English; what is found is named with its page."""
    found = [f"{path}: {words}" for path in paths for words in plain_words(client.get(path))]
    assert not found, "not marked for translation:\n" + "\n".join(found)


def test_every_address_of_an_owner(desk: Client, stage: dict[str, object]) -> None:
    check(desk, (address.path(**stage) for address in PAGES))


def test_every_address_of_nobody(client: Client, stage: dict[str, object], in_pseudo: None) -> None:
    check(client, (address.path(**stage) for address in PAGES))


@pytest.mark.parametrize("name", ["bob", "tom", "charlie"])
def test_what_other_roles_see(
    client: Client, people: dict[str, Person], stage: dict[str, object], in_pseudo: None, name: str
) -> None:
    """A dispatcher, a technician, and a newcomer whose pages are empty."""
    client.force_login(people[name])
    check(client, (address.path(**stage) for address in PAGES))


def test_an_auditor_sees_masked_buyers(
    client: Client, bob: Person, stage: dict[str, object], in_pseudo: None
) -> None:
    Membership.objects.filter(person=bob).update(role="auditor")
    client.force_login(bob)
    check(client, ("/jobs/", "/jobs/JOB-0001/", "/activity/"))


def test_dialogs_with_amazons_slots(
    desk: Client, amazon: Amazon, make_job: MakeJob, seller: Seller
) -> None:
    """What is offered to a job that Amazon knows: slots, wishes, technicians, reasons."""
    now = timezone.now()
    pending, scheduled, *_ = job_payloads(make_job, now)
    amazon.scenario(pending, scheduled, now=now.isoformat())
    for job_id, name in (("JOB-0001", "add-appointment"), ("JOB-0002", "reschedule")):
        answer = desk.get(f"/jobs/{job_id}/{name}/")
        assert answer.context["days"]
        assert plain_words(answer) == []
        assert plain_words(desk.post(f"/jobs/{job_id}/{name}/", {"start": "1"})) == []
    check(desk, ("/jobs/JOB-0002/assign/", "/jobs/JOB-0002/cancel/", "/jobs/JOB-0006/complete/"))


@pytest.mark.parametrize("number", range(1, 13))
def test_every_state_of_a_job(desk: Client, number: int) -> None:
    check(desk, (f"/jobs/JOB-{number:04}/",))


def test_lists_narrowed_and_empty(desk: Client) -> None:
    check(
        desk,
        (
            "/jobs/?view=all", "/jobs/?view=today", "/jobs/?view=late", "/jobs/?q=JOB-7777",
            "/jobs/?status=HOLD&scheduled_from=2026-11-24",
            "/jobs/?scheduled_from=2026-11-24&scheduled_to=2026-11-01", "/jobs/?order=%21",
            "/jobs/?created_from=1", "/activity/?kind=alarm", "/activity/?from=1",
            "/activity/?from=2026-11-24&to=2026-11-01", "/activity/?kind=1",
        ),
    )  # fmt: skip


def test_every_kind_of_activity_and_alarm(desk: Client, seller: Seller, alice: Person) -> None:
    """Each kind of row with each code that may stand in its detail."""
    for kind, rules in activity.DETAILS.items():
        detail = {name: 1 if rule in (int, bool) else None for name, rule in rules.items()}
        activity.record(
            kind, person=alice, seller=seller, **{k: v for k, v in detail.items() if v is not None}
        )
    for code in CODES:
        activity.record(activity.Kind.SETTINGS_CHANGED, person=alice, fields=[code])
    Alarm.objects.all().delete()
    for kind in Alarm.Kind.values[5:]:
        Alarm.objects.create(key=kind, kind=kind, seller=seller, due_at=timezone.now())
    check(desk, ("/activity/", "/activity/?kind=settings_changed"))


WRONG_FORMS: dict[str, dict[str, object]] = {
    "person_invite": {"email": "alice@dispatch.example", "role": "owner"},
    "person_role": {"role": "1"},
    "technician_add": {"resource_ids": "1" * 200, "skills": "", "name": ""},
    "technician": {"name": "Tom", "resource_ids": "TECH-MAYA", "colour": 1},
    "review": {},
    "seller_connect": {"client_id": "1 1", "sync_since": "1999-01-01", "time_zone": "1"},
    "seller_edit": {"name": "", "sync_since": "1"},
    "reason_add": {"cancel-code": "!"},
    "account_settings": {"time_zone": "1", "theme": "1"},
    "account_change_password": {"oldpassword": "x", "password1": "alice", "password2": "b"},
    "account_reset_password": {"email": "x"},
    "view_save": {"name": ""},
    "seller_switches": {"writes": "1"},
}
"""What each form is sent to be refused."""


@pytest.mark.parametrize("name", WRONG_FORMS)
def test_forms_that_are_refused(desk: Client, stage: dict[str, object], name: str) -> None:
    address = next(one for one in addresses() if one.name == name)
    answer = desk.post(address.path(**stage), WRONG_FORMS[name], follow=True)
    assert plain_words(answer) == []


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("person_invite", {"email": "late@dispatch.example", "role": "auditor"}),
        ("person_role", {"role": "auditor"}),
        ("person_sessions_end", {}),
        ("person_lift", {}),
        ("person_remove", {}),
        ("invitation_withdraw", {}),
        ("technician_remove", {}),
        ("seller_disconnect", {}),
        ("seller_switches", {"writes": "cancel"}),
        ("sessions_end", {}),
        ("view_save", {"name": "Mine", "query": "status=HOLD"}),
    ],
)
def test_what_is_said_when_it_is_done(
    desk: Client, stage: dict[str, object], name: str, sent: dict[str, object]
) -> None:
    """The notices after a form that was accepted."""
    address = next(one for one in addresses() if one.name == name)
    path = address.path(**stage)
    sent = {"seller": stage["seller_id"], **sent}
    assert plain_words(desk.post(path, sent, follow=True)) == []


def test_the_log_in_and_its_refusals(client: Client, stage: object, in_pseudo: None) -> None:
    wrong = {"login": "alice@dispatch.example", "password": "x"}
    assert plain_words(client.post("/account/login/", wrong)) == []
    assert plain_words(client.post("/account/login/", {"login": "x"})) == []


def test_an_invitation_and_its_mail(
    client: Client, stage: dict[str, object], seller: Seller, alice: Person, in_pseudo: None
) -> None:
    invited = invitations.invite(
        email="late@dispatch.example", seller=seller, role=Membership.Role.TECHNICIAN, by=alice
    )
    link = f"/account/invitation/{invited.token}/"
    assert invitations.send(invitation=invited.invitation, link=link)
    said = f"{mail.outbox[0].subject}\n{mail.outbox[0].body}".replace(link, "")
    assert pseudo.unmarked(said, DATA, PATTERN) == []
    assert plain_words(client.get(link, follow=True)) == []
    weak = {"name": "Late", "password1": "late", "password2": "other"}
    assert plain_words(client.post("/account/invitation/", weak)) == []


def test_the_mail_of_an_alarm(stage: object, seller: Seller, in_pseudo: None) -> None:
    alarms.look(timezone.now())
    assert mail.outbox
    for one in mail.outbox:
        assert pseudo.unmarked(f"{one.subject}\n{one.body}", DATA, PATTERN) == []


@pytest.mark.parametrize("name", ["jobs_export", "activity_export", "review_export"])
def test_the_headings_of_a_file(desk: Client, stage: dict[str, object], name: str) -> None:
    address = next(one for one in addresses() if one.name == name)
    answer: Any = desk.get(address.path(**stage))
    head = b"".join(answer.streaming_content).decode().splitlines()[0]
    assert head
    assert pseudo.unmarked(head, DATA, PATTERN) == []


def test_the_certificate_of_an_erasure(desk: Client, seller: Seller) -> None:
    """It names each table of which something was erased."""
    seller.disconnected_at = timezone.now() - dt.timedelta(days=30)
    seller.save()
    assert len(retention.wipe(seller, timezone.now()).counts) > 6
    check(desk, (f"/sellers/{seller.pk}/",))


@pytest.mark.parametrize("template", ["400", "403", "403_csrf", "404", "429", "500"])
def test_the_pages_of_errors(in_pseudo: None, template: str) -> None:
    html = render_to_string(f"{template}.html")
    assert pseudo.unmarked_in_page(html, DATA, PATTERN) == []
