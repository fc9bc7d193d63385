"""Rows written without instances: the same as with them, and never an unsealed value."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from dispatch.models import Appointment, JobReference, JobWord, Seller, ServiceJob
from dispatch.services.mirror.rows import Rows
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.database]
WORDS = Rows(JobWord, "job", "word_hash", "status", "scheduled_key")
REFERENCES = Rows(JobReference, "job", "seller", "kind", "value", "status", "scheduled_key")
VISITS = Rows(
    Appointment, "job", "appointment_id", "status", "start", "rescheduled_to", "technicians",
    "proof_type", "proof_at",
)  # fmt: skip
NASTY = [
    "",
    "it's",
    'say "hi"',
    "back\\slash",
    "per%cent %s",
    "line\nbreak\ttab",
    "{}",
    "ÄÖ 😀",
    "null",
    "NULL",
    "None",
    '{1,"2"}',
]


@pytest.fixture
def job(seller: Seller) -> ServiceJob:
    return ServiceJob.objects.create(
        seller=seller, service_job_id="JOB-1", fetched_at=NOW, changed_at=NOW
    )


def test_every_text_and_time_arrives_as_it_was(job: ServiceJob) -> None:
    moment = dt.datetime(2026, 3, 8, 6, 59, 59, 123456, tzinfo=dt.UTC)
    told = [{"technicianId": text, "name": text} for text in NASTY]
    VISITS.insert((job.pk, text, text[:20], moment, text, told, "", None) for text in NASTY)
    kept = Appointment.objects.order_by("pk")
    assert [one.appointment_id for one in kept] == NASTY
    assert [one.rescheduled_to for one in kept] == NASTY
    assert {one.start for one in kept} == {moment}
    assert all(one.technicians == told and one.proof_at is None for one in kept)


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, -(2**63), 2**53 + 1])
def test_whole_numbers_are_exact(job: ServiceJob, number: int) -> None:
    WORDS.insert([(job.pk, number, "", number)])
    assert JobWord.objects.values_list("word_hash", "scheduled_key").get() == (number, number)


def test_more_rows_than_a_statement_takes(job: ServiceJob) -> None:
    WORDS.insert((job.pk, number, "", 1) for number in range(2500))
    assert JobWord.objects.count() == 2500
    WORDS.update([], by=1)
    Rows(JobWord, "job", "word_hash").delete((job.pk, number) for number in range(2400))
    assert JobWord.objects.count() == 100


def test_what_is_there_is_refused_or_left_out(job: ServiceJob) -> None:
    WORDS.insert([(job.pk, 1, "", 1)])
    with pytest.raises(IntegrityError), transaction.atomic():
        WORDS.insert([(job.pk, 1, "", 2), (job.pk, 2, "", 2)])
    added = WORDS.insert_new([(job.pk, 1, "", 2), (job.pk, 2, "", 2)], returning=("word_hash",))
    assert [tuple(row) for row in added] == [(2,)]
    assert set(JobWord.objects.values_list("word_hash", "scheduled_key")) == {(1, 1), (2, 2)}


def test_only_the_rows_meant_are_changed(job: ServiceJob) -> None:
    WORDS.insert([(job.pk, 1, "", 5), (job.pk, 2, "", 5), (job.pk, 3, "", 5)])
    Rows(JobWord, "scheduled_key", "job", "word_hash").update(
        [(7, job.pk, 1), (8, job.pk, 2), (9, job.pk, 4)], by=2
    )
    kept = JobWord.objects.values_list("word_hash", "scheduled_key")
    assert set(kept) == {(1, 7), (2, 8), (3, 5)}


def test_only_the_rows_meant_go(job: ServiceJob, seller: Seller) -> None:
    rows = [(job.pk, seller.pk, kind, "1", "", 0) for kind in ("asin", "order", "skill")]
    REFERENCES.insert(rows)
    Rows(JobReference, "job", "seller", "kind", "value").delete(
        [(job.pk, seller.pk, "asin", "1"), (job.pk, seller.pk, "order", "2")]
    )
    assert sorted(JobReference.objects.values_list("kind", flat=True)) == ["order", "skill"]


def test_nothing_costs_nothing(job: ServiceJob) -> None:
    with CaptureQueriesContext(connection) as captured:
        WORDS.insert([])
        assert WORDS.insert_new([], returning=("word_hash",)) == []
        WORDS.update([], by=1)
        WORDS.delete([])
    assert len(captured) == 0


@pytest.mark.parametrize("value", ["in clear", {"name": "Jordan Example"}])
def test_an_unsealed_value_is_refused(seller: Seller, value: Any) -> None:
    rows = Rows(ServiceJob, "seller", "service_job_id", "buyer", "fetched_at", "changed_at")
    with pytest.raises(TypeError, match="sealed"):
        rows.insert([(seller.pk, "JOB-1", value, NOW, NOW)])
