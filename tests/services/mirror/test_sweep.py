"""The night sweep: what looks missed is found, what Amazon lost is marked."""

from __future__ import annotations

import datetime as dt
import uuid
import zoneinfo
from typing import Any

import pytest
from django.utils import timezone

from dispatch.models import Seller, ServiceJob, SyncJob
from dispatch.services.mirror import pace, sync, tasks
from dispatch.services.mirror import sweep as sweeping
from dispatch.spapi import Services, ThrottledLocally
from tests.conftest import Amazon, MakeJob
from tests.services.mirror.world import (
    FIRST,
    SWEEP,
    held,
    task,
    vanish,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def sweep(seller: Seller) -> SyncJob:
    SyncJob.objects.filter(kind=SWEEP).update(next_run_at=timezone.now())
    claimed = tasks.claim(task(seller, SWEEP).pk, due=True)
    assert claimed is not None
    return sync.run(claimed)


def test_a_job_that_leaves_amazons_answer_is_marked_and_kept(
    loaded: Seller, amazon: Amazon
) -> None:
    vanish(amazon, "JOB-0001", "JOB-0002")
    before = Seller.objects.get().revision
    assert sweep(loaded).last_error == ""
    gone = ServiceJob.objects.filter(gone_at__isnull=False).order_by("service_job_id")
    assert [job.service_job_id for job in gone] == ["JOB-0001", "JOB-0002"]
    assert {job.status for job in gone} == {"GONE"}
    assert gone[0].buyer_data["name"] == "Jordan Example"
    assert Seller.objects.get().revision > before
    assert len(amazon.calls("getServiceJobByServiceJobId")) == 2, "only what was missing is asked"


def test_a_job_that_comes_back_is_as_it_was(loaded: Seller, amazon: Amazon) -> None:
    jobs = [{k: v for k, v in j.items() if k != "_sandbox"} for j in amazon.state()["jobs"]]
    vanish(amazon, "JOB-0001")
    sweep(loaded)
    amazon.scenario(*jobs)
    sweep(loaded)
    job = ServiceJob.objects.get(service_job_id="JOB-0001")
    assert (job.gone_at, job.status) == (None, "PENDING_SCHEDULE")


def test_what_a_look_for_changes_missed_is_found(loaded: Seller, amazon: Amazon) -> None:
    ServiceJob.objects.filter(service_job_id="JOB-0000").delete()
    ServiceJob.objects.filter(service_job_id="JOB-0001").update(status="HOLD", digest="other")
    sweep(loaded)
    assert ServiceJob.objects.get(service_job_id="JOB-0000").status == "PENDING_SCHEDULE"
    assert ServiceJob.objects.get(service_job_id="JOB-0001").status == "PENDING_SCHEDULE"


def test_open_jobs_are_swept_however_old_and_closed_ones_are_left(
    loaded: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    old = {"createTime": (timezone.now() - dt.timedelta(days=80)).isoformat()}
    amazon.scenario(
        make_job("OLD-OPEN", **old),
        make_job("OLD-LOST", **old),
        make_job("OLD-DONE", serviceJobStatus="COMPLETED", **old),
    )
    sync.start(loaded)
    sync.run(task(loaded, FIRST))
    assert {"OLD-OPEN", "OLD-LOST", "OLD-DONE"} <= set(held())
    vanish(amazon, "OLD-LOST", "OLD-DONE")
    sweep(loaded)
    status = dict(ServiceJob.objects.values_list("service_job_id", "status"))
    assert status["OLD-OPEN"] == "PENDING_SCHEDULE"
    assert status["OLD-LOST"] == "GONE"
    assert status["OLD-DONE"] == "COMPLETED"


def test_a_fault_during_the_sweep_marks_nothing(
    loaded: Seller, amazon: Amazon, impatient: None
) -> None:
    vanish(amazon, "JOB-0001")
    amazon.faults({"operation": "getServiceJobByServiceJobId", "kind": "status", "status": 500})
    assert "fault of its own" in sweep(loaded).last_error
    assert not ServiceJob.objects.exclude(gone_at=None).exists()


def test_an_unchanged_world_is_swept_without_a_write(loaded: Seller, amazon: Amazon) -> None:
    before = list(ServiceJob.objects.order_by("pk").values())
    revision = Seller.objects.get().revision
    sweep(loaded)
    assert list(ServiceJob.objects.order_by("pk").values()) == before
    assert Seller.objects.get().revision == revision


def test_a_sweep_waits_for_room_in_the_rate_plan(
    loaded: Seller, amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "LONGEST_NAP", 0.01)
    real, turned_away = Services.get_service_jobs, []

    def busy(self: Services, **filters: Any) -> Any:
        if len(turned_away) < 3:
            turned_away.append(filters)
            raise ThrottledLocally(30)
        return real(self, **filters)

    monkeypatch.setattr(Services, "get_service_jobs", busy)
    assert sweep(loaded).last_success_at is not None
    assert len(turned_away) == 3


def test_sweeps_are_at_night_each_seller_at_its_own_time(loaded: Seller) -> None:
    chicago = zoneinfo.ZoneInfo("America/Chicago")
    wait = sweep(loaded).next_run_at - timezone.now()
    assert dt.timedelta() < wait <= dt.timedelta(days=1)
    now, moments = timezone.now(), set()
    for number in range(20):
        other = Seller(pk=uuid.UUID(int=number * 7919), time_zone="America/Chicago")
        night = (now + pace.until_night(other, now)).astimezone(chicago)
        assert 1 <= night.hour < 5
        moments.add(night.time())
    assert len(moments) > 15
