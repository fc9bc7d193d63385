"""One job with what was done to it."""

from __future__ import annotations

import uuid

import pytest

from dispatch.models import Action, ReasonCode, Seller, ServiceJob
from dispatch.selectors.jobs import action_of, history, reason_codes, times_accepted
from tests.conftest import MakeJob
from tests.selectors.mirror import put

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def job(seller: Seller, make_job: MakeJob) -> ServiceJob:
    put(seller, make_job())
    return ServiceJob.objects.select_related("seller").get()


def write(job: ServiceJob, kind: str, state: str) -> Action:
    return Action.objects.create(
        key=uuid.uuid4(), seller=job.seller, job=job, kind=kind, state=state
    )


def test_only_reschedules_that_happened_are_counted(job: ServiceJob) -> None:
    for state in ("accepted", "warned", "refused", "unknown"):
        write(job, "reschedule", state)
    write(job, "assign", "accepted")
    assert times_accepted(job, "reschedule") == 2
    assert len(history(job)) == 5


@pytest.mark.parametrize("nonsense", ["", "x", "{}", str(uuid.UUID(int=7)), "\0", "1" * 33])
def test_a_write_that_is_not_this_jobs_is_none(job: ServiceJob, nonsense: str) -> None:
    assert action_of(job, nonsense) is None


def test_a_write_is_found_by_its_id(job: ServiceJob) -> None:
    action = write(job, "cancel", "refused")
    assert action_of(job, str(action.pk)) == action


def test_reason_codes_are_those_of_the_jobs_marketplace(job: ServiceJob) -> None:
    ReasonCode.objects.create(
        seller=job.seller, marketplace_id="A1PA6795UKMFR9", kind="cancel", code="DE1"
    )
    assert [one.code for one in reason_codes(job, ReasonCode.Kind.CANCEL)] == ["V1"]
