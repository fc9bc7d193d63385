"""Sync: everything once, then what has changed; whatever goes wrong is said and made good."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
import zoneinfo
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from dispatch.models import Seller, ServiceJob, SyncJob
from dispatch.services.amazon.client import FAULTS
from dispatch.services.mirror import store, sync
from dispatch.spapi import SellingApiUnprocessableException, Services, ThrottledLocally
from tests.conftest import Amazon, MakeJob, run_due

pytestmark = [pytest.mark.django_db, pytest.mark.database]
ROOT = Path(__file__).resolve().parents[3]
FIRST, INCREMENTAL = SyncJob.Kind.FIRST_LOAD, SyncJob.Kind.INCREMENTAL
SWEEP = SyncJob.Kind.SWEEP
LIST = "getServiceJobs"


def task(seller: Seller, kind: SyncJob.Kind = INCREMENTAL) -> SyncJob:
    return SyncJob.objects.select_related("seller").get(seller=seller, kind=kind)


def due(seller: Seller) -> None:
    """Let the seller's first load and its look for changes be due now."""
    SyncJob.objects.filter(seller=seller, finished_at=None).exclude(kind=SWEEP).update(
        next_run_at=timezone.now()
    )


def world(amazon: Amazon, make_job: MakeJob, count: int) -> list[str]:
    created = timezone.now() - dt.timedelta(days=1)
    jobs = [
        make_job(f"JOB-{n:04}", createTime=(created + dt.timedelta(minutes=n)).isoformat())
        for n in range(count)
    ]
    amazon.scenario(*jobs)
    return [job["serviceJobId"] for job in jobs]


def held() -> list[str]:
    return sorted(ServiceJob.objects.values_list("service_job_id", flat=True))


def after_one_page(**fault: Any) -> tuple[dict[str, Any], ...]:
    """Faults that let the first page through and meet the second."""
    return (
        {"operation": LIST, "kind": "latency", "seconds": 0},
        {"operation": LIST, **fault},
    )


# --- First load -------------------------------------------------------------------------------


def test_a_first_load_brings_every_page_and_says_how_far_it_is(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    ids = world(amazon, make_job, 45)
    sync.start(seller)
    assert run_due() == 2
    assert held() == ids
    loaded = task(seller, FIRST)
    assert (loaded.done, loaded.total, loaded.page_token) == (45, 45, "")
    assert loaded.finished_at is not None
    seller.refresh_from_db()
    assert seller.synced_at is not None


def test_a_seller_without_jobs_is_loaded_too(seller: Seller, amazon: Amazon) -> None:
    sync.start(seller)
    run_due()
    assert task(seller, FIRST).finished_at is not None


def test_jobs_from_before_the_chosen_day_stay_away(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    world(amazon, make_job, 3)
    Seller.objects.update(sync_since=timezone.now())
    sync.start(Seller.objects.get())
    sync.run(task(seller, FIRST))
    assert held() == []


def test_an_interrupted_first_load_goes_on_where_it_stopped(
    seller: Seller, amazon: Amazon, make_job: MakeJob, impatient: None
) -> None:
    ids = world(amazon, make_job, 45)
    amazon.faults(*after_one_page(kind="status", status=500))
    sync.start(seller)
    sync.run(task(seller, FIRST))
    stopped = task(seller, FIRST)
    assert (stopped.done, stopped.total, stopped.finished_at) == (20, 45, None)
    assert stopped.page_token
    assert "fault of its own" in stopped.last_error
    sync.run(stopped)
    assert held() == ids
    assert task(seller, FIRST).done == 45
    assert [call["status"] for call in amazon.calls(LIST)] == [200, 500, 200, 200]


def test_a_page_token_that_is_no_longer_taken_starts_over(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    ids = world(amazon, make_job, 25)
    sync.start(seller)
    SyncJob.objects.filter(kind=FIRST).update(page_token="long ago", done=20, total=25)
    sync.run(task(seller, FIRST))
    assert held() == ids
    assert (task(seller, FIRST).done, task(seller, FIRST).last_error) == (25, "")


def test_starting_again_loads_from_scratch(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    world(amazon, make_job, 2)
    sync.start(seller)
    run_due()
    sync.start(seller)
    assert (task(seller, FIRST).done, task(seller, FIRST).finished_at) == (0, None)
    assert SyncJob.objects.count() == len(SyncJob.Kind)
    run_due()
    assert task(seller, FIRST).done == 2


def test_a_finished_first_load_is_not_due_again(seller: Seller, amazon: Amazon) -> None:
    sync.start(seller)
    run_due()
    assert task(seller, FIRST).next_run_at > timezone.now() + dt.timedelta(days=365)


# --- What has changed -------------------------------------------------------------------------


@pytest.fixture
def loaded(seller: Seller, amazon: Amazon, make_job: MakeJob) -> Seller:
    """A seller with three jobs in the mirror."""
    world(amazon, make_job, 3)
    sync.start(seller)
    run_due()
    return Seller.objects.get(pk=seller.pk)


def test_only_what_has_changed_is_asked_for_with_an_overlap(
    loaded: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.control("jobs", make_job("JOB-0001", storeId="NEW-STORE"))
    amazon.control("jobs", make_job("JOB-9999"))
    refreshed = sync.refresh_now(loaded)
    assert refreshed is not None
    assert refreshed.last_error == ""
    assert "JOB-9999" in held()
    assert ServiceJob.objects.get(service_job_id="JOB-0001").store_id == "NEW-STORE"


def test_each_look_reaches_back_behind_the_last(loaded: Seller, amazon: Amazon) -> None:
    before = loaded.synced_at
    sync.refresh_now(loaded)
    loaded.refresh_from_db()
    assert before is not None
    assert loaded.synced_at is not None
    assert loaded.synced_at > before
    assert timezone.now() - loaded.synced_at < sync.OVERLAP


def test_a_job_changed_just_before_the_last_look_is_not_missed(
    loaded: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.control("jobs", make_job("JOB-9999"))
    Seller.objects.update(synced_at=timezone.now() + dt.timedelta(seconds=60))
    sync.refresh_now(Seller.objects.get())
    assert "JOB-9999" in held()


def test_many_changes_come_page_by_page(loaded: Seller, amazon: Amazon, make_job: MakeJob) -> None:
    amazon.control("jobs", [make_job(f"NEW-{n:04}") for n in range(45)])
    sync.refresh_now(loaded)
    assert len(held()) == 48


def test_changes_wait_for_the_first_load(seller: Seller, amazon: Amazon) -> None:
    sync.refresh_now(seller)
    assert amazon.calls(LIST) == []
    assert task(seller).next_run_at < timezone.now() + dt.timedelta(seconds=5)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-24T13:00:00Z", dt.timedelta(minutes=1)),  # 7:00 in Chicago
        ("2026-11-25T01:59:00Z", dt.timedelta(minutes=1)),  # 19:59
        ("2026-11-25T02:00:00Z", dt.timedelta(minutes=10)),  # 20:00
        ("2026-11-24T12:59:00Z", dt.timedelta(minutes=10)),  # 6:59
    ],
)
def test_the_pace_is_that_of_the_sellers_day(
    seller: Seller, moment: str, expected: dt.timedelta
) -> None:
    paces = [sync.pace(seller, dt.datetime.fromisoformat(moment)) for _ in range(50)]
    assert expected * 0.8 <= min(paces) < max(paces) <= expected, "spread, but never slower"


# --- The night sweep ----------------------------------------------------------------------------


def sweep(seller: Seller) -> SyncJob:
    SyncJob.objects.filter(kind=SWEEP).update(next_run_at=timezone.now())
    claimed = sync.claim(task(seller, SWEEP).pk, due=True)
    assert claimed is not None
    return sync.run(claimed)


def vanish(amazon: Amazon, *service_job_ids: str) -> None:
    """Amazon forgets these jobs."""
    kept = [job for job in amazon.state()["jobs"] if job["serviceJobId"] not in service_job_ids]
    amazon.scenario(*({k: v for k, v in job.items() if k != "_sandbox"} for job in kept))


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


def test_sweeps_are_at_night_each_seller_at_its_own_time(loaded: Seller) -> None:
    chicago = zoneinfo.ZoneInfo("America/Chicago")
    wait = sweep(loaded).next_run_at - timezone.now()
    assert dt.timedelta() < wait <= dt.timedelta(days=1)
    now, moments = timezone.now(), set()
    for number in range(20):
        other = Seller(pk=uuid.UUID(int=number * 7919), time_zone="America/Chicago")
        night = (now + sync.until_night(other, now)).astimezone(chicago)
        assert 1 <= night.hour < 5
        moments.add(night.time())
    assert len(moments) > 15


def test_a_sweep_waits_for_room_in_the_rate_plan(
    loaded: Seller, amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "LONGEST_NAP", 0.01)
    real, turned_away = Services.get_service_jobs, []

    def busy(self: Services, **filters: Any) -> Any:
        if len(turned_away) < 3:
            turned_away.append(filters)
            raise ThrottledLocally(30)
        return real(self, **filters)

    monkeypatch.setattr(Services, "get_service_jobs", busy)
    assert sweep(loaded).last_success_at is not None
    assert len(turned_away) == 3


def test_a_process_that_ends_leaves_a_first_load_where_it_is(
    seller: Seller, amazon: Amazon, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PAGES_AT_ONCE", 1)
    ids = world(amazon, make_job, 45)
    sync.start(seller)
    sync.stopping.set()
    try:
        claimed = sync.claim(task(seller, FIRST).pk)
        assert claimed is not None
        sync.run(claimed)
    finally:
        sync.stopping.clear()
    stopped = task(seller, FIRST)
    assert (stopped.done, stopped.lease_until, stopped.finished_at) == (20, None, None)
    assert stopped.next_run_at <= timezone.now()
    sync.run(stopped)
    assert held() == ids
    assert len(amazon.calls(LIST)) == 3


# --- One job ----------------------------------------------------------------------------------


def test_a_job_that_amazon_does_not_know_any_more_is_marked_when_read(
    loaded: Seller, amazon: Amazon
) -> None:
    vanish(amazon, "JOB-0001")
    with pytest.raises(SellingApiUnprocessableException):
        sync.refresh_job(ServiceJob.objects.get(service_job_id="JOB-0001"))
    assert ServiceJob.objects.get(service_job_id="JOB-0001").status == "GONE"


def test_a_slow_answer_does_not_mark_what_has_been_seen_since(
    loaded: Seller, amazon: Amazon
) -> None:
    job = ServiceJob.objects.get(service_job_id="JOB-0001")
    store.mark_gone(job, at=job.fetched_at - dt.timedelta(seconds=1))
    assert ServiceJob.objects.get(pk=job.pk).gone_at is None


def test_one_job_is_read_at_once(loaded: Seller, amazon: Amazon, make_job: MakeJob) -> None:
    job = ServiceJob.objects.get(service_job_id="JOB-0001")
    amazon.control("jobs", make_job("JOB-0001", storeId="NEW-STORE"))
    fresh = sync.refresh_job(job)
    assert fresh.store_id == "NEW-STORE"


def test_an_unchanged_job_is_seen_to_be_fresh(loaded: Seller, amazon: Amazon) -> None:
    job = ServiceJob.objects.get(service_job_id="JOB-0001")
    fresh = sync.refresh_job(job)
    assert fresh.fetched_at > job.fetched_at
    assert fresh.changed_at == job.changed_at


def test_a_pasted_id_is_found_at_amazon(seller: Seller, amazon: Amazon, make_job: MakeJob) -> None:
    amazon.scenario(make_job("JOB-7"))
    found = sync.find_job(seller, "JOB-7")
    assert found is not None
    assert found.title == "TV wall mounting, 65 inch"


def test_an_id_that_amazon_does_not_know_is_amazons_refusal(seller: Seller, amazon: Amazon) -> None:
    with pytest.raises(SellingApiUnprocessableException):
        sync.find_job(seller, "JOB-404")


@pytest.mark.parametrize("nonsense", ["", ".", "..", "\0", "a/../b", "?", "{serviceJobId}", "😀"])
def test_a_nonsense_id_is_no_job(seller: Seller, amazon: Amazon, nonsense: str) -> None:
    with contextlib.suppress(FAULTS):
        assert sync.find_job(seller, nonsense) is None


# --- What goes wrong --------------------------------------------------------------------------


def test_a_revoked_authorisation_is_said_and_mends_itself(loaded: Seller, amazon: Amazon) -> None:
    before = loaded.synced_at
    amazon.control("tokens", {"state": "revoked", "expireAccessTokens": True})
    sync.refresh_now(loaded)
    loaded.refresh_from_db()
    assert loaded.state == Seller.State.REVOKED
    assert "authorise again" in loaded.state_detail
    assert loaded.synced_at == before
    assert "authorise again" in task(loaded).last_error
    amazon.control("tokens", {"state": "active"})
    sync.refresh_now(loaded)
    loaded.refresh_from_db()
    assert (loaded.state, loaded.state_detail) == (Seller.State.CONNECTED, "")
    assert task(loaded).last_error == ""
    assert before is not None
    assert loaded.synced_at is not None
    assert loaded.synced_at > before


def test_a_missing_role_is_said_and_mends_itself(loaded: Seller, amazon: Amazon) -> None:
    amazon.control("tokens", {"role": "lost"})
    sync.refresh_now(loaded)
    loaded.refresh_from_db()
    assert loaded.state == Seller.State.NO_ROLE
    assert "Professional Services" in task(loaded).last_error
    amazon.control("tokens", {"role": "granted"})
    sync.refresh_now(loaded)
    loaded.refresh_from_db()
    assert loaded.state == Seller.State.CONNECTED


def test_a_wrong_secret_is_said(seller: Seller, amazon: Amazon) -> None:
    seller.client_secret = "wrong"
    seller.synced_at = timezone.now()
    seller.save()
    sync.refresh_now(seller)
    seller.refresh_from_db()
    assert seller.state == Seller.State.WRONG_SECRET
    assert "client id or secret" in task(seller).last_error


def test_missing_credentials_are_said(seller: Seller, amazon: Amazon) -> None:
    seller.refresh_token = ""
    seller.synced_at = timezone.now()
    seller.save()
    sync.refresh_now(seller)
    assert "incomplete" in task(seller).last_error


def test_credentials_that_do_not_open_are_said(
    seller: Seller, amazon: Amazon, settings: Any
) -> None:
    Seller.objects.update(synced_at=timezone.now())
    settings.FIELD_KEYS = (b"n" * 32,)
    sync.refresh_now(Seller.objects.get())
    assert "this server's keys" in task(seller).last_error


def test_a_disconnected_seller_is_left_alone(loaded: Seller, amazon: Amazon) -> None:
    Seller.objects.update(state=Seller.State.DISCONNECTED)
    asked = len(amazon.calls(LIST))
    due(loaded)
    assert run_due() == 1
    assert len(amazon.calls(LIST)) == asked
    loaded.refresh_from_db()
    assert loaded.state == Seller.State.DISCONNECTED


TOLD: list[tuple[dict[str, Any], str]] = [
    ({"kind": "status", "status": 400}, "internal error"),
    ({"kind": "status", "status": 429}, "too many requests"),
    ({"kind": "status", "status": 500}, "fault of its own"),
    ({"kind": "status", "status": 503}, "fault of its own"),
    ({"kind": "drop"}, "could not be reached"),
    ({"kind": "html", "status": 503}, "fault of its own"),
    ({"kind": "html", "status": 200}, ""),
    ({"kind": "empty", "status": 200}, ""),
    ({"kind": "garbage_json", "status": 200}, ""),
    ({"kind": "errors_200"}, ""),
    ({"kind": "array", "status": 200}, ""),
]


@pytest.mark.parametrize(("fault", "words"), TOLD)
def test_a_fault_leaves_the_mirror_as_it_was_and_is_said(
    loaded: Seller, amazon: Amazon, impatient: None, fault: dict[str, Any], words: str
) -> None:
    before = list(ServiceJob.objects.order_by("pk").values())
    amazon.faults({"operation": LIST, "times": 1, **fault})
    refreshed = sync.refresh_now(loaded)
    assert refreshed is not None
    assert refreshed.last_error
    assert words in refreshed.last_error
    assert (refreshed.attempts, refreshed.lease_until) == (1, None)
    assert list(ServiceJob.objects.order_by("pk").values()) == before
    assert Seller.objects.get().synced_at == loaded.synced_at
    again = sync.refresh_now(loaded)
    assert again is not None
    assert (again.last_error, again.attempts) == ("", 0)


def test_a_refused_connection_is_said(
    loaded: Seller, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SP_API_ENDPOINT", "http://127.0.0.1:9")
    refreshed = sync.refresh_now(loaded)
    assert refreshed is not None
    assert "could not be reached" in refreshed.last_error


def test_failures_back_off_and_success_returns_to_the_pace(
    loaded: Seller, amazon: Amazon, impatient: None
) -> None:
    amazon.faults({"operation": LIST, "kind": "status", "status": 500, "times": 7})
    waits = []
    for _ in range(7):
        refreshed = sync.refresh_now(loaded)
        assert refreshed is not None
        waits.append(round((refreshed.next_run_at - timezone.now()).total_seconds()))
    assert waits == [30, 60, 120, 240, 480, 600, 600]
    sync.refresh_now(loaded)
    assert task(loaded).next_run_at - timezone.now() <= sync.QUIET_PACE
    assert task(loaded).attempts == 0


def test_a_fault_between_pages_keeps_what_came_and_asks_again(
    loaded: Seller, amazon: Amazon, make_job: MakeJob, impatient: None
) -> None:
    amazon.control("jobs", [make_job(f"NEW-{n:04}") for n in range(25)])
    amazon.faults(*after_one_page(kind="status", status=500))
    sync.refresh_now(loaded)
    assert Seller.objects.get().synced_at == loaded.synced_at
    sync.refresh_now(loaded)
    assert len(held()) == 28


def test_one_sellers_fault_does_not_hold_up_another(
    loaded: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    broken = Seller.objects.create(
        owner=loaded.owner, name="A", marketplace_id=loaded.marketplace_id
    )
    sync.start(broken)
    amazon.control("jobs", make_job("JOB-9999"))
    due(loaded)
    run_due()
    assert "JOB-9999" in held()
    assert "incomplete" in task(broken, FIRST).last_error


# --- Answers that no sandbox gives ------------------------------------------------------------

Answer = Callable[[dict[str, str]], Any]


@pytest.fixture
def odd_amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Answer]]:
    """A server that lists jobs as the test's function says; the list is empty at first."""
    answers: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = {"access_token": "Atza|odd", "token_type": "bearer", "expires_in": 3600}
            if not self.path.startswith("/token"):
                body = answers[0]({"path": self.path})
            raw = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("SP_API_ENDPOINT", url)
    monkeypatch.setenv("SP_API_TOKEN_URL", f"{url}/token")
    yield answers
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind", [FIRST, INCREMENTAL])
@pytest.mark.parametrize("tokens", [["A", "A"], ["A", "B", "A", "B"]])
def test_tokens_that_go_in_a_circle_come_to_an_end(
    seller: Seller,
    odd_amazon: list[Answer],
    make_job: MakeJob,
    impatient: None,
    kind: SyncJob.Kind,
    tokens: list[str],
) -> None:
    asked = []

    def answer(request: dict[str, str]) -> Any:
        asked.append(request["path"])
        assert len(asked) < 30, "it goes round for ever"
        token = tokens[(len(asked) - 1) % len(tokens)]
        return {"payload": {"nextPageToken": token, "jobs": [make_job()], "totalResultSize": 1}}

    odd_amazon.append(answer)
    sync.start(seller)
    Seller.objects.update(synced_at=timezone.now())
    done = sync.run(task(seller, kind))
    assert done.last_error == ""
    assert len(asked) <= len(tokens) + 1
    assert held() == ["JOB-0001"]


@pytest.mark.parametrize("kind", [FIRST, INCREMENTAL])
@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"payload": None},
        {"payload": []},
        {"payload": [1, 2]},
        {"payload": {"jobs": None}},
        {"payload": {"jobs": {"a": 1}}},
        {"payload": {"jobs": 7, "totalResultSize": "many"}},
        {"payload": {"jobs": "text", "nextPageToken": 7}},
        {"payload": {"jobs": [None, 1, {}], "totalResultSize": 10**20}},
        {"payload": {"jobs": [], "nextPageToken": "more"}},
        {"payload": {"jobs": [], "totalResultSize": -5}},
        {"jobs": []},
    ],
)
def test_an_answer_of_another_shape_never_stops_the_worker(
    seller: Seller, odd_amazon: list[Answer], impatient: None, kind: SyncJob.Kind, answer: Any
) -> None:
    odd_amazon.append(lambda _: answer)
    sync.start(seller)
    Seller.objects.update(synced_at=timezone.now())
    done = sync.run(task(seller, kind))
    assert done.lease_until is None
    assert held() == []


# --- Who runs what ----------------------------------------------------------------------------


def test_a_task_is_claimed_once(loaded: Seller) -> None:
    mine = sync.claim(task(loaded).pk)
    assert mine is not None
    assert sync.claim(mine.pk) is None
    assert sync.refresh_now(loaded) is None


def test_a_dead_workers_lease_runs_out(loaded: Seller) -> None:
    sync.claim(task(loaded).pk)
    due(loaded)
    assert run_due() == 0
    SyncJob.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert run_due() == 1
    assert task(loaded).lease_until is None


def test_a_claimed_task_that_is_gone_is_nobodys(loaded: Seller) -> None:
    assert sync.claim(4711) is None


def test_a_task_not_due_is_not_run(loaded: Seller) -> None:
    assert run_due() == 0


def test_a_seller_deleted_meanwhile_is_no_trouble(loaded: Seller, amazon: Amazon) -> None:
    claimed = sync.claim(task(loaded).pk)
    assert claimed is not None
    SyncJob.objects.filter(pk=claimed.pk).delete()
    sync.run(claimed)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_run_the_same_task(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    world(amazon, make_job, 3)
    sync.start(seller)
    SyncJob.objects.filter(kind=INCREMENTAL).delete()
    amazon.faults({"operation": LIST, "kind": "latency", "seconds": 0.2})
    ran: list[int] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        ran.append(run_due())
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(ran) == [0, 0, 0, 1]
    assert len(amazon.calls(LIST)) == 1


def test_a_task_another_worker_has_just_finished_is_not_run_again(
    loaded: Seller, amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    due(loaded)
    claim, overtaken = sync.claim, []

    def late(task_id: int, **how: Any) -> SyncJob | None:
        if not overtaken:
            overtaken.append(task_id)
            assert run_due() == 1
        return claim(task_id, **how)

    monkeypatch.setattr(sync, "claim", late)
    assert run_due() == 0


# --- The worker -------------------------------------------------------------------------------


def database_url() -> str:
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    return (
        f"postgres://{config['USER']}:{config['PASSWORD']}@{config['HOST'] or '127.0.0.1'}"
        f":{config['PORT'] or 5432}/{config['NAME']}"
    )


@pytest.mark.django_db(transaction=True)
def test_the_worker_fills_the_mirror_and_stops_when_asked(
    seller: Seller, amazon: Amazon, make_job: MakeJob, tmp_path: Path
) -> None:
    ids = world(amazon, make_job, 3)
    sync.start(seller)
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "dispatch.settings",
            "DATABASE_URL": database_url(),
            "SECRET_KEY": django_settings.SECRET_KEY,
            "QUEUE_URL": f"sqlite:///{tmp_path}/queue.sqlite3",
            "DISPATCH_DEMO": "true",
            "SP_API_CONSENT_URL": amazon.url,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 30
        while held() != ids and time.monotonic() < deadline and worker.poll() is None:
            time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=20)
    finally:
        worker.kill()
    assert held() == ids, err
    assert worker.returncode == 0
    assert "worker: ready" in out
    assert "Atzr" not in out + err


def test_a_worker_that_was_too_slow_leaves_the_task_to_who_took_over(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.scenario(make_job())
    sync.start(seller)
    pk = SyncJob.objects.get(kind="first_load").pk
    slow = sync.claim(pk)
    assert slow is not None
    taken_over = timezone.now() + dt.timedelta(minutes=1)
    SyncJob.objects.filter(pk=pk).update(lease_until=taken_over)
    sync.run(slow)
    task = SyncJob.objects.get(pk=pk)
    assert task.lease_until == taken_over
    assert task.finished_at is None
