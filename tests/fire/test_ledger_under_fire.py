"""Every write under every fault, through the services: what the ledger says, at once and later."""

from __future__ import annotations

import datetime as dt
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from dispatch import spapi
from dispatch.models import Action, RateBucket, Seller, ServiceJob, SyncJob
from dispatch.services.amazon.throttle import DatabaseThrottle
from dispatch.services.mirror import sync
from dispatch.services.writes import settling
from dispatch.services.writes.kinds import KINDS
from tests.conftest import Amazon, run_due
from tests.fire import world
from tests.fire.conftest import Writes, later
from tests.fire.test_faults import FAULTS
from tests.fire.world import KEPT, LATER, NEW, SET, SOON, TRIES, VISIT, Naps, iso
from tests.limits import AT_ONCE, HASTY, PATIENCE, wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.database]

ACCEPTED, WARNED = Action.State.ACCEPTED, Action.State.WARNED
REFUSED, UNKNOWN = Action.State.REFUSED, Action.State.UNKNOWN
REPEATED, SHOWN, SILENT = range(3)

OPERATIONS = {
    "add": "addAppointmentForServiceJobByServiceJobId",
    "reschedule": "rescheduleAppointmentForServiceJobByServiceJobId",
    "assign": "assignAppointmentResources",
    "complete": "completeServiceJobByServiceJobId",
    "cancel": "cancelServiceJobByServiceJobId",
    "arrival": "setAppointmentFulfillmentData",
    "work": "setAppointmentFulfillmentData",
    "proof": "setAppointmentFulfillmentData",
    "schedule": "updateSchedule",
    "reserve": "createReservation",
    "change": "updateReservation",
    "release": "cancelReservation",
}
SORTS = {
    # The client may send these again by itself.
    **dict.fromkeys(
        ("assign", "complete", "cancel", "arrival", "work", "proof", "schedule"), REPEATED
    ),
    # Sent once; Amazon shows later whether it was done.
    **dict.fromkeys(("add", "reschedule", "reserve"), SHOWN),
    # Sent once, and no operation shows it; a repeat may hit another reservation.
    **dict.fromkeys(("change", "release"), SILENT),
}
TOO_MANY = "too many requests"
UNREACHED = "Nothing was changed"
SAFE = "safe to send it again"
LOOK = "before you send it again"
AUTHORISE = "The owner has to authorise again"
OWN_FAULT = "We encountered an internal error"


@dataclass(frozen=True)
class Story:
    """The action's state right away and after a while, its words then, and Amazon's side."""

    now: Action.State
    later: Action.State
    done: bool
    words: str = ""


def no(words: str) -> Story:
    return Story(REFUSED, REFUSED, done=False, words=words)


yes = Story(ACCEPTED, ACCEPTED, done=True)
lost = Story(UNKNOWN, REFUSED, done=False, words=SAFE)
found = Story(UNKNOWN, ACCEPTED, done=True)
unseen = Story(UNKNOWN, REFUSED, done=True, words=LOOK)
silent = Story(UNKNOWN, REFUSED, done=False, words=LOOK)

# fmt: off
TABLE: dict[str, tuple[Story, Story, Story]] = {
    # fault              the client may repeat    Amazon shows it    nobody shows it
    "429 once":         (yes,                     yes,               yes),
    "429 always":       (no(TOO_MANY),) * 3,
    "500 once":         (yes,                     lost,              silent),
    "503 always":       (lost,                    lost,              silent),
    "401 once":         (yes,                     yes,               yes),
    "403 expired":      (yes,                     yes,               yes),
    "revoked":          (no(AUTHORISE),) * 3,
    "nobody listens":   (no(UNREACHED),) * 3,
    "answers too late": (yes,                     found,             unseen),
    "cut before":       (yes,                     lost,              silent),
    "cut after":        (yes,                     yes,               unseen),
    "html":             (lost,                    lost,              silent),
    "empty":            (lost,                    lost,              silent),
    "cut json":         (lost,                    lost,              silent),
    "huge":             (lost,                    lost,              silent),
    "bare array":       (no(OWN_FAULT),) * 3,
    "errors in a 200":  (no(OWN_FAULT),) * 3,
}
# fmt: on

EXCEPTIONS = {
    # The repeat overrides the hours that the first one set, and Amazon warns of that.
    ("schedule", "cut after"): Story(WARNED, WARNED, done=True),
}


def held(amazon: Amazon, name: str, *, done: bool) -> bool:
    """Whether Amazon's side is as it was, or as it should be after exactly one such write."""
    state = amazon.state()
    if not done and name in ("arrival", "work", "proof"):
        return world.job(state, SET)["_sandbox"]["fulfillment"] == {}
    tried = TRIES[OPERATIONS[name]]
    return tried.after(state) if done else tried.before(state)


def words(action: Action) -> str:
    return " ".join(error["message"] for error in action.errors)


@pytest.fixture
def closed_port() -> Iterator[str]:
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{placeholder.getsockname()[1]}"


@pytest.fixture
def burn(
    amazon: Amazon, brisk: dict[str, Any], closed_port: str, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Set a fault for the next calls of a write's operation."""

    def light(name: str, fault: str) -> None:
        if fault == "nobody listens":
            monkeypatch.setenv("SP_API_ENDPOINT", closed_port)
        if fault == "answers too late":
            brisk["timeout"] = (PATIENCE, HASTY)
        if fault == "403 expired":
            amazon.control("tokens", {"expireAccessTokens": True})
        if fault == "revoked":
            amazon.control("tokens", {"state": "revoked"})
        if fault in FAULTS:
            amazon.faults({"operation": OPERATIONS[name], **FAULTS[fault]})

    return light


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("fault", TABLE)
def test_write_under_fault(
    name: str, fault: str, writes: Writes, amazon: Amazon, burn: Any, brisk: dict[str, Any]
) -> None:
    story = EXCEPTIONS.get((name, fault)) or TABLE[fault][SORTS[name]]
    burn(name, fault)

    action = writes.send(name)

    assert action.state == story.now, action.errors
    if story.now == REFUSED:
        assert story.words in words(action)

    # Amazon is itself again, and a while passes.
    if fault == "answers too late":
        world.calls_once_quiet(amazon, OPERATIONS[name], 2 if SORTS[name] == REPEATED else 1)
    amazon.faults()
    brisk["timeout"] = (PATIENCE, PATIENCE)
    assert later() == (story.now == UNKNOWN)
    action.refresh_from_db()
    assert action.state == story.later
    assert story.words in words(action)
    assert held(amazon, name, done=story.done), "Amazon holds something else"
    assert settling.settle_open() == 0


def test_the_table_knows_every_write() -> None:
    assert set(SORTS) == set(OPERATIONS)
    assert len(OPERATIONS) == len(KINDS)


SENT_AGAIN = [
    (name, fault)
    for name in ("add", "reschedule", "reserve", "assign", "complete", "cancel")
    for fault in ("cut before", "503 always", "html")
    if TABLE[fault][SORTS[name]] == lost
]


@pytest.mark.parametrize(("name", "fault"), SENT_AGAIN)
def test_what_is_called_safe_to_send_again_is(
    name: str, fault: str, writes: Writes, amazon: Amazon, burn: Any
) -> None:
    burn(name, fault)
    action = writes.send(name)
    assert action.state == UNKNOWN
    amazon.faults()
    later()
    assert writes.send(name).state == ACCEPTED
    assert held(amazon, name, done=True)


def test_a_proof_is_safe_to_send_again(writes: Writes, amazon: Amazon, burn: Any) -> None:
    burn("proof", "503 always")
    assert writes.send("proof").state == UNKNOWN
    amazon.faults()
    later()
    assert writes.send("proof").state == ACCEPTED
    [put] = world.job(amazon.state(), SET)["_sandbox"]["fulfillment"].values()
    assert len(put["fulfillmentDocuments"]) == 1


@pytest.mark.parametrize("name", ["add", "reschedule", "complete", "assign", "reserve"])
@pytest.mark.parametrize("fault", ["cut after", "cut before", "answers too late"])
def test_the_same_key_is_never_sent_again(
    name: str, fault: str, writes: Writes, amazon: Amazon, burn: Any
) -> None:
    burn(name, fault)
    key = uuid.uuid4()
    first = writes.send(name, key)
    arrived = len(world.calls_once_quiet(amazon, OPERATIONS[name], 1))
    amazon.faults()
    again = writes.send(name, key)
    assert again.pk == first.pk
    later()
    assert writes.send(name, key).pk == first.pk
    at_most = arrived + (fault == "answers too late")
    assert arrived <= len(amazon.calls(OPERATIONS[name])) <= at_most


# --- A time-out is not a verdict ---------------------------------------------------------------


def test_a_write_that_times_out_is_not_called_undone_while_amazon_may_still_do_it(
    writes: Writes, amazon: Amazon, burn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time-out is as long as Amazon's time to show a write: it must not use that up."""
    monkeypatch.setattr(settling, "SETTLE_AFTER", dt.timedelta(seconds=HASTY))
    burn("reschedule", "answers too late")
    assert writes.send("reschedule").state in (UNKNOWN, ACCEPTED)


@pytest.mark.parametrize("name", ["add", "reschedule", "reserve"])
def test_it_is_found_as_soon_as_amazon_shows_it(
    name: str, writes: Writes, amazon: Amazon, burn: Any
) -> None:
    burn(name, "answers too late")
    action = writes.send(name)
    assert action.state == UNKNOWN
    amazon.faults()

    def settled() -> bool:
        settling.settle_open()
        action.refresh_from_db()
        return action.state != UNKNOWN

    wait_until(settled, "what Amazon has done was not seen, which")
    assert action.state == ACCEPTED
    assert action.errors == []


# --- A refusal after a lost answer proves nothing -----------------------------------------------


@pytest.mark.parametrize("name", ["complete", "cancel"])
def test_a_refusal_of_our_own_repeat_is_not_told_as_one(
    name: str, writes: Writes, amazon: Amazon, burn: Any
) -> None:
    burn(name, "cut after")
    action = writes.send(name)
    assert [call["status"] for call in amazon.calls(OPERATIONS[name])] == [200, 422]
    assert action.state == ACCEPTED
    assert action.errors == []


def test_nor_is_it_while_nobody_can_look(writes: Writes, amazon: Amazon) -> None:
    amazon.faults(
        {"operation": OPERATIONS["complete"], "kind": "drop_after_commit"},
        {
            "operation": "getServiceJobByServiceJobId",
            "kind": "status",
            "status": 503,
            "times": None,
        },
    )
    action = writes.send("complete")
    assert action.state == UNKNOWN
    assert later() == 0
    action.refresh_from_db()
    assert action.state == UNKNOWN
    amazon.faults()
    assert settling.settle_open() == 1
    action.refresh_from_db()
    assert action.state == ACCEPTED


# --- Answers of another shape -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["add", "reschedule", "reserve"])
def test_an_answer_without_the_id_it_owes_proves_nothing(
    name: str, writes: Writes, amazon: Amazon
) -> None:
    amazon.faults({"operation": OPERATIONS[name], "kind": "wrong_types"})
    action = writes.send(name)
    assert action.state == UNKNOWN
    later()
    action.refresh_from_db()
    assert action.state == REFUSED
    assert SAFE in words(action)
    assert held(amazon, name, done=False)


@pytest.mark.parametrize("operation", ["getServiceJobByServiceJobId", "getRangeSlotCapacity"])
@pytest.mark.parametrize("kind", ["wrong_types", "array", "huge", "html", "errors_200"])
def test_looking_survives_any_answer(
    operation: str, kind: str, writes: Writes, amazon: Amazon
) -> None:
    name = "reserve" if operation == "getRangeSlotCapacity" else "reschedule"
    amazon.faults(
        {"operation": OPERATIONS[name], "kind": "drop_after_commit"},
        {"operation": operation, "kind": kind, "status": 200, "times": None},
    )
    action = writes.send(name)
    assert action.state == UNKNOWN
    assert settling.settle_open() == 0
    amazon.faults()
    assert settling.settle_open() == 1
    action.refresh_from_db()
    assert action.state == ACCEPTED


def test_one_row_that_breaks_does_not_keep_the_others_open(
    writes: Writes, amazon: Amazon, burn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    burn("add", "answers too late")
    odd = writes.send("add")
    burn("reschedule", "answers too late")
    sound = writes.send("reschedule")
    world.calls_once_quiet(amazon, OPERATIONS["add"], 1)
    world.calls_once_quiet(amazon, OPERATIONS["reschedule"], 1)
    Action.objects.filter(pk=odd.pk).update(payload={})
    assert settling.settle_open() == 1
    sound.refresh_from_db()
    assert sound.state == ACCEPTED

    def gone(*_: Any, **__: Any) -> bool:
        raise DatabaseError

    monkeypatch.setattr(settling, "settle", gone)
    with pytest.raises(DatabaseError):
        settling.settle_open()


def test_a_time_reserved_in_part_is_not_our_reservation(
    writes: Writes, amazon: Amazon, burn: Any
) -> None:
    burn("reserve", "cut before")
    half = {"startTime": iso(SOON), "endTime": iso(SOON + dt.timedelta(minutes=30))}
    state = amazon.state()
    amazon.scenario(
        *[{k: v for k, v in job.items() if k != "_sandbox"} for job in state["jobs"]],
        reservations=[
            {
                "resourceId": "TECH-TOM",
                "reservation": {"reservationId": "9", "type": "BREAK", "availability": half},
            }
        ],
    )
    action = writes.send("reserve")
    assert action.state == UNKNOWN
    later()
    action.refresh_from_db()
    assert action.state == REFUSED


def test_amazons_errors_in_a_200_are_kept_word_by_word(
    writes: Writes, amazon: Amazon, burn: Any
) -> None:
    burn("reserve", "errors in a 200")
    action = writes.send("reserve")
    assert action.errors[0]["code"] == "InternalFailure"
    assert action.status_code == 200


# --- A proof's own way --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["status", "drop"])
def test_an_upload_that_fails_once_gets_a_new_address(
    kind: str, writes: Writes, amazon: Amazon
) -> None:
    amazon.faults({"operation": "upload", "kind": kind, "status": 503})
    assert writes.send("proof").state == ACCEPTED
    assert len(amazon.calls(OPERATIONS["proof"])) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"operation": "upload", "kind": "status", "status": 503},
        {"operation": "upload", "kind": "drop"},
        {"operation": "createServiceDocumentUploadDestination", "kind": "status", "status": 503},
        {"operation": "createServiceDocumentUploadDestination", "kind": "drop"},
        {"operation": "createServiceDocumentUploadDestination", "kind": "html", "status": 200},
        {"operation": "createServiceDocumentUploadDestination", "kind": "wrong_types"},
    ],
    ids=lambda fault: f"{fault['operation'][:6]}-{fault['kind']}",
)
def test_a_proof_that_did_not_get_there_is_refused_at_once(
    fault: dict[str, Any], writes: Writes, amazon: Amazon
) -> None:
    """Nothing was put on the appointment, so there is nothing to wait for."""
    amazon.faults({**fault, "times": None})
    action = writes.send("proof")
    assert action.state == REFUSED
    assert words(action)
    assert amazon.calls(OPERATIONS["proof"]) == []


# --- The rate plan ------------------------------------------------------------------------------


STOPPED = 1_800_000_000.0
"""The database's clock, in seconds: it stands still, so no token comes back by itself."""


@pytest.fixture
def throttle(
    brisk: dict[str, Any], naps: Naps, monkeypatch: pytest.MonkeyPatch
) -> DatabaseThrottle:
    for clock, now in (("_SQLITE_NOW", f"{STOPPED}"), ("_SERVER_NOW", f"{STOPPED}::float8")):
        monkeypatch.setattr(f"dispatch.services.amazon.throttle.{clock}", now)
    brisk["throttle"] = DatabaseThrottle(sleep=naps.sleep, slack=0)
    return brisk["throttle"]  # type: ignore[no-any-return]


def test_a_wait_of_more_than_two_seconds_is_told_at_once(
    writes: Writes, amazon: Amazon, throttle: DatabaseThrottle, naps: Naps
) -> None:
    """Assigning: one a second, two at once."""
    for _ in range(4):
        assert writes.send("assign").state == ACCEPTED
    assert 0.5 < naps[-1] <= 2
    before, slept = time.monotonic(), list(naps)
    action = writes.send("assign")
    assert action.state == REFUSED
    assert "Too many requests just now; try again in" in words(action)
    assert naps == slept
    assert time.monotonic() - before < AT_ONCE
    assert len(amazon.calls(OPERATIONS["assign"])) == 4


def test_a_repeat_waits_no_longer_for_the_plan_than_a_person_does(
    writes: Writes, amazon: Amazon, throttle: DatabaseThrottle, naps: Naps, burn: Any
) -> None:
    writes.send("arrival")
    _drain(OPERATIONS["arrival"], seconds=1.5)
    naps.clear()
    burn("arrival", "503 always")
    assert writes.send("arrival").state == UNKNOWN
    # The tokens come after 1.5, 1.7, 1.9 and, too late, 2.1 seconds.
    assert all(nap <= 2 for nap in naps)
    assert len(amazon.calls(OPERATIONS["arrival"])) == 1 + 3


def _drain(operation: str, *, seconds: float) -> None:
    """Have others use up the plan: a person's next token is this far away."""
    plan = spapi.OPERATIONS[operation]
    full_at = STOPPED + seconds + (plan.burst - 1) / plan.rate
    assert RateBucket.objects.filter(key__endswith=operation).update(full_at=full_at) == 1


def test_every_repeat_takes_a_token_of_its_own(
    writes: Writes, amazon: Amazon, throttle: DatabaseThrottle, burn: Any
) -> None:
    burn("cancel", "429 once")
    taken = []
    take = throttle.take

    def counted(key: str, *args: Any, **options: Any) -> tuple[float, bool]:
        taken.append(key.rpartition(":")[2])
        return take(key, *args, **options)

    throttle.take = counted  # type: ignore[method-assign]
    assert writes.send("cancel").state == ACCEPTED
    assert taken.count(OPERATIONS["cancel"]) == 2


def test_background_work_is_put_off_instead_of_sleeping(
    writes: Writes, seller: Seller, amazon: Amazon, throttle: DatabaseThrottle, naps: Naps
) -> None:
    sync.start(seller)
    run_due()
    _drain("getServiceJobs", seconds=30)
    asked = len(amazon.calls("getServiceJobs"))
    naps.clear()
    task = SyncJob.objects.get(seller=seller, kind=SyncJob.Kind.INCREMENTAL)
    SyncJob.objects.filter(pk=task.pk).update(next_run_at=world.TODAY)
    begun = timezone.now()
    run_due()
    task.refresh_from_db()
    assert naps == []
    assert len(amazon.calls("getServiceJobs")) == asked
    assert task.last_error == ""
    assert task.lease_until is None
    assert (task.next_run_at - begun).total_seconds() > 28
    assert (task.next_run_at - timezone.now()).total_seconds() < 34


def test_settling_leaves_half_of_the_burst_to_people(
    writes: Writes, amazon: Amazon, throttle: DatabaseThrottle, burn: Any
) -> None:
    burn("add", "cut before")
    writes.send("add")
    asked = []
    acquire = throttle.acquire

    def noted(key: str, *args: Any, **options: Any) -> float:
        asked.append(options["interactive"])
        return acquire(key, *args, **options)

    throttle.acquire = noted  # type: ignore[method-assign]
    settling.settle_open()
    assert asked == [False]


# --- The authorisation is gone ------------------------------------------------------------------


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_authorisation_revoked_in_the_middle_is_told_and_kept(
    name: str, writes: Writes, seller: Seller, amazon: Amazon, burn: Any
) -> None:
    """The access token is an hour old; Amazon takes neither it nor the refresh token."""
    burn(name, "revoked")
    action = writes.send(name)
    assert action.state == REFUSED
    assert AUTHORISE in words(action)
    seller.refresh_from_db()
    assert seller.state == Seller.State.REVOKED
    assert held(amazon, name, done=False)


def test_a_write_lost_just_before_the_authorisation_is_settled_when_it_is_back(
    writes: Writes, amazon: Amazon
) -> None:
    amazon.faults(
        {"operation": OPERATIONS["reschedule"], "kind": "drop_after_commit"},
        {
            "operation": "getServiceJobByServiceJobId",
            "kind": "status",
            "status": 403,
            "times": None,
        },
    )
    action = writes.send("reschedule")
    assert action.state == UNKNOWN
    assert later() == 0
    amazon.faults()
    assert settling.settle_open() == 1
    action.refresh_from_db()
    assert action.state == ACCEPTED
    state = amazon.state()
    assert world.active(state, SET) == [iso(LATER)]
    assert len(world.visits(state, SET)) == 2
    moved = ServiceJob.objects.get(service_job_id=SET)
    assert moved.appointment_id not in ("", VISIT)


def test_the_mirror_shows_what_was_settled(writes: Writes, amazon: Amazon, burn: Any) -> None:
    burn("add", "answers too late")
    writes.send("add")
    world.calls_once_quiet(amazon, OPERATIONS["add"], 1)
    later()
    assert ServiceJob.objects.get(service_job_id=NEW).scheduled_start == LATER
    assert KEPT in {one["reservation"]["reservationId"] for one in amazon.state()["reservations"]}
