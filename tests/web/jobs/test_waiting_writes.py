"""What a job's page says of writes that wait for their turn."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from dispatch.models import Action, Person, Seller, ServiceJob
from dispatch.services.mirror import one_job
from dispatch.services.writes import waiting
from dispatch.services.writes.kinds import complete, record_work
from tests.conftest import Amazon, MakeJob
from tests.writing import hand_over

pytestmark = pytest.mark.django_db
VISIT = "JOB-0001_visit"
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def job(seller: Seller, amazon: Amazon, make_job: MakeJob) -> ServiceJob:
    start = timezone.now() - 2 * HOUR
    visit = {
        "appointmentId": VISIT,
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": start.isoformat(), "durationInMinutes": 60},
    }
    amazon.scenario(make_job(serviceJobStatus="NOT_SERVICED", appointments=[visit]))
    found = one_job.find_job(seller, "JOB-0001")
    assert found is not None
    return found


def work(person: Person, job: ServiceJob, ago: dt.timedelta) -> Action:
    start = timezone.now() - ago
    return hand_over(
        record_work, person=person, job=job, appointment_id=VISIT, start=start, end=start + HOUR / 2
    )


def test_one_that_waits_is_not_called_lost(bob: Person, client: Client, job: ServiceJob) -> None:
    client.force_login(bob)
    work(bob, job, 2 * HOUR)
    page = client.get("/jobs/JOB-0001/").content.decode()
    assert "Record work waiting for its turn" in page
    assert "You do not have to send it again" in page
    assert "lost" not in page


def test_a_click_behind_it_waits_and_says_so(
    bob: Person, client: Client, job: ServiceJob, amazon: Amazon
) -> None:
    client.force_login(bob)
    first = work(bob, job, 2 * HOUR)
    answer = client.post("/jobs/JOB-0001/complete/", {"key": str(uuid.uuid4())})
    assert answer.status_code == 302
    assert "Complete job waiting for its turn" in client.get(answer["Location"]).content.decode()
    waiting.send_lane(str(first.pk))
    page = client.get(answer["Location"]).content.decode()
    assert "Completed: accepted." in page
    assert amazon.job("JOB-0001")["serviceJobStatus"] == "COMPLETED"


def test_one_that_was_stopped_says_by_what(bob: Person, client: Client, job: ServiceJob) -> None:
    client.force_login(bob)
    first = work(bob, job, -5 * HOUR)
    hand_over(complete, person=bob, job=job)
    waiting.send_lane(str(first.pk))
    page = client.get("/jobs/JOB-0001/").content.decode()
    assert "Complete job stopped" in page
    assert "Not sent, because this came before it: Record work refused" in page
