"""Each filter of the list: what it finds, and what it says when it cannot be read."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client

from dispatch.models import Membership, Person, Seller, Technician
from dispatch.services.mirror import store
from tests.conftest import MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]
NOW = dt.datetime(2026, 11, 24, 15, 0, tzinfo=dt.UTC)
DE = "A1PA6795UKMFR9"
HAWAII = {"countryCode": "US", "stateOrRegion": "HI", "postalCode": "96801", "city": "Hilo"}


def visit(start: str, technician: str) -> dict[str, Any]:
    return {
        "appointmentId": "A",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": start, "durationInMinutes": 60},
        "assignedTechnicians": [{"technicianId": technician, "name": technician}],
    }


@pytest.fixture
def second(bob: Person, alice: Person) -> Seller:
    made = Seller.objects.create(
        owner=alice, name="Southlight DE", marketplace_id=DE, time_zone="Europe/Berlin"
    )
    Membership.objects.create(person=bob, seller=made, role="dispatcher")
    return made


@pytest.fixture
def jobs(seller: Seller, second: Seller, make_job: MakeJob) -> None:
    """TV in Ohio with Tom, DISH in Hawaii with Maya, TYRE unscheduled in Berlin."""
    tv = make_job(
        "TV-1",
        serviceJobStatus="NOT_SERVICED",
        createTime="2026-11-20T15:00:00Z",
        # 23:30 of the 24th in Ohio, already the 25th in UTC.
        appointments=[visit("2026-11-25T04:30:00Z", "TECH-TOM")],
        productOrderIds=["701-1"],
        trackingIds=["1ZTV"],
        associatedItems=[{"asin": "B000000TV1"}],
    )
    dish = make_job(
        "DISH-1",
        serviceOrderId="222-2",
        serviceJobStatus="COMPLETED",
        createTime="2026-11-22T05:30:00Z",
        storeId="HI-01",
        scopeOfWork={"asin": "B00000DISH", "title": "Dishwasher", "requiredSkills": ["DISHWASHER"]},
        serviceLocation={"address": HAWAII},
        appointments=[visit("2026-11-26T05:00:00Z", "TECH-MAYA")],
        productOrderIds=["702-1", "702-2"],
    )
    with time_machine.travel(NOW - dt.timedelta(days=3)):
        store.store(seller, [tv], fetched_at=NOW)
    tyre = {"serviceJobId": "TYRE-1", "serviceJobStatus": "HOLD", "marketplaceId": DE,
            "buyer": {"name": "Jürgen Groß"}}  # fmt: skip
    with time_machine.travel(NOW):
        store.store(seller, [dish], fetched_at=NOW)
        store.store(second, [tyre], fetched_at=NOW)


@pytest.fixture
def as_bob(client: Client, bob: Person, jobs: None) -> Client:
    client.force_login(bob)
    return client


def found(client: Client, **query: Any) -> list[str]:
    response = client.get(f"/jobs/?{urlencode({'view': 'all', **query}, doseq=True)}")
    assert response.status_code == 200
    assert response.context["errors"] == []
    return sorted(job.service_job_id for job in response.context["rows"])


ALL = ["DISH-1", "TV-1", "TYRE-1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ALL),
        ({"status": "NOT_SERVICED"}, ["TV-1"]),
        ({"status": ["NOT_SERVICED", "HOLD"]}, ["TV-1", "TYRE-1"]),
        ({"skill": "TV_MOUNTING"}, ["TV-1"]),
        ({"skill": ["TV_MOUNTING", "DISHWASHER"]}, ["DISH-1", "TV-1"]),
        ({"store": "HI-01"}, ["DISH-1"]),
        ({"marketplace": DE}, ["TYRE-1"]),
        ({"order": "222-2"}, ["DISH-1"]),
        ({"order": "222-2, 112-4471932-5510622"}, ["DISH-1", "TV-1"]),
        ({"order": "222"}, []),
        ({"product_order": "702-2"}, ["DISH-1"]),
        ({"product_order": "701-1,702-1"}, ["DISH-1", "TV-1"]),
        ({"tracking": "1ZTV"}, ["TV-1"]),
        ({"asin": "b00000dish"}, ["DISH-1"]),
        ({"asin": "B000000TV1"}, ["TV-1"]),
        ({"q": "groß"}, ["TYRE-1"]),
        ({"q": "GROSS"}, ["TYRE-1"]),
        ({"q": "hilo"}, ["DISH-1"]),
        ({"q": "jordan dublin"}, ["TV-1"]),
        ({"q": "(614) 555-0142"}, ["DISH-1", "TV-1"]),
        ({"q": "tv-"}, ["TV-1"]),
        ({"q": "jordan", "status": "COMPLETED"}, ["DISH-1"]),
        ({"q": "jordan", "status": "HOLD"}, []),
    ],
)
def test_each_filter_finds_its_jobs(
    as_bob: Client, query: dict[str, Any], expected: list[str]
) -> None:
    assert found(as_bob, **query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"scheduled_from": "2026-11-24", "scheduled_to": "2026-11-24"}, ["TV-1"]),
        ({"scheduled_from": "2026-11-25"}, ["DISH-1"]),
        ({"scheduled_to": "2026-11-25"}, ["DISH-1", "TV-1"]),
        ({"scheduled_from": "2026-11-26"}, []),
        # Days of creation are the reader's: 05:30 UTC of the 22nd is the 21st in Chicago.
        ({"created_from": "2026-11-21", "created_to": "2026-11-21"}, ["DISH-1"]),
        ({"created_from": "2026-11-22"}, []),
        ({"created_to": "2026-11-20"}, ["TV-1"]),
        ({"updated_from": "2026-11-24"}, ["DISH-1", "TYRE-1"]),
        ({"updated_to": "2026-11-23"}, ["TV-1"]),
        ({"scheduled_from": "0001-01-01"}, ["DISH-1", "TV-1"]),
        ({"scheduled_to": "9999-12-31"}, ["DISH-1", "TV-1"]),
        ({"created_from": "0001-01-01", "created_to": "9999-12-31"}, ["DISH-1", "TV-1"]),
        ({"updated_from": "9999-12-31"}, []),
        ({"updated_to": "9999-12-31"}, ALL),
    ],
)
@pytest.mark.parametrize("zone", ["", "America/Chicago"])
def test_each_range_holds_both_its_days(
    as_bob: Client, bob: Person, query: dict[str, str], expected: list[str], zone: str
) -> None:
    Person.objects.filter(pk=bob.pk).update(time_zone=zone)
    assert found(as_bob, **query) == expected


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Etc/GMT-14"])
@pytest.mark.parametrize("day", ["0001-01-01", "0001-01-02", "9999-12-30", "9999-12-31"])
def test_the_ends_of_the_calendar_are_days_like_others(
    as_bob: Client, bob: Person, zone: str, day: str
) -> None:
    Person.objects.filter(pk=bob.pk).update(time_zone=zone)
    for name in ("created_from", "created_to", "updated_from", "updated_to", "scheduled_from"):
        found(as_bob, **{name: day})


def test_a_day_of_creation_follows_the_readers_zone(as_bob: Client, bob: Person) -> None:
    Person.objects.filter(pk=bob.pk).update(time_zone="Europe/Berlin")
    assert found(as_bob, created_from="2026-11-22") == ["DISH-1"]


def test_sellers_and_technicians_are_chosen_by_their_ids(
    as_bob: Client, seller: Seller, second: Seller
) -> None:
    assert found(as_bob, seller=second.pk) == ["TYRE-1"]
    assert found(as_bob, seller=[seller.pk, second.pk]) == ALL
    tom, maya = (Technician.objects.get(name=name).pk for name in ("Tom", "Maya"))
    assert found(as_bob, technician=tom) == ["TV-1"]
    assert found(as_bob, technician=[tom, maya]) == ["DISH-1", "TV-1"]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("today", ["TV-1"]), ("open", ["TV-1", "TYRE-1"]), ("unscheduled", ["TYRE-1"]),
        ("late", []),
        ("week", ["DISH-1", "TV-1"]), ("done", ["DISH-1"]), ("all", ALL),
    ],
)  # fmt: skip
def test_each_quick_view_shows_its_cut(
    at_now: None, as_bob: Client, view: str, expected: list[str]
) -> None:
    assert found(as_bob, view=view) == expected
    page = as_bob.get(f"/jobs/?view={view}")
    tab = next(tab for tab in page.context["views"] if tab["current"])
    assert tab["count"].number == len(expected)


def test_without_a_word_the_open_jobs_are_shown(as_bob: Client) -> None:
    response = as_bob.get("/jobs/")
    assert sorted(job.service_job_id for job in response.context["rows"]) == ["TV-1", "TYRE-1"]
    assert next(tab for tab in response.context["views"] if tab["current"])["label"] == "All open"


def test_a_status_of_ones_own_beats_the_views(as_bob: Client) -> None:
    assert found(as_bob, view="open", status="COMPLETED") == ["DISH-1"]


NONSENSE = ["x" * 500, "😀", "a\0b", "<script>alert(1)</script>"]
NAMES = [
    ("view", "View"), ("status", "Status"), ("seller", "Seller"), ("technician", "Technician"),
    ("skill", "Skill"), ("store", "Store"), ("marketplace", "Marketplace"),
    ("scheduled_from", "Scheduled from"), ("scheduled_to", "Scheduled to"),
    ("created_from", "Created from"), ("created_to", "Created to"),
    ("updated_from", "Updated from"), ("updated_to", "Updated to"),
]  # fmt: skip


@pytest.mark.parametrize("value", NONSENSE)
@pytest.mark.parametrize(("name", "label"), NAMES)
def test_nonsense_is_said_and_shows_no_jobs(
    as_bob: Client, name: str, label: str, value: str
) -> None:
    response = as_bob.get("/jobs/", {name: value})
    page = response.content.decode()
    assert response.status_code == 200
    assert response.context["rows"] == []
    assert [field for field, _ in response.context["errors"]] == [label]
    assert "Check these filters. No jobs are shown until then:" in page
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("order", "abc", "only digits and hyphens"),
        ("order", "1" * 500, "at most 100"),
        ("product_order", "😀", "only digits and hyphens"),
        ("tracking", "a b", "only letters, digits and hyphens"),
        ("asin", "short", "ten letters and digits"),
        ("asin", "B000000TV1,short", "ten letters and digits"),
        ("q", "x" * 500, "at most 200"),
        ("q", "a\0b", "Null characters"),
        ("scheduled_from", "2026-02-30", "Enter a day"),
        ("scheduled_from", "24 of November", "Enter a day"),
    ],
)
def test_what_is_wrong_is_said_in_words(as_bob: Client, name: str, value: str, words: str) -> None:
    response = as_bob.get("/jobs/", {name: value})
    assert words in response.context["errors"][0][1]
    assert words in response.content.decode()


@pytest.mark.parametrize("name", ["scheduled", "created", "updated"])
def test_a_range_the_wrong_way_round_is_said(as_bob: Client, name: str) -> None:
    response = as_bob.get(f"/jobs/?{name}_from=2026-11-25&{name}_to=2026-11-24")
    assert response.context["errors"][0][1] == "The end is before the beginning."


def test_an_emoji_may_be_searched_for(as_bob: Client) -> None:
    assert found(as_bob, q="😀") == []


def test_repeated_keys_are_no_trouble(as_bob: Client) -> None:
    assert found(as_bob, q=["tv", "dishwasher"]) == ["DISH-1"]
    assert found(as_bob, asin=["B000000TV1", "B00000DISH"], view=["today", "all"]) == ["DISH-1"]
    response = as_bob.get("/jobs/?scheduled_from=2026-11-24&scheduled_from=nonsense")
    assert response.status_code == 200


def test_empty_keys_are_as_good_as_none(as_bob: Client) -> None:
    assert found(as_bob, q="", status="", scheduled_from="", technician="", asin=" ") == ALL


def test_unknown_keys_are_left_alone(as_bob: Client) -> None:
    assert found(as_bob, utm_source="mail", page="nonsense", sort="nonsense") == ALL


def test_another_persons_seller_is_no_choice(as_bob: Client, charlie: Person) -> None:
    theirs = Seller.objects.create(owner=charlie, name="Theirs", marketplace_id=DE)
    response = as_bob.get("/jobs/", {"seller": str(theirs.pk)})
    assert response.context["errors"][0][0] == "Seller"
    assert "Theirs" not in response.content.decode()


def test_a_technician_of_another_seller_is_no_choice(as_bob: Client, charlie: Person) -> None:
    theirs = Seller.objects.create(owner=charlie, name="Theirs", marketplace_id=DE)
    stranger = Technician.objects.create(seller=theirs, name="Stranger")
    assert as_bob.get("/jobs/", {"technician": stranger.pk}).context["errors"]


def test_an_active_filter_is_named_and_can_be_taken_out(as_bob: Client) -> None:
    response = as_bob.get("/jobs/?view=all&q=tv&status=NOT_SERVICED&status=HOLD&status=COMPLETED")
    chip = next(chip for chip in response.context["chips"] if chip["slug"] == "status")
    assert chip["active"]
    assert chip["summary"] == "Scheduled, Hold +1"
    assert chip["clear_url"] == "/jobs/?view=all&q=tv"


def test_too_many_keys_are_refused_not_served(as_bob: Client) -> None:
    assert as_bob.get("/jobs/?" + "a=1&" * 600).status_code == 400


def test_what_is_drawn_once_shows_nobody_elses_choice(as_bob: Client) -> None:
    def boxes(query: str) -> str:
        page = as_bob.get(f"/jobs/?{query}").content.decode()
        return page[page.index('id="filter-status"') : page.index('id="filter-scheduled"')]

    idle = boxes("view=all")
    assert "checked" not in idle
    assert "checked" in boxes("status=HOLD")
    assert boxes("view=open&q=jordan") == idle
