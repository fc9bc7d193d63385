"""Exports: formula-safe, buyer data only for who may see it, and recorded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.models import Activity, Membership, Person, Seller, ServiceJob
from dispatch.selectors.access import job_query_for
from dispatch.selectors.listing.paging import Order, all_jobs
from dispatch.services.audit import activity, exports
from dispatch.services.mirror import store
from tests.conftest import NOW, US, MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def listed(person: Person) -> Iterator[ServiceJob]:
    """The person's whole list, by title."""
    return all_jobs(job_query_for(person), Order("title"))


def export(person: Person) -> list[dict[str, str]]:
    """The person's whole export, as a spreadsheet would read it."""
    rows = list(exports.rows(person=person, jobs=listed(person)))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


@pytest.fixture
def jobs(seller: Seller, make_job: MakeJob) -> None:
    assigned = {
        "appointmentId": "A",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": "2026-11-25T15:00:00Z", "durationInMinutes": 60},
        "assignedTechnicians": [{"technicianId": "TECH-TOM", "name": "Tom"}],
    }
    store.store(
        seller,
        [make_job("JOB-1", appointments=[assigned]), make_job("JOB-2")],
        fetched_at=NOW,
    )


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_who_dispatches_gets_the_buyers(jobs: None, people: dict[str, Person], name: str) -> None:
    row = export(people[name])[0]
    assert (row["Buyer"], row["Phone"]) == ("Jordan Example", "'+1 614 555 0142")
    assert (row["Street"], row["Postal code"]) == ("120 Sample Street", "43017")


def test_a_technician_gets_own_jobs_without_buyers(jobs: None, tom: Person) -> None:
    rows = export(tom)
    assert [row["Job id"] for row in rows] == ["JOB-1"]
    assert not set(exports.BUYER_COLUMNS) & set(rows[0])


def test_an_auditor_gets_no_buyers(jobs: None, seller: Seller, charlie: Person) -> None:
    Membership.objects.create(person=charlie, seller=seller, role="auditor")
    rows = export(charlie)
    assert len(rows) == 2
    assert "Jordan" not in str(rows)


def test_buyers_of_a_seller_one_only_audits_stay_empty(
    jobs: None, alice: Person, charlie: Person, make_job: MakeJob
) -> None:
    theirs = Seller.objects.create(owner=charlie, name="Theirs", marketplace_id=US)
    Membership.objects.create(person=alice, seller=theirs, role="auditor")
    store.store(theirs, [make_job("JOB-3", buyer={"name": "Robin Hidden"})], fetched_at=NOW)
    rows = {row["Job id"]: row for row in export(alice)}
    assert rows["JOB-1"]["Buyer"] == "Jordan Example"
    assert rows["JOB-3"]["Buyer"] == rows["JOB-3"]["Street"] == ""


def test_a_stranger_gets_a_heading_only(jobs: None, charlie: Person) -> None:
    assert export(charlie) == []


def test_an_export_is_recorded_with_its_size(jobs: None, bob: Person, seller: Seller) -> None:
    export(bob)
    row = Activity.objects.get()
    assert (row.person_id, row.person_email) == (bob.pk, bob.email)
    assert (row.kind, row.seller_id) == ("exported", seller.pk)
    assert row.detail == {"what": "jobs", "rows": 2, "buyers": True}


def test_an_export_of_two_sellers_is_recorded_for_each(
    jobs: None, alice: Person, charlie: Person, seller: Seller, make_job: MakeJob
) -> None:
    theirs = Seller.objects.create(owner=charlie, name="Theirs", marketplace_id=US)
    Membership.objects.create(person=alice, seller=theirs, role="auditor")
    store.store(theirs, [make_job("JOB-3")], fetched_at=NOW)
    export(alice)
    found = {row.seller_id: row.detail for row in Activity.objects.all()}
    assert found == {
        seller.pk: {"what": "jobs", "rows": 2, "buyers": True},
        theirs.pk: {"what": "jobs", "rows": 1, "buyers": False},
    }


def test_an_empty_export_is_recorded(charlie: Person) -> None:
    export(charlie)
    row = Activity.objects.get()
    assert (row.seller_id, row.detail["rows"]) == (None, 0)


def test_an_export_broken_off_is_recorded_too(jobs: None, bob: Person) -> None:
    rows = exports.rows(person=bob, jobs=listed(bob))
    next(rows), next(rows)
    rows.close()
    assert Activity.objects.get().detail["rows"] == 1


def test_an_export_of_the_log_broken_off_is_recorded(bob: Person, seller: Seller) -> None:
    for _ in range(3):
        activity.record(activity.Kind.LOG_IN, person=bob, seller=seller)
    read = Activity.objects.order_by("number")
    rows = exports.activity_rows(person=bob, rows=read, sellers={seller.pk: seller})
    next(rows), next(rows)
    rows.close()
    row = Activity.objects.get(kind="exported")
    assert (row.seller_id, row.detail["rows"]) == (seller.pk, 1)


def test_a_job_of_which_nothing_is_known_is_a_row(seller: Seller, bob: Person) -> None:
    store.store(seller, [{"serviceJobId": "JOB-1"}], fetched_at=NOW)
    row = export(bob)[0]
    assert row["Job id"] == "JOB-1"
    assert row["Start (UTC)"] == row["Buyer"] == ""


def test_what_a_buyer_typed_is_no_formula(seller: Seller, bob: Person, make_job: MakeJob) -> None:
    name = '=HYPERLINK("http://x.example","click")'
    store.store(seller, [make_job(buyer={"name": name})], fetched_at=NOW)
    assert export(bob)[0]["Buyer"] == f"'{name}"


@pytest.mark.parametrize(
    "cell",
    [
        "=1",
        "+1",
        "-1",
        "@SUM(1)",
        " =1",
        "\t=1",
        "\t1",
        "\r1",
        "\n1",
        "\u00a0=1",
        "＝1",
        "\ufeff=1",
        "\u200b=1",
    ],
)
def test_a_cell_that_a_spreadsheet_would_calculate_is_made_inert(cell: str) -> None:
    assert exports.inert(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Jordan", "120 Sample Street", "1-2", "a=b", "'x", "😀"])
def test_any_other_cell_is_left_alone(cell: str) -> None:
    assert exports.inert(cell) == cell


@given(st.lists(st.text(max_size=10), min_size=1, max_size=3))
def test_no_cell_begins_a_formula_and_none_is_lost(cells: list[str]) -> None:
    inert = [exports.inert(cell) for cell in cells]
    assert not any(cell.lstrip()[:1] in tuple("=+-@") for cell in inert if cell.strip())
    assert all(made.endswith(cell) for made, cell in zip(inert, cells, strict=True))


def test_the_export_opens_sealed_values_only_where_it_shows_them(
    jobs: None, tom: Person, django_assert_max_num_queries: Any
) -> None:
    export(tom)
    with django_assert_max_num_queries(14):
        export(tom)


def test_csv_brings_back_what_was_written(jobs: None, bob: Person) -> None:
    ServiceJob.objects.filter(service_job_id="JOB-1").update(title='A "quoted",\nbroken title')
    out = io.StringIO()
    csv.writer(out).writerows(exports.rows(person=bob, jobs=listed(bob)))
    read = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert read[0]["Title"] == 'A "quoted",\nbroken title'
