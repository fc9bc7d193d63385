"""Rows of a job: of a changed one only what differs is written."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.models import (
    UNSCHEDULED,
    Appointment,
    AssociatedItem,
    JobReference,
    JobWord,
    Seller,
    ServiceJob,
)
from tests.conftest import NOW, MakeJob
from tests.services.mirror.world import found, store, visit

pytestmark = [pytest.mark.django_db, pytest.mark.database]
Kind = JobReference.Kind
MINUTE = dt.timedelta(minutes=1)


def writes(captured: CaptureQueriesContext) -> dict[str, list[str]]:
    """The statements that wrote, by table."""
    said: dict[str, list[str]] = {}
    for query in captured:
        sql = query["sql"].split(" times: ")[-1].lstrip("'\"")
        word = sql.split()[0].replace("COPY", "INSERT")
        if word in ("INSERT", "UPDATE", "DELETE"):
            table = next(part for part in sql.split('"') if part.startswith("dispatch_"))
            said.setdefault(table, []).append(word)
    return said


def test_of_a_changed_job_only_what_differs_is_written(seller: Seller, make_job: MakeJob) -> None:
    parts = {"appointments": [visit(1)], "associatedItems": [{"asin": "B07BB1RGT5"}]}
    store(seller, make_job(**parts))
    before = (Appointment.objects.get().pk, AssociatedItem.objects.get().pk)
    with CaptureQueriesContext(connection) as captured:
        assert store(seller, make_job(**parts, storeId="NEW"), at=NOW + MINUTE) == ["JOB-0001"]
    assert writes(captured) == {"dispatch_servicejob": ["UPDATE"], "dispatch_seller": ["UPDATE"]}
    assert (Appointment.objects.get().pk, AssociatedItem.objects.get().pk) == before


def test_words_come_and_go_one_by_one(seller: Seller, make_job: MakeJob) -> None:
    store(seller, make_job(), make_job("JOB-0002"))
    before = set(JobWord.objects.values_list("job_id", "word_hash"))
    store(seller, make_job(buyer={"name": "Jordan Newname"}), at=NOW + MINUTE)
    after = set(JobWord.objects.values_list("job_id", "word_hash"))
    # The phone's four forms go; Example stays, for the address has it too.
    assert len(before - after) == 4
    assert len(after - before) == 1
    assert found(seller, "newname") == ["JOB-0001"]
    assert found(seller, "6145550142") == ["JOB-0002"]


def test_references_come_and_go_one_by_one(seller: Seller, make_job: MakeJob) -> None:
    store(seller, make_job(productOrderIds=["1", "2"]), make_job("JOB-0002", productOrderIds=["1"]))
    with CaptureQueriesContext(connection) as captured:
        store(seller, make_job(productOrderIds=["2", "3"]), at=NOW + MINUTE)
    assert writes(captured)["dispatch_jobreference"] == ["DELETE", "INSERT"]
    kept = JobReference.objects.filter(kind=Kind.PRODUCT_ORDER)
    assert sorted(kept.values_list("job__service_job_id", "value")) == [
        ("JOB-0001", "2"),
        ("JOB-0001", "3"),
        ("JOB-0002", "1"),
    ]


@pytest.mark.parametrize("start", ["2026-12-01T15:00:00Z", None])
def test_references_and_words_carry_the_jobs_place_in_the_list(
    seller: Seller, make_job: MakeJob, start: str | None
) -> None:
    tom = {"assignedTechnicians": [{"technicianId": "TECH-TOM"}]}
    store(seller, make_job(appointments=[visit(1, **tom)]), make_job("JOB-0002"))
    moved = make_job(appointments=[visit(2, start, **tom)], serviceJobStatus="HOLD")
    store(seller, moved, at=NOW + MINUTE)
    for job in ServiceJob.objects.all():
        for copies in (job.references, job.words):
            carried = set(copies.values_list("status", "scheduled_key"))
            assert carried == {(job.status, job.scheduled_key)}
    assert ServiceJob.objects.get(service_job_id="JOB-0001").scheduled_key != visit_key()


def visit_key() -> int:
    return int(dt.datetime(2026, 11, 25, 15, tzinfo=dt.UTC).timestamp())


def test_copies_that_went_wrong_are_put_right(seller: Seller, make_job: MakeJob) -> None:
    store(seller, make_job(appointments=[visit(1)]))
    JobWord.objects.update(scheduled_key=UNSCHEDULED)
    store(seller, make_job(appointments=[visit(1)], storeId="NEW"), at=NOW + MINUTE)
    assert set(JobWord.objects.values_list("scheduled_key", flat=True)) == {visit_key()}


def test_many_pages_at_once_are_many_jobs(seller: Seller, make_job: MakeJob) -> None:
    jobs = [make_job(f"JOB-{number:04}", appointments=[visit(number)]) for number in range(200)]
    assert len(store(seller, *jobs)) == 200
    assert Appointment.objects.count() == 200
    again = [{**job, "storeId": "NEW"} for job in jobs]
    assert len(store(seller, *again, at=NOW + MINUTE)) == 200
    assert set(ServiceJob.objects.values_list("store_id", flat=True)) == {"NEW"}
