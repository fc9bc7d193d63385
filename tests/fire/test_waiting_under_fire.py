"""Waiting writes and real workers that die in the middle: nothing lost, nothing twice, in order."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.models import F
from django.utils import timezone

from dispatch.models import Action, ActionFile, Person, Seller
from dispatch.services.amazon import documents
from dispatch.services.mirror import one_job
from dispatch.services.writes import settling
from dispatch.services.writes.kinds import add_proof, assign, complete, on_my_way, record_work
from tests.conftest import Amazon, MakeJob
from tests.fire.test_workers_killed import Crew
from tests.limits import wait_until
from tests.writing import hand_over, write

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
HOUR = dt.timedelta(hours=1)
JOBS = [f"JOB-{number:04}" for number in range(6)]
KILLS = 5
FULFIL, COMPLETE = "setAppointmentFulfillmentData", "completeServiceJobByServiceJobId"
ASSIGN = "assignAppointmentResources"


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    made = Crew(tmp_path)
    yield made
    for worker in made.processes:
        made.kill(worker)


@pytest.fixture
def steps(
    seller: Seller, tom: Person, amazon: Amazon, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> list[Action]:
    """Four steps of each of six visits, handed over in the order of the day."""
    monkeypatch.setenv("TEST_SANDBOX", amazon.url)
    start = timezone.now().replace(microsecond=0) - 2 * HOUR
    made = []
    for name in JOBS:
        visit = {
            "appointmentId": f"{name}_visit",
            "appointmentStatus": "ACTIVE",
            "appointmentTime": {"startTime": start.isoformat(), "durationInMinutes": 60},
        }
        made.append(make_job(name, serviceJobStatus="NOT_SERVICED", appointments=[visit]))
    amazon.scenario(*made)
    given = []
    for name in JOBS:
        job = one_job.find_job(seller, name)
        assert job is not None
        visit = {"person": tom, "job": job, "appointment_id": f"{name}_visit"}
        proofs = [documents.accept(b"\xff\xd8\xff\xe0 " + name.encode())]
        given += [
            hand_over(on_my_way, **visit, start=start + 3 * HOUR, end=start + 4 * HOUR),
            hand_over(record_work, **visit, start=start, end=start + HOUR),
            hand_over(add_proof, **visit, proofs=proofs),
            hand_over(complete, person=tom, job=job),
        ]
    return given


def sooner(**changes: object) -> None:
    """Move open writes on, row by row: nothing of the test holds two rows that workers want."""
    for key in Action.objects.filter(state__in=Action.OPEN).values_list("pk", flat=True):
        Action.objects.filter(pk=key).update(**changes)


def all_settled() -> bool:
    return not Action.objects.filter(state__in=Action.OPEN).exists()


def test_workers_that_die_lose_and_double_nothing(
    steps: list[Action], amazon: Amazon, crew: Crew
) -> None:
    luck = random.Random(7)
    amazon.faults({"operation": "*", "kind": "latency", "seconds": 0.15, "times": 1000})
    for _ in range(KILLS):
        settled = Action.objects.exclude(state__in=Action.OPEN).count()
        worker = crew.start()
        more = settled + luck.randint(1, 4)
        wait_until(
            lambda more=more: (
                Action.objects.exclude(state__in=Action.OPEN).count() >= more or all_settled()
            ),
            "some writes",
        )
        crew.kill(worker)
        # What the dead worker had under way is looked for after three minutes.
        past = settling.ABANDONED_AFTER + dt.timedelta(seconds=1)
        sooner(sent_at=F("sent_at") - past, rung_at=None, not_before=None)
    amazon.faults()
    crew.start()

    def ended() -> bool:
        sooner(not_before=None)
        return all_settled()

    wait_until(ended, "the end of all writes")
    states = Action.objects.values_list("kind", "state").distinct()
    assert set(states) == {
        (kind.KIND.name, "accepted") for kind in (on_my_way, record_work, add_proof, complete)
    }
    assert ActionFile.objects.count() == 0
    for name in JOBS:
        assert amazon.job(name)["serviceJobStatus"] == "COMPLETED"
        lane = Action.objects.filter(job__service_job_id=name).order_by("turn")
        moments = [action.settled_at for action in lane if action.settled_at]
        assert moments == sorted(moments), "in order"
        data = amazon.job(name)["_sandbox"]["fulfillment"][f"{name}_visit"]
        assert {"estimatedArrivalTime", "fulfillmentTime"} <= data.keys()


def test_two_workers_keep_the_order(steps: list[Action], amazon: Amazon, crew: Crew) -> None:
    crew.start()
    crew.start()
    wait_until(all_settled, "the end of all writes")
    assert set(Action.objects.values_list("state", flat=True)) == {"accepted"}
    assert len(amazon.calls(COMPLETE)) == len(JOBS)
    assert len(amazon.calls(FULFIL)) == 3 * len(JOBS)


@pytest.fixture
def strict(amazon: Amazon) -> Iterator[Amazon]:
    """Amazon with its rate plans: a technician is assigned once a second, two at once at most."""
    amazon.control("settings", {"rateLimits": True})
    yield amazon
    amazon.control("settings", {"rateLimits": False})


def test_workers_keep_the_plan_and_a_click_goes_first(
    seller: Seller, bob: Person, strict: Amazon, crew: Crew, make_job: MakeJob
) -> None:
    start = timezone.now().replace(microsecond=0) + 24 * HOUR
    names = [f"JOB-{number:04}" for number in range(10)]
    made = []
    for name in names:
        visit = {
            "appointmentId": f"{name}_visit",
            "appointmentStatus": "ACTIVE",
            "appointmentTime": {"startTime": start.isoformat(), "durationInMinutes": 60},
        }
        made.append(make_job(name, serviceJobStatus="NOT_SERVICED", appointments=[visit]))
    strict.scenario(*made)
    jobs = [one_job.find_job(seller, name) for name in names]

    def chosen(name: str) -> dict[str, object]:
        return {"appointment_id": f"{name}_visit", "resource_ids": ["TECH-TOM"]}

    for name, job in zip(names[1:], jobs[1:], strict=True):
        hand_over(assign, person=bob, job=job, **chosen(name))
    crew.start()
    crew.start()
    wait_until(lambda: strict.calls(ASSIGN), "the first assignment")
    click = write(assign, person=bob, job=jobs[0], **chosen(names[0]))
    assert click.accepted, click.errors
    assert not all_settled(), "the worker's writes go on behind it"
    wait_until(all_settled, "the end of all writes")
    assert {action.accepted for action in Action.objects.all()} == {True}
    assert [call["status"] for call in strict.calls(ASSIGN)] == [200] * len(names)
