"""Calendar files: what an event says, what it never says, and that no text breaks out of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Event

from dispatch.models import Activity, Membership, Person, Seller, ServiceJob
from dispatch.selectors.access import job_query_for
from dispatch.selectors.listing.paging import WITHOUT_BUYER, Order, all_jobs
from dispatch.services.audit import calendars
from dispatch.services.mirror import rewrite, store
from tests.conftest import NOW, US, MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]

START = dt.datetime(2026, 11, 25, 15, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
BUYER = ("Jordan", "Example", "555", "0142", "Sample", "120 ", "43017")
INJECTION = "Mount\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:owned"


def visit(status: str = "ACTIVE", minutes: int = 60, *names: str) -> dict[str, Any]:
    return {
        "appointmentId": "A",
        "appointmentStatus": status,
        "appointmentTime": {"startTime": START.isoformat(), "durationInMinutes": minutes},
        "assignedTechnicians": [
            {"technicianId": f"TECH-{name.upper()}", "name": name} for name in names
        ],
    }


def put(seller: Seller, *jobs: dict[str, Any]) -> None:
    store.store(seller, jobs, fetched_at=NOW)


def address(job: ServiceJob) -> str:
    return f"https://dispatch.example/jobs/{quote(job.service_job_id)}/"


def listed(person: Person) -> Iterator[ServiceJob]:
    return all_jobs(job_query_for(person), Order("title"), rows=WITHOUT_BUYER)


def file(person: Person) -> str:
    return "".join(calendars.pieces(person=person, jobs=listed(person), address=address))


def events(person: Person) -> list[Event]:
    """The person's calendar as another program reads it."""
    return Calendar.from_ical(file(person)).events


@pytest.fixture
def jobs(seller: Seller, make_job: MakeJob) -> None:
    put(
        seller,
        make_job("JOB-1", serviceJobStatus="NOT_SERVICED",
                 appointments=[visit("ACTIVE", 90, "Tom", "Maya")]),
        make_job("JOB-2"),
        make_job("JOB-3", serviceJobStatus="NOT_SERVICED",
                 appointments=[visit("ACTIVE", 60, "Maya")]),
    )  # fmt: skip


# --- What it says -----------------------------------------------------------------------------


def test_an_event_says_when_where_what_and_who(at_now: None, jobs: None, bob: Person) -> None:
    event = events(bob)[0]
    job = ServiceJob.objects.get(service_job_id="JOB-1")
    assert event.decoded("dtstart") == START
    assert event.decoded("dtend") == START + 1.5 * HOUR
    assert event.decoded("dtstamp") == event.decoded("last-modified") == NOW
    assert event["summary"] == "TV wall mounting, 65 inch"
    assert event["location"] == "Dublin, OH"
    assert event["status"] == "CONFIRMED"
    assert event["url"] == address(job)
    assert event["description"].splitlines() == [
        "Job: JOB-1", "Status: Scheduled", "Technicians: Maya, Tom", "Seller: Northlight US",
    ]  # fmt: skip


def test_times_are_utc_and_the_change_is_the_mirrors(jobs: None, bob: Person) -> None:
    ServiceJob.objects.update(changed_at=NOW - HOUR)
    text = file(bob)
    assert "\r\nDTSTART:20261125T150000Z\r\n" in text
    assert "\r\nDTEND:20261125T163000Z\r\n" in text
    assert "\r\nLAST-MODIFIED:20261124T140000Z\r\n" in text
    assert "TZID" not in text


def test_only_jobs_with_an_appointment_have_an_event(jobs: None, bob: Person) -> None:
    assert [event["description"].split()[1] for event in events(bob)] == ["JOB-1", "JOB-3"]


def test_a_job_keeps_its_uid_and_shares_it_with_no_other(
    jobs: None, bob: Person, seller: Seller, make_job: MakeJob, charlie: Person
) -> None:
    first = [event["uid"] for event in events(bob)]
    seller.jobs.all().delete()
    put(seller, make_job("JOB-1", scopeOfWork={"title": "Other"}, appointments=[visit()]))
    assert [event["uid"] for event in events(bob)] == first[:1]
    theirs = Seller.objects.create(owner=charlie, name="Theirs", marketplace_id=US)
    Membership.objects.create(person=charlie, seller=theirs, role="owner")
    put(theirs, make_job("JOB-1", appointments=[visit()]))
    assert len({*first, *(event["uid"] for event in events(charlie))}) == 3


@pytest.mark.parametrize(
    ("job", "appointment", "said"),
    [
        ("NOT_SERVICED", "ACTIVE", "CONFIRMED"),
        ("HOLD", "ACTIVE", "CONFIRMED"),
        ("COMPLETED", "COMPLETED", "CONFIRMED"),
        ("PENDING_SCHEDULE", "CANCELLED", "CANCELLED"),
        ("CANCELLED", "ACTIVE", "CANCELLED"),
        ("NOT_FULFILLABLE", "ACTIVE", "CANCELLED"),
        ("PAYMENT_DECLINED", "ACTIVE", "CANCELLED"),
        ("", "", "CONFIRMED"),
    ],
)
def test_what_was_called_off_is_cancelled(
    seller: Seller, bob: Person, make_job: MakeJob, job: str, appointment: str, said: str
) -> None:
    put(seller, make_job(serviceJobStatus=job, appointments=[visit(appointment)]))
    assert [event["status"] for event in events(bob)] == [said]


def test_a_job_gone_from_amazon_is_cancelled(jobs: None, bob: Person) -> None:
    store.mark_gone(ServiceJob.objects.get(service_job_id="JOB-1"), at=NOW + HOUR)
    assert [event["status"] for event in events(bob)] == ["CANCELLED", "CONFIRMED"]


def test_an_appointment_without_a_length_has_no_end(
    seller: Seller, bob: Person, make_job: MakeJob
) -> None:
    put(seller, make_job(appointments=[visit("ACTIVE", 0)]))
    assert "dtend" not in events(bob)[0]


def test_a_job_of_which_nothing_is_known_has_an_event(seller: Seller, bob: Person) -> None:
    put(seller, {"serviceJobId": "BARE", "appointments": [visit()]})
    event = events(bob)[0]
    assert event["summary"] == "Untitled job"
    assert "location" not in event
    assert event["description"] == "Job: BARE\nSeller: Northlight US"


def test_a_calendar_without_events_is_one(charlie: Person) -> None:
    assert file(charlie).startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
    assert file(charlie).endswith("\r\nEND:VCALENDAR\r\n")
    assert events(charlie) == []


# --- To whom, and what it never says ----------------------------------------------------------


@pytest.mark.parametrize("role", ["owner", "dispatcher", "technician", "auditor"])
def test_nothing_of_the_buyer_is_in_it_for_any_role(
    jobs: None, seller: Seller, tom: Person, role: str
) -> None:
    Membership.objects.filter(person=tom).update(role=role)
    lines = file(tom).replace("\r\n ", "").splitlines()
    said = [line for line in lines if not line.startswith(("UID:", "DTSTAMP:"))]
    assert "LOCATION:Dublin\\, OH" in said
    assert [line for line in said if any(word in line for word in BUYER)] == []


def test_of_an_erased_buyer_the_state_stays(jobs: None, bob: Person, seller: Seller) -> None:
    rewrite.erase_buyers(seller, seller.jobs.values_list("pk", flat=True), at=NOW)
    assert {str(event["location"]) for event in events(bob)} == {"OH"}


def test_a_technician_gets_own_jobs_only(jobs: None, tom: Person) -> None:
    assert [event["description"].split()[1] for event in events(tom)] == ["JOB-1"]


def test_a_stranger_gets_no_event(jobs: None, charlie: Person) -> None:
    assert events(charlie) == []


def test_it_is_recorded_with_its_events(jobs: None, bob: Person, seller: Seller) -> None:
    file(bob)
    row = Activity.objects.get()
    assert (row.kind, row.person_id, row.seller_id) == ("exported", bob.pk, seller.pk)
    assert row.detail == {"what": "appointments", "rows": 2, "buyers": False}


def test_one_broken_off_is_recorded_too(jobs: None, bob: Person) -> None:
    pieces = calendars.pieces(person=bob, jobs=listed(bob), address=address)
    next(pieces), next(pieces)
    pieces.close()
    assert Activity.objects.get().detail["rows"] == 1


def test_events_are_made_one_by_one(jobs: None, bob: Person) -> None:
    taken = []

    def watched() -> Iterator[ServiceJob]:
        for job in listed(bob):
            taken.append(job.service_job_id)
            yield job

    pieces = calendars.pieces(person=bob, jobs=watched(), address=address)
    next(pieces)
    assert taken == []
    assert next(pieces).count("BEGIN:VEVENT") == 1
    assert taken == ["JOB-1"]
    pieces.close()


# --- Text is text -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a, b; c\\d", "a, b; c\\d"),
        (INJECTION, "Mount END:VEVENT BEGIN:VEVENT SUMMARY:owned"),
        ("a\rBEGIN:VALARM\rb", "a BEGIN:VALARM b"),
        ("a\nb\x0bc\x0cd\x1ce\x85f\u2028g\u2029h", "a b c d e f g h"),
        ("a\0b\x07\x7fc", "ab c"),
        ("\u202etxt.exe\u202c \u2066x\u2069", "txt.exe x"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ('"quoted": {{ 7 }}', '"quoted": {{ 7 }}'),
        ("Ä" * 300 + "😀" * 50, "Ä" * 300 + "😀" * 50),
        ("x" * 10_000, "x" * 500),
        ("\r\n\0", "Untitled job"),
    ],
    ids=range(11),
)
def test_a_title_stays_in_its_line(
    seller: Seller, bob: Person, make_job: MakeJob, text: str, read: str
) -> None:
    put(seller, make_job(scopeOfWork={"title": text}, appointments=[visit()]))
    (event,) = events(bob)
    assert event["summary"] == read
    assert not event.subcomponents
    whole(file(bob), 1)


def whole(text: str, count: int) -> None:
    """Lines of at most 75 octets that end as they should, of these events and nothing else."""
    lines = text.split("\r\n")
    assert lines.pop() == ""
    assert max(len(line.encode()) for line in lines) <= 75
    assert all(line.isprintable() for line in lines)
    begun = [line for line in lines if line.startswith(("BEGIN:", "END:"))]
    events = ["BEGIN:VEVENT", "END:VEVENT"] * count
    assert begun == ["BEGIN:VCALENDAR", *events, "END:VCALENDAR"]
    for name in ("UID", "SUMMARY", "DTSTART", "DTSTAMP", "URL"):
        assert len([line for line in lines if line.startswith(f"{name}:")]) == count, name


@pytest.mark.parametrize("text", [INJECTION, "a\rb", "a, b; c\\n", "\u202e" + "x" * 400, "\u2028"])
def test_no_text_of_a_job_breaks_out(
    seller: Seller, bob: Person, make_job: MakeJob, text: str
) -> None:
    place = {"name": text, "addressLine1": text, "city": text, "stateOrRegion": text}
    Seller.objects.update(name=text[:100])
    put(
        seller,
        make_job(
            text[:50],
            serviceJobStatus=text,
            scopeOfWork={"title": text},
            serviceLocation={"address": place},
            appointments=[visit(text, 60, text)],
        ),
    )
    whole(file(bob), 1)
    assert len(events(bob)) == 1


@given(st.text(max_size=300))
def test_whatever_stands_in_a_job_comes_back_as_one_line(text: str) -> None:
    job = ServiceJob(
        service_job_id="J", title=text, city=text, technician_names=text, changed_at=NOW,
        scheduled_start=START, seller=Seller(name=text),
    )  # fmt: skip
    made = calendars._event(job, "https://dispatch.example/").to_ical().decode()
    event = Event.from_ical(made)
    words = "".join(sign if sign.isprintable() else " " for sign in text).split()
    assert event["summary"] == (" ".join(words) or "Untitled job")
    assert made.count("\r\nSUMMARY:") == 1
    assert max(len(line.encode()) for line in made.split("\r\n")) <= 75
