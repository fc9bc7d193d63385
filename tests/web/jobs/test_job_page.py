"""The page of one job: everything about it, for who may see it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from icalendar import Calendar

from dispatch.models import Action, Activity, Membership, Person, SavedView, Seller, ServiceJob
from dispatch.services.mirror import store
from tests.conftest import Amazon, MakeJob

pytestmark = pytest.mark.django_db
PAGE = "/jobs/JOB-0001/"


def visit(
    number: int = 1, status: str = "ACTIVE", *technicians: str, **more: Any
) -> dict[str, Any]:
    return {
        "appointmentId": f"APPT-{number}",
        "appointmentStatus": status,
        "appointmentTime": {"startTime": f"2026-11-2{number}T15:00:00Z", "durationInMinutes": 60},
        "assignedTechnicians": [
            {"technicianId": f"TECH-{n.upper()}", "name": n} for n in technicians
        ],
        **more,
    }


def put(seller: Seller, *jobs: dict[str, Any], at: dt.datetime | None = None) -> None:
    """As Amazon shows them now, or showed them ``at`` a moment."""
    store.store(seller, jobs, fetched_at=at or timezone.now())


@pytest.fixture
def as_bob(client: Client, bob: Person, seller: Seller, make_job: MakeJob) -> Client:
    put(seller, make_job(), at=timezone.now() - dt.timedelta(hours=1))
    client.force_login(bob)
    return client


def labels(response: Any) -> list[str]:
    return [button["label"] for button in response.context["buttons"]]


def test_everything_about_the_job_is_there(as_bob: Client) -> None:
    page = as_bob.get(PAGE).content.decode()
    for words in (
        "<h1>TV wall mounting, 65 inch</h1>", "Pending schedule", "Jordan Example",
        "120 Sample Street", "Dublin, OH 43017", 'href="tel:+16145550142"', "112-4471932-5510622",
        "OH-COL-04", "TV mounting", "In home", "Northlight US", "Nothing has been sent",
    ):  # fmt: skip
        assert words.casefold() in page.casefold(), words


def test_no_buyer_data_is_in_the_title_or_the_address(as_bob: Client) -> None:
    page = as_bob.get(PAGE).content.decode()
    title = page[page.index("<title>") : page.index("</title>")]
    assert "Jordan" not in title
    assert "JOB-0001" in title


def test_an_auditor_sees_no_buyer(as_bob: Client, bob: Person) -> None:
    bob.memberships.update(role=Membership.Role.AUDITOR)
    page = as_bob.get(PAGE).content.decode()
    assert "hidden from auditors" in page
    assert "Dublin, OH" in page
    for words in ("Jordan", "Example", "Sample Street", "43017", "555 0142", "tel:", "geo:"):
        assert words not in page, words
    assert not Activity.objects.filter(kind="buyer_data_opened").exists()
    assert as_bob.get(PAGE).context["buttons"] == []


def test_an_auditor_s_file_has_no_buyer(as_bob: Client, bob: Person) -> None:
    bob.memberships.update(role=Membership.Role.AUDITOR)
    file = b"".join(as_bob.get("/jobs/export.csv?view=all").streaming_content).decode()
    assert "JOB-0001" in file
    assert "Jordan" not in file
    assert "Sample Street" not in file


def test_an_auditor_writes_nothing(as_bob: Client, bob: Person) -> None:
    bob.memberships.update(role=Membership.Role.AUDITOR)
    for slug in ("add-appointment", "reschedule", "assign", "complete", "cancel"):
        assert as_bob.post(f"{PAGE}{slug}/").status_code == 404
    as_bob.post("/jobs/views/", {"name": "Mine", "query": "", "shared": "on"})
    assert SavedView.objects.get().seller is None
    assert not Action.objects.exists()


def test_a_job_of_which_nothing_is_known_has_a_page(as_bob: Client, seller: Seller) -> None:
    put(seller, {"serviceJobId": "BARE"})
    response = as_bob.get("/jobs/BARE/")
    assert response.status_code == 200
    assert b"Untitled job" in response.content
    assert b"No name given" in response.content
    assert labels(response) == []


def test_what_a_buyer_typed_is_text(as_bob: Client, seller: Seller, make_job: MakeJob) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    put(
        seller,
        make_job(
            "NASTY",
            buyer={"name": nasty, "phone": '"><script>'},
            scopeOfWork={"title": nasty, "requiredSkills": [nasty]},
            appointments=[visit(5, "ACTIVE", nasty)],
        ),
    )
    for url in ("/jobs/NASTY/", "/jobs/?view=all"):
        page = as_bob.get(url).content.decode()
        assert "<img src=x" not in page
        assert '"><script>' not in page


def test_a_chain_of_appointments_is_shown(
    as_bob: Client, seller: Seller, make_job: MakeJob
) -> None:
    first = visit(4, "CANCELLED", rescheduledAppointmentId="APPT-5")
    put(seller, make_job("CHAIN", appointments=[first, visit(5, "ACTIVE", "Tom")]))
    page = as_bob.get("/jobs/CHAIN/").content.decode()
    assert "All appointments (2)" in page
    assert "cancelled, moved" in page


def test_the_page_costs_the_same_queries_however_much_happened(
    as_bob: Client, bob: Person, seller: Seller
) -> None:
    job = ServiceJob.objects.get()

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_bob.get(PAGE)
        return len(captured)

    for _ in range(2):
        Action.objects.create(key=uuid.uuid4(), seller=seller, job=job, person=bob, kind="cancel")
    cost()  # The first look is recorded.
    few = cost()
    for _ in range(20):
        Action.objects.create(key=uuid.uuid4(), seller=seller, job=job, person=bob, kind="cancel")
    assert cost() == few
    assert few < 30


STATES: list[tuple[str, list[dict[str, Any]], list[str]]] = [
    ("PENDING_SCHEDULE", [], ["Add appointment", "Cancel job"]),
    ("PENDING_SCHEDULE", [visit(5, "CANCELLED")], ["Add appointment", "Cancel job"]),
    (
        "NOT_SERVICED",
        [visit(5, "ACTIVE", "Tom")],
        ["Reschedule", "Assign technicians", "Complete job", "Cancel job"],
    ),
    ("HOLD", [visit(5, "ACTIVE", "Tom")], ["Reschedule", "Assign technicians", "Cancel job"]),
    ("COMPLETED", [visit(5, "COMPLETED", "Tom")], []),
    ("CANCELLED", [visit(5, "CANCELLED", "Tom")], []),
    ("NOT_FULFILLABLE", [], []),
    ("PAYMENT_DECLINED", [], []),
]
CORE = {"Add appointment", "Reschedule", "Assign technicians", "Complete job", "Cancel job"}


@pytest.mark.parametrize(("status", "visits", "offered"), STATES)
@pytest.mark.parametrize("role", ["owner", "dispatcher", "technician", "auditor"])
def test_buttons_are_those_of_the_state_and_the_role(
    client: Client, seller: Seller, tom: Person, make_job: MakeJob,
    role: str, status: str, visits: list[dict[str, Any]], offered: list[str],
) -> None:  # fmt: skip
    put(seller, make_job(serviceJobStatus=status, appointments=visits))
    Membership.objects.filter(person=tom).update(role=role)
    client.force_login(tom)
    response = client.get(PAGE)
    if role == "technician" and not any(v["assignedTechnicians"] for v in visits):
        assert response.status_code == 404
        return
    expected = {
        "owner": offered,
        "dispatcher": offered,
        "technician": [label for label in offered if label == "Complete job"],
        "auditor": [],
    }[role]
    assert [label for label in labels(response) if label in CORE] == expected


def test_a_switched_off_write_says_why_and_has_no_button(as_bob: Client, seller: Seller) -> None:
    Seller.objects.update(switched_off=["cancel"])
    response = as_bob.get(PAGE)
    assert "Cancel job" not in labels(response)
    assert b"not agreed with Amazon" in response.content


def test_one_button_stands_out(as_bob: Client) -> None:
    primary = [b["label"] for b in as_bob.get(PAGE).context["buttons"] if b["primary"]]
    assert primary == ["Add appointment"]


# --- Its appointment as a file ----------------------------------------------------------------

LINK = f'href="{PAGE}visit.ics"'


def test_the_appointment_goes_into_a_calendar(
    as_bob: Client, seller: Seller, make_job: MakeJob
) -> None:
    put(seller, make_job(appointments=[visit(5, "ACTIVE", "Tom")]))
    assert LINK in as_bob.get(PAGE).content.decode()
    answer: Any = as_bob.get(f"{PAGE}visit.ics")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="visit-2026-11-25.ics"'
    text = b"".join(answer).decode()
    (event,) = Calendar.from_ical(text).events
    assert event.decoded("dtstart") == dt.datetime(2026, 11, 25, 15, tzinfo=dt.UTC)
    assert event["url"] == f"http://testserver{PAGE}"
    assert not [word for word in ("Jordan", "Sample Street", "43017", "0142") if word in text]
    own = Activity.objects.get(kind="exported")
    assert own.detail == {"what": "appointments", "rows": 1, "buyers": False}


def test_it_is_the_same_event_as_in_the_calendar_of_the_list(
    as_bob: Client, seller: Seller, make_job: MakeJob
) -> None:
    put(seller, make_job(appointments=[visit(5)]))
    files: list[Any] = [as_bob.get(f"{PAGE}visit.ics"), as_bob.get("/jobs/export.ics?view=all")]
    one, same = (Calendar.from_ical(b"".join(file)).events[0] for file in files)
    assert one["uid"] == same["uid"]


def test_without_an_appointment_there_is_no_file(as_bob: Client) -> None:
    assert as_bob.get(f"{PAGE}visit.ics").status_code == 404
    assert LINK not in as_bob.get(PAGE).content.decode()
    assert not Activity.objects.filter(kind="exported").exists()


@pytest.mark.parametrize("status", ["CANCELLED", "COMPLETED"])
def test_what_is_over_is_not_offered(
    as_bob: Client, seller: Seller, make_job: MakeJob, status: str
) -> None:
    put(seller, make_job(appointments=[visit(5, status)]))
    assert LINK not in as_bob.get(PAGE).content.decode()


def test_an_id_with_any_sign_has_a_file(as_bob: Client, seller: Seller, make_job: MakeJob) -> None:
    put(seller, make_job("A/B?#C", appointments=[visit(5)]))
    page = as_bob.get("/jobs/A/B%3F%23C/").content.decode()
    assert 'href="/jobs/A/B%3F%23C/visit.ics"' in page
    answer: Any = as_bob.get("/jobs/A/B%3F%23C/visit.ics")
    (event,) = Calendar.from_ical(b"".join(answer)).events
    assert event["url"] == "http://testserver/jobs/A/B%3F%23C/"


# --- Who sees it ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "refresh/", "assign/", "complete/", "cancel/", "visit.ics"])
def test_a_stranger_gets_not_found(
    as_bob: Client, charlie: Person, seller: Seller, make_job: MakeJob, path: str
) -> None:
    put(seller, make_job(appointments=[visit(5)]))
    as_bob.force_login(charlie)
    method = as_bob.post if path == "refresh/" else as_bob.get
    assert method(f"{PAGE}{path}").status_code == 404


def test_a_technician_sees_own_jobs_only(
    client: Client, seller: Seller, tom: Person, make_job: MakeJob
) -> None:
    put(
        seller,
        make_job("MINE", appointments=[visit(5, "ACTIVE", "Tom")]),
        make_job("THEIRS", appointments=[visit(5, "ACTIVE", "Maya")]),
    )
    client.force_login(tom)
    for path in ("", "visit.ics"):
        assert client.get(f"/jobs/MINE/{path}").status_code == 200
        assert client.get(f"/jobs/THEIRS/{path}").status_code == 404


@pytest.mark.parametrize(
    "name", ["NOPE", "x" * 3000, "%00", "JOB-0001%00%00x", "%F0%9F%98%80", "a%2Fb", "%2E%2E"]
)
def test_an_unknown_id_is_not_found(as_bob: Client, name: str) -> None:
    assert as_bob.get(f"/jobs/{name}/").status_code == 404


@pytest.mark.parametrize("done", ["", "nonsense", "\0", str(uuid.UUID(int=7))])
def test_an_outcome_that_is_not_this_jobs_is_left_out(as_bob: Client, done: str) -> None:
    response = as_bob.get(PAGE, {"done": done})
    assert response.status_code == 200
    assert response.context["done"] is None


def test_an_id_with_a_slash_has_a_page_and_actions(
    as_bob: Client, seller: Seller, make_job: MakeJob
) -> None:
    put(seller, make_job("A/B?#C"))
    assert as_bob.get("/jobs/?view=all").status_code == 200
    page = as_bob.get("/jobs/A/B%3F%23C/")
    assert page.status_code == 200
    assert as_bob.get(page.context["buttons"][-1]["url"]).status_code == 200


# --- Fresh from Amazon ------------------------------------------------------------------------


def test_refresh_reads_the_job_now(as_bob: Client, amazon: Amazon, make_job: MakeJob) -> None:
    amazon.scenario(make_job(storeId="NEW-STORE"))
    response = as_bob.post(f"{PAGE}refresh/", follow=True)
    assert b"NEW-STORE" in response.content


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 403}, "denied access"),
        ({"kind": "status", "status": 429}, "too many requests"),
        ({"kind": "status", "status": 500}, "fault of its own"),
        ({"kind": "drop"}, "could not be reached"),
        ({"kind": "html", "status": 200}, ""),
    ],
)
def test_refresh_says_what_is_wrong_and_the_job_stays(
    as_bob: Client, amazon: Amazon, impatient: None, fault: dict[str, Any], words: str
) -> None:
    amazon.faults({"operation": "*", "times": None, **fault})
    response = as_bob.post(f"{PAGE}refresh/", follow=True)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert b"Jordan Example" in response.content
    assert b"notice--" in response.content


def test_the_page_says_how_old_it_is(as_bob: Client, seller: Seller) -> None:
    assert as_bob.get(PAGE).context["stale"] is True
    Seller.objects.update(synced_at=timezone.now())
    assert as_bob.get(PAGE).context["stale"] is False
