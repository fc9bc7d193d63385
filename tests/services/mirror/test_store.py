"""The store: only news is written, and nothing is undone by an older answer."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.models import (
    JobReference,
    Seller,
    ServiceJob,
)
from dispatch.models.keyring import SealBroken
from dispatch.selectors.jobs import references
from dispatch.services.mirror import store as mirror
from tests.conftest import NOW, US, MakeJob
from tests.services.mirror.world import found, store, visit

pytestmark = [pytest.mark.django_db, pytest.mark.database]
Kind = JobReference.Kind
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def test_an_unchanged_job_costs_no_write(seller: Seller, make_job: MakeJob) -> None:
    jobs = [make_job(f"JOB-{number:04}") for number in range(20)]
    store(seller, *jobs)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert store(seller, *jobs, at=NOW + MINUTE) == []
    said = [query["sql"].split()[0] for query in captured]
    assert [word for word in said if word in ("INSERT", "UPDATE", "DELETE")] == []
    assert said.count("SELECT") == 1


def test_a_page_costs_the_same_writes_however_many_changed(
    seller: Seller, make_job: MakeJob
) -> None:
    def cost(count: int) -> int:
        jobs = [
            make_job(f"JOB-{count}-{number}", appointments=[visit(1)]) for number in range(count)
        ]
        with CaptureQueriesContext(connection) as captured:
            store(seller, *jobs)
        return len(captured)

    assert cost(2) == cost(10)


def test_the_order_of_keys_is_no_change(seller: Seller, make_job: MakeJob) -> None:
    job = make_job()
    store(seller, job)
    assert store(seller, dict(reversed(job.items())), at=NOW + MINUTE) == []


def test_a_change_replaces_the_job_and_its_parts(seller: Seller, make_job: MakeJob) -> None:
    store(seller, make_job(appointments=[visit(1)], productOrderIds=["111"]))
    before = ServiceJob.objects.get()
    with time_machine.travel(NOW + 2 * MINUTE, tick=False):
        assert store(seller, make_job(storeId="NEW", productOrderIds=["222"]), at=NOW + MINUTE)
    after = ServiceJob.objects.get()
    assert (after.pk, after.store_id) == (before.pk, "NEW")
    assert (after.fetched_at, after.changed_at) == (NOW + MINUTE, NOW + 2 * MINUTE)
    assert after.appointments.count() == 0
    assert (after.appointment_id, after.scheduled_start, after.local_date) == ("", None, None)
    assert references(after)[Kind.PRODUCT_ORDER] == ["222"]


def test_a_slow_older_page_never_overwrites_a_newer_one(seller: Seller, make_job: MakeJob) -> None:
    store(seller, make_job(storeId="NEW"), at=NOW + MINUTE)
    assert store(seller, make_job(storeId="OLD"), at=NOW) == []
    assert ServiceJob.objects.get().store_id == "NEW"


def test_a_job_twice_on_a_page_is_one_row(seller: Seller, make_job: MakeJob) -> None:
    assert store(seller, make_job(storeId="A"), make_job(storeId="B")) == ["JOB-0001"]
    assert ServiceJob.objects.get().store_id == "B"


def test_a_job_that_comes_back_is_no_longer_gone(seller: Seller, make_job: MakeJob) -> None:
    store(seller, make_job())
    ServiceJob.objects.update(gone_at=NOW)
    assert store(seller, make_job(), at=NOW + MINUTE) == ["JOB-0001"]
    assert ServiceJob.objects.get().gone_at is None


def test_two_sellers_may_have_the_same_job(seller: Seller, make_job: MakeJob) -> None:
    second = Seller.objects.create(owner=seller.owner, name="Second", marketplace_id=US)
    store(seller, make_job())
    store(second, make_job())
    assert ServiceJob.objects.count() == 2


def test_a_new_key_in_front_seals_the_jobs_anew_as_they_come(
    seller: Seller, make_job: MakeJob, settings: Any
) -> None:
    store(seller, make_job())
    settings.FIELD_KEYS = (b"n" * 32, *settings.FIELD_KEYS)
    assert found(seller, "jordan") == ["JOB-0001"]
    assert store(seller, make_job(), at=NOW + MINUTE) == ["JOB-0001"]
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    assert ServiceJob.objects.get().buyer_data["name"] == "Jordan Example"
    assert found(seller, "jordan") == ["JOB-0001"]


def test_nothing_to_store_is_no_trouble(seller: Seller) -> None:
    assert store(seller) == []


def test_a_job_gone_and_back_is_whole_again(seller: Seller, make_job: MakeJob) -> None:
    whole = make_job(appointments=[visit(1)])
    store(seller, whole)
    job = ServiceJob.objects.get()
    mirror.mark_gone(job, at=NOW + MINUTE)
    assert {*job.words.values_list("status", flat=True)} == {"GONE"}
    assert {*job.references.values_list("status", flat=True)} == {"GONE"}
    assert store(seller, whole, at=NOW) == []
    assert store(seller, whole, at=NOW + 2 * MINUTE) == ["JOB-0001"]
    back = ServiceJob.objects.get()
    assert (back.pk, back.status, back.gone_at) == (job.pk, "PENDING_SCHEDULE", None)
    assert back.appointments.count() == 1
    assert {*back.words.values_list("status", flat=True)} == {back.status}
    assert found(seller, "jordan") == ["JOB-0001"]


@pytest.mark.parametrize("created", ["2026-03-31T23:59:59-01:00", None])
def test_a_job_knows_its_months(seller: Seller, make_job: MakeJob, created: str | None) -> None:
    with time_machine.travel(NOW):
        store(seller, make_job(createTime=created))
    job = ServiceJob.objects.get()
    assert (job.created_month, job.changed_month) == (202604 if created else 197001, 202611)
    with time_machine.travel(NOW + 20 * DAY):
        mirror.mark_gone(job, at=NOW)
    job.refresh_from_db()
    assert job.changed_month == 202612
    job.changed_at += 40 * DAY
    job.save()
    assert job.changed_month == 202701


def test_unchanged_jobs_begin_no_transaction(seller: Seller, make_job: MakeJob) -> None:
    store(seller, make_job())
    with CaptureQueriesContext(connection) as captured:
        store(seller, make_job(), at=NOW + MINUTE)
    assert [query["sql"].split()[0] for query in captured] == ["SELECT"]


def test_the_revision_grows_once_for_a_page(seller: Seller, make_job: MakeJob) -> None:
    def revision() -> int:
        return Seller.objects.get(pk=seller.pk).revision

    before = revision()
    store(seller, *(make_job(f"JOB-{number}") for number in range(50)))
    assert revision() == before + 1
    store(seller, *(make_job(f"JOB-{number}") for number in range(50)), at=NOW + MINUTE)
    assert revision() == before + 1


def test_what_somebody_else_put_in_meanwhile_is_looked_at_again(
    seller: Seller, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = mirror._known

    def late(*args: Any) -> Any:
        """Somebody stores a newer state between our look and our write."""
        monkeypatch.setattr(mirror, "_known", look)
        seen = look(*args)
        store(seller, make_job("THEIRS", storeId="NEWER"), at=NOW + MINUTE)
        return seen

    monkeypatch.setattr(mirror, "_known", late)
    assert store(seller, make_job("THEIRS"), make_job("OURS")) == ["OURS"]
    assert ServiceJob.objects.get(service_job_id="THEIRS").store_id == "NEWER"
    assert ServiceJob.objects.count() == 2


def test_an_older_state_put_in_meanwhile_is_written_over(
    seller: Seller, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = mirror._known

    def late(*args: Any) -> Any:
        monkeypatch.setattr(mirror, "_known", look)
        seen = look(*args)
        store(seller, make_job(storeId="OLDER", productOrderIds=["9"]), at=NOW - MINUTE)
        return seen

    monkeypatch.setattr(mirror, "_known", late)
    assert store(seller, make_job()) == ["JOB-0001"]
    job = ServiceJob.objects.get()
    assert job.store_id == "OH-COL-04"
    assert Kind.PRODUCT_ORDER not in references(job)
    assert job.words.count() == len(set(job.words.values_list("word_hash", flat=True)))


def test_sealed_columns_open_in_their_own_place_only(seller: Seller, make_job: MakeJob) -> None:
    second = Seller.objects.create(owner=seller.owner, name="Second", marketplace_id=US)
    store(seller, make_job())
    job = ServiceJob.objects.get()
    assert job.payload == make_job()
    assert job.buyer_data["name"] == "Jordan Example"
    ServiceJob.objects.update(seller=second)
    moved = ServiceJob.objects.get()
    for name in ("buyer", "payload"):
        with pytest.raises(SealBroken):
            getattr(moved, name)
