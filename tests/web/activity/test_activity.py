"""The page of the log: whose rows whom, filters, pages, export."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import uuid
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch.models import Activity, Membership, Person, Seller
from dispatch.services.audit import evidence
from dispatch.services.audit.activity import Asking, Kind, asked_by, record, unknown_account
from tests.conftest import NOW, US

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def theirs(charlie: Person) -> Seller:
    """Charlie's seller, which has nothing to do with Alice's."""
    made = Seller.objects.create(owner=charlie, name="Theirs", marketplace_id=US)
    Membership.objects.create(person=charlie, seller=made, role="owner")
    return made


@pytest.fixture
def as_alice(client: Client, alice: Person, seller: Seller) -> Client:
    client.force_login(alice)
    return client


def log_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def numbers(client: Client, query: str = "") -> list[int]:
    answer = client.get(f"/activity/{query}")
    assert answer.status_code == 200
    return [one.row.number for one in answer.context["rows"]]


def exported(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/activity/export.csv{query}")
    text = b"".join(answer).decode()  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(text, newline="")))


# --- Whose rows -------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/activity/", "/activity/export.csv"])
class TestPermission:
    def test_owners_and_auditors_may(self, address: str, seller: Seller, bob: Person) -> None:
        Membership.objects.filter(person=bob).update(role="auditor")
        for person in (seller.owner, bob):
            assert log_in(person).get(address).status_code == 200

    @pytest.mark.parametrize("name", ["bob", "tom", "charlie"])
    def test_others_find_nothing(
        self, address: str, seller: Seller, people: dict[str, Person], name: str
    ) -> None:
        assert log_in(people[name]).get(address).status_code == 404

    def test_it_asks_to_log_in(self, address: str, seller: Seller) -> None:
        answer = Client().get(address)
        assert answer.status_code == 302
        assert "/account/login/" in answer["Location"]

    def test_it_only_reads(self, address: str, as_alice: Client) -> None:
        assert as_alice.post(address).status_code == 405


def test_one_sees_ones_sellers_their_people_and_nobodys(
    as_alice: Client, bob: Person, charlie: Person, seller: Seller, theirs: Seller
) -> None:
    Membership.objects.create(person=bob, seller=theirs, role="dispatcher")
    mine = [
        record(Kind.EXPORTED, person=bob, seller=seller, what="jobs", rows=1),
        record(Kind.LOG_IN, person=bob),
        record(Kind.LOG_IN_FAILED, subject=unknown_account("x@example.com")),
    ]
    hidden = [
        record(Kind.EXPORTED, person=bob, seller=theirs, what="jobs", rows=1),
        record(Kind.LOG_IN, person=charlie),
        record(Kind.CREDENTIALS_CHANGED, person=charlie, seller=theirs, fields=["client_secret"]),
    ]
    assert numbers(as_alice) == [row.number for row in mine[::-1]]
    page = as_alice.get("/activity/").content.decode()
    assert "Theirs" not in page
    assert "charlie@" not in page
    assert not {str(row.number) for row in hidden} & {r["Number"] for r in exported(as_alice)}


def test_another_seller_cannot_be_chosen(as_alice: Client, theirs: Seller) -> None:
    record(Kind.CREDENTIALS_CHANGED, seller=theirs, fields=["client_secret"])
    answer = as_alice.get(f"/activity/?seller={theirs.pk}")
    assert "cannot be read" in answer.content.decode()
    assert not answer.context["rows"]


def test_the_rail_shows_it_to_who_may_read_it(
    as_alice: Client, bob: Person, charlie: Person
) -> None:
    assert 'href="/activity/"' in as_alice.get("/jobs/").content.decode()
    for person in (bob, charlie):
        assert 'href="/activity/"' not in log_in(person).get("/jobs/").content.decode()


# --- What it shows ----------------------------------------------------------------------------


def test_a_write_in_words(as_alice: Client, bob: Person, seller: Seller) -> None:
    with asked_by(Asking(lambda: bob, "203.0.113.7")):
        record(
            Kind.WRITE, seller=seller, subject="JOB-1", write="reschedule", state="refused",
            errors=["InvalidInput"], status=422,
        )  # fmt: skip
    page = as_alice.get("/activity/").content.decode()
    for words in (
        "Write to Amazon", "Reschedule · Refused · InvalidInput", "bob@dispatch.example",
        'href="/jobs/JOB-1/"', "203.0.113.0/24", "Northlight US",
    ):  # fmt: skip
        assert words in page


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        (Kind.EXPORTED, {"what": "jobs", "rows": 1200, "buyers": True}, "1,200 of jobs · buyer"),
        (Kind.CREDENTIALS_CHANGED, {"fields": ["a", "b"]}, "fields: a, b"),
        (Kind.PERSON_ADDED, {"role": "owner", "new": True}, "new: yes · role: owner"),
        (Kind.LOG_IN, {}, "Logged in"),
        (Kind.WRITE, {"write": "of-a-newer-version", "state": "odd"}, "of-a-newer-version · odd"),
    ],
)
def test_each_kind_in_words(
    as_alice: Client, seller: Seller, kind: Kind, detail: dict[str, Any], words: str
) -> None:
    record(kind, seller=seller, **detail)
    assert words in as_alice.get("/activity/").content.decode()


def test_a_kind_of_a_newer_version_is_shown(as_alice: Client, seller: Seller) -> None:
    row = record(Kind.LOG_IN, seller=seller)
    Activity.objects.filter(pk=row.pk).update(kind="of_tomorrow")
    assert "of_tomorrow" in as_alice.get("/activity/").content.decode()


def test_times_are_the_readers(as_alice: Client, alice: Person, seller: Seller) -> None:
    alice.time_zone = "Europe/Berlin"
    alice.save()
    with time_machine.travel(NOW, tick=False):
        record(Kind.LOG_IN, seller=seller)
    page = as_alice.get("/activity/").content.decode()
    assert "24 Nov 2026 16:00:00" in page
    assert "When, CE" in page


def test_an_empty_log_says_so(as_alice: Client) -> None:
    assert "Nothing yet" in as_alice.get("/activity/").content.decode()
    assert "Nothing matches" in as_alice.get("/activity/?kind=log_in").content.decode()


def test_htmx_gets_the_parts(as_alice: Client, seller: Seller) -> None:
    record(Kind.LOG_IN, seller=seller)
    part = as_alice.get("/activity/", HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in part
    assert 'id="activity-list"' in part
    assert part.count('hx-swap-oob="true"') == 2


# --- Filters ----------------------------------------------------------------------------------


@pytest.fixture
def mixed(alice: Person, bob: Person, seller: Seller) -> list[Activity]:
    """Four rows, a day apart."""
    with time_machine.travel(NOW, tick=False) as clock:
        rows = [record(Kind.LOG_IN, person=bob)]
        clock.shift(dt.timedelta(days=1))
        rows.append(record(Kind.LOG_IN_FAILED, person=alice))
        clock.shift(dt.timedelta(days=1))
        rows.append(record(Kind.WRITE, person=bob, seller=seller, subject="JOB-1", write="cancel"))
        clock.shift(dt.timedelta(days=1))
        rows.append(record(Kind.WRITE, person=alice, seller=seller, subject="JOB-2"))
    return rows


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [4, 3, 2, 1]),
        ("?kind=write", [4, 3]),
        ("?kind=log_in&kind=log_in_failed", [2, 1]),
        ("?person=bob@dispatch.example", [3, 1]),
        ("?person=BOB@dispatch.example", [3, 1]),
        ("?person=gone@dispatch.example", []),
        ("?subject=JOB-2", [4]),
        ("?subject=JOB", []),
        ("?from=2026-11-25", [4, 3, 2]),
        ("?to=2026-11-25", [2, 1]),
        ("?from=2026-11-25&to=2026-11-25", [2]),
        ("?from=0001-01-01&to=9999-12-31", [4, 3, 2, 1]),
        ("?kind=write&person=alice@dispatch.example", [4]),
        ("?subject=%00", []),
        ("?person=&kind=&subject=+", [4, 3, 2, 1]),
    ],
)
def test_filters(as_alice: Client, mixed: list[Activity], query: str, found: list[int]) -> None:
    assert numbers(as_alice, query) == found
    assert [int(row["Number"]) for row in exported(as_alice, query)] == found


def test_the_seller_filter(as_alice: Client, mixed: list[Activity], seller: Seller) -> None:
    assert numbers(as_alice, f"?seller={seller.pk}") == [4, 3]


def test_who_is_gone_is_found_by_address(
    as_alice: Client, mixed: list[Activity], bob: Person
) -> None:
    bob.delete()
    assert numbers(as_alice, "?person=bob@dispatch.example") == [3]


def test_days_are_the_readers(as_alice: Client, mixed: list[Activity], alice: Person) -> None:
    alice.time_zone = "Pacific/Kiritimati"
    alice.save()
    assert numbers(as_alice, "?from=2026-11-26") == [4, 3, 2]


@pytest.mark.parametrize(
    "query",
    ["?kind=nonsense", "?from=nonsense", "?from=2026-11-26&to=2026-11-25", "?seller=x",
     "?seller=7d793037-a076-4185-a5d6-000000000000", "?person=" + "x" * 300],
)  # fmt: skip
def test_what_cannot_be_read_shows_nothing_and_is_not_exported(
    as_alice: Client, mixed: list[Activity], query: str
) -> None:
    answer = as_alice.get(f"/activity/{query}")
    assert "cannot be read" in answer.content.decode()
    assert not answer.context["rows"]
    assert as_alice.get(f"/activity/export.csv{query}").status_code == 302
    assert not Activity.objects.filter(kind="exported").exists()


# --- Pages ------------------------------------------------------------------------------------


def many(seller: Seller, bob: Person, count: int) -> None:
    """Rows of a seller and of nobody's in turns, some of them at one moment."""
    with time_machine.travel(NOW, tick=False) as clock:
        for number in range(count):
            record(Kind.LOG_IN, person=bob, seller=seller if number % 3 else None)
            clock.shift(number % 2)


def test_pages_go_by_key_there_and_back(as_alice: Client, seller: Seller, bob: Person) -> None:
    # Odd, so that pages end between two rows of one moment.
    many(seller, bob, 121)
    there: list[list[int]] = []
    url = "/activity/"
    while url:
        answer = as_alice.get(url)
        there.append([one.row.number for one in answer.context["rows"]])
        last, url = url, answer.context["next_url"]
    assert [len(page) for page in there] == [50, 50, 21]
    assert [number for page in there for number in page] == list(range(121, 0, -1))
    back = as_alice.get(as_alice.get(last).context["previous_url"])
    assert [one.row.number for one in back.context["rows"]] == there[1]
    first = as_alice.get(back.context["previous_url"])
    assert [one.row.number for one in first.context["rows"]] == there[0]
    assert not first.context["previous_url"]


@pytest.mark.parametrize("cursor", ["x", "W10", "😀", "bnVsbA", "WyJhZnRlciIsIngiLDFd", "A" * 3000])
def test_a_page_of_no_sense_is_the_first(
    as_alice: Client, mixed: list[Activity], cursor: str
) -> None:
    assert numbers(as_alice, f"?page={cursor}") == [4, 3, 2, 1]


def test_a_page_costs_the_same_however_long_the_log(
    as_alice: Client, seller: Seller, bob: Person
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_alice.get("/activity/")
        return len(captured)

    many(seller, bob, 5)
    cost()
    few = cost()
    many(seller, bob, 100)
    assert cost() == few
    assert few < 25


# --- Export -----------------------------------------------------------------------------------


def test_the_export_is_the_whole_list_and_is_recorded_itself(
    as_alice: Client, alice: Person, seller: Seller, bob: Person
) -> None:
    many(seller, bob, 120)
    rows = exported(as_alice)
    assert [int(row["Number"]) for row in rows] == list(range(120, 0, -1))
    own = Activity.objects.filter(kind="exported").order_by("number")
    assert {row.person_id for row in own} == {alice.pk}
    assert {row.seller_id: row.detail["rows"] for row in own} == {seller.pk: 80, None: 40}
    assert {row.detail["what"] for row in own} == {"activity"}
    assert evidence.verify().rows == 122


def test_a_cell_of_the_export_is_no_formula(as_alice: Client, seller: Seller) -> None:
    record(Kind.WRITE, seller=seller, subject="=1+1", write="cancel")
    row = exported(as_alice)[0]
    assert row["On what"] == "'=1+1"
    assert json.loads(row["Detail"]) == {"write": "cancel"}


def test_an_id_of_a_seller_that_is_gone_is_none_of_ours(as_alice: Client, seller: Seller) -> None:
    row = record(Kind.LOG_IN, seller=seller)
    Activity.objects.filter(pk=row.pk).update(seller_id=uuid.uuid4())
    assert numbers(as_alice) == []
