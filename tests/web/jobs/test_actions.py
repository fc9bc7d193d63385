"""Every write to a job: its form, its outcome, and nothing lost when it goes wrong."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
import zoneinfo
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from dispatch.models import Action, Membership, Person, ReasonCode, Seller, ServiceJob
from dispatch.services.amazon import slots
from dispatch.services.mirror import one_job, store
from dispatch.services.writes.kinds import add_appointment
from tests.conftest import US, Amazon, MakeJob
from tests.writing import write

pytestmark = pytest.mark.django_db
State = Action.State
DIALOG = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "dialog-body"}
OHIO = zoneinfo.ZoneInfo("America/New_York")
ADD, MOVE, ASSIGN = "add-appointment", "reschedule", "assign"
COMPLETE, CANCEL = "complete", "cancel"
OPERATIONS = {
    ADD: "addAppointmentForServiceJobByServiceJobId",
    MOVE: "rescheduleAppointmentForServiceJobByServiceJobId",
    ASSIGN: "assignAppointmentResources",
    COMPLETE: "completeServiceJobByServiceJobId",
    CANCEL: "cancelServiceJobByServiceJobId",
}
SLUGS = list(OPERATIONS)
DONE = {
    ADD: "Appointment added",
    MOVE: "Rescheduled",
    ASSIGN: "Technicians assigned",
    COMPLETE: "Completed",
    CANCEL: "Cancelled",
}


class Stage:
    """Two jobs at Amazon and in the mirror: one to be scheduled, one that is."""

    def __init__(self, client: Client, bob: Person, free: ServiceJob, taken: ServiceJob) -> None:
        self.client, self.bob, self.free, self.taken = client, bob, free, taken
        self.starts = [slot.start for slot in slots.for_job(free, since=timezone.now())]

    def job(self, slug: str) -> ServiceJob:
        return self.free if slug == ADD else self.taken

    def url(self, slug: str) -> str:
        return f"/jobs/{self.job(slug).service_job_id}/{slug}/"

    def body(self, slug: str, **changes: Any) -> dict[str, Any]:
        """What the form sends when everything in it is right."""
        parts: dict[str, dict[str, Any]] = {
            ADD: {"start": local(self.starts[5])},
            MOVE: {
                "start": local(self.starts[30]),
                "reason": "R1",
                "appointment": self.taken.appointment_id,
            },
            ASSIGN: {
                "technicians": ["TECH-TOM", "TECH-MAYA"],
                "appointment": self.taken.appointment_id,
            },
            COMPLETE: {},
            CANCEL: {"reason": "V1"},
        }
        return {"key": str(uuid.uuid4()), **parts[slug], **changes}

    def post(self, slug: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.client.post(
            self.url(slug), self.body(slug) if body is None else body, **headers
        )


def local(moment: dt.datetime) -> str:
    return moment.astimezone(OHIO).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
def stage(client: Client, bob: Person, seller: Seller, amazon: Amazon, make_job: MakeJob) -> Stage:
    amazon.scenario(
        make_job("FREE"),
        make_job("TAKEN"),
        cancellationReasonCodes=["V1"],
        rescheduleReasonCodes=["R1"],
    )
    free, taken = (one_job.find_job(seller, job_id) for job_id in ("FREE", "TAKEN"))
    assert free is not None
    assert taken is not None
    start = slots.for_job(taken, since=timezone.now())[20].start
    write(add_appointment, person=bob, job=taken, key=uuid.uuid4(), start=start)
    Action.objects.all().delete()
    client.force_login(bob)
    return Stage(client, bob, free, ServiceJob.objects.get(pk=taken.pk))


def calls(amazon: Amazon, slug: str) -> int:
    made = len(amazon.calls(OPERATIONS[slug]))
    return made - 1 if slug == ADD else made  # One put the appointment of TAKEN there.


# --- The form ---------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", SLUGS)
def test_a_form_is_a_page_of_its_own(stage: Stage, slug: str) -> None:
    page = stage.client.get(stage.url(slug))
    text = page.content.decode()
    assert page.status_code == 200
    assert "<!doctype html>" in text
    assert f'<form method="post" action="{stage.url(slug)}"' in text
    assert uuid.UUID(page.context["form"]["key"].value().__str__())


@pytest.mark.parametrize("slug", SLUGS)
def test_a_form_is_a_dialog_where_htmx_asks_for_one(stage: Stage, slug: str) -> None:
    text = stage.client.get(stage.url(slug), **DIALOG).content.decode()
    assert text.strip().startswith("<form")
    assert "<html" not in text
    assert '<h2 class="task__title" id="dialog-title">' in text
    assert 'hx-target="#dialog-body"' in text


@pytest.mark.parametrize("slug", SLUGS)
def test_each_showing_has_a_key_of_its_own(stage: Stage, slug: str) -> None:
    keys = {str(stage.client.get(stage.url(slug)).context["form"]["key"].value()) for _ in range(2)}
    assert len(keys) == 2


def test_showing_a_form_writes_nothing(stage: Stage, amazon: Amazon) -> None:
    for slug in SLUGS:
        stage.client.get(stage.url(slug))
        assert calls(amazon, slug) == 0
    assert Action.objects.count() == 0


# --- Accepted ---------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", SLUGS)
def test_a_page_sent_leads_back_to_the_job_with_the_outcome(
    stage: Stage, amazon: Amazon, slug: str
) -> None:
    response = stage.post(slug)
    action = Action.objects.get()
    assert action.state == State.ACCEPTED, action.errors
    assert response["Location"] == f"/jobs/{stage.job(slug).service_job_id}/?done={action.pk}"
    page = stage.client.get(response["Location"]).content.decode()
    assert f"{DONE[slug]}: accepted." in page
    assert calls(amazon, slug) == 1


@pytest.mark.parametrize("slug", SLUGS)
def test_a_dialog_sent_swaps_the_job_and_closes(stage: Stage, slug: str) -> None:
    response = stage.post(slug, **DIALOG)
    text = response.content.decode()
    assert response.status_code == 200
    assert response["HX-Retarget"] == "#job"
    assert response["HX-Reswap"] == "outerHTML"
    said = json.loads(response["HX-Trigger"])
    assert "dialog-close" in said
    assert said["announce"]["value"] == f"{DONE[slug]}: accepted."
    assert text.strip().startswith('<div id="job"')
    assert "<html" not in text
    assert f"{DONE[slug]}: accepted." in text


@pytest.mark.parametrize("slug", SLUGS)
def test_the_same_form_sent_twice_is_one_write(stage: Stage, amazon: Amazon, slug: str) -> None:
    body = stage.body(slug)
    first, second = stage.post(slug, body), stage.post(slug, body)
    assert first["Location"] == second["Location"]
    assert calls(amazon, slug) == 1
    assert Action.objects.count() == 1


def test_a_warning_is_told_in_amazons_words(stage: Stage, amazon: Amazon) -> None:
    state = amazon.state()
    jobs = [{k: v for k, v in job.items() if k != "_sandbox"} for job in state["jobs"]]
    amazon.control(
        "scenario",
        {"jobs": jobs, "resources": state["resources"], "overbookedResourceIds": ["TECH-TOM"]},
    )
    text = stage.post(ASSIGN, **DIALOG).content.decode()
    assert "accepted, with warning" in text
    assert "Resources overbooked for this time window." in text


# --- Refused ----------------------------------------------------------------------------------


def test_a_refusal_keeps_what_was_typed_and_marks_the_field(stage: Stage, amazon: Amazon) -> None:
    between = stage.starts[5] + dt.timedelta(minutes=17)
    body = stage.body(ADD, start=local(between))
    response = stage.post(ADD, body, **DIALOG)
    text = response.content.decode()
    assert response.status_code == 422
    assert "Appointment slot is not available." in text
    assert f'value="{local(between)}"' in text
    assert 'aria-invalid="true"' in text
    assert "id_start_error" in text
    assert amazon.active("FREE") == []
    assert Action.objects.get().state == State.REFUSED


def test_a_refused_form_can_be_sent_again_as_a_new_write(stage: Stage, amazon: Amazon) -> None:
    body = stage.body(ADD, start=local(stage.starts[5] + dt.timedelta(minutes=17)))
    form = stage.post(ADD, body).context["form"]
    again = str(form["key"].value())
    assert again != body["key"]
    assert stage.post(ADD, stage.body(ADD, key=again)).status_code == 302
    assert len(amazon.active("FREE")) == 1
    assert Action.objects.count() == 2


def test_a_refused_reason_is_marked(stage: Stage, seller: Seller) -> None:
    ReasonCode.objects.create(seller=seller, marketplace_id=US, kind="cancel", code="OLD")
    response = stage.post(CANCEL, stage.body(CANCEL, reason="OLD"), **DIALOG)
    assert response.status_code == 422
    assert "invalid input reason code OLD" in response.content.decode()
    assert response.context["form"].errors.keys() == {"reason"}


def test_a_refused_technician_is_marked_and_stays_ticked(
    stage: Stage, amazon: Amazon, seller: Seller
) -> None:
    Membership.objects.filter(person=stage.bob).update(role="owner")
    luis = seller.technicians.get(name="Luis").resources.get()
    luis.resource_id = "TECH-GONE"
    luis.save()
    body = stage.body(ASSIGN, technicians=["TECH-TOM", "TECH-GONE"])
    response = stage.post(ASSIGN, body, **DIALOG)
    text = response.content.decode()
    assert response.status_code == 422
    assert "are not registered" in text
    assert 'value="TECH-GONE" checked' in text
    assert 'aria-invalid="true"' in text


def test_a_key_spent_on_other_values_sends_nothing(stage: Stage, amazon: Amazon) -> None:
    key = str(uuid.uuid4())
    stage.post(ADD, stage.body(ADD, key=key))
    response = stage.post(ADD, stage.body(ADD, key=key, start=local(stage.starts[40])))
    assert response.status_code == 422
    assert b"You already sent this form with other values" in response.content
    assert b"so nothing was sent now" in response.content
    assert str(response.context["form"]["key"].value()) != key
    assert calls(amazon, ADD) == 1


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("key", ["", "nonsense", None])
def test_a_form_without_its_key_says_so_and_has_one_then(
    stage: Stage, amazon: Amazon, slug: str, key: str | None
) -> None:
    body = stage.body(slug, key=key)
    if key is None:
        del body["key"]
    response = stage.post(slug, body)
    assert response.status_code == 422
    assert b"This form is incomplete" in response.content
    assert uuid.UUID(str(response.context["form"]["key"].value()))
    assert calls(amazon, slug) == 0


@pytest.mark.parametrize("slug", [MOVE, ASSIGN])
@pytest.mark.parametrize("appointment", ["", ".", "..", "\0", "x" * 200])
def test_a_form_without_its_appointment_says_so(
    stage: Stage, amazon: Amazon, slug: str, appointment: str
) -> None:
    response = stage.post(slug, stage.body(slug, appointment=appointment))
    assert response.status_code == 422
    assert b"This form is incomplete" in response.content
    assert calls(amazon, slug) == 0


@pytest.mark.parametrize("slug", [MOVE, ASSIGN])
@pytest.mark.parametrize("appointment", ["APPT-OLD", "a/b", "{x}", "😀", "?x=1"])
def test_another_appointment_is_amazons_to_refuse(
    stage: Stage, slug: str, appointment: str
) -> None:
    response = stage.post(slug, stage.body(slug, appointment=appointment))
    assert response.status_code == 422
    assert Action.objects.get().state == State.REFUSED


# --- Checked before it is sent ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("", "Pick a slot or enter a time."),
        ("nonsense", "Enter a day and a time"),
        ("2020-01-01T09:00", "in the past"),
        ("2099-01-01T09:00", "365 days"),
        ("0001-01-01T00:00", "no such year"),
        ("9999-12-31T23:59", "no such year"),
        ("2027-03-14T02:30", "does not exist"),
        ("2026-11-24T25:00", "Enter a day and a time"),
    ],
)
@pytest.mark.parametrize("slug", [ADD, MOVE])
def test_a_wrong_start_is_said_and_kept(
    stage: Stage, amazon: Amazon, slug: str, start: str, words: str
) -> None:
    response = stage.post(slug, stage.body(slug, start=start), **DIALOG)
    text = response.content.decode()
    assert response.status_code == 422
    assert words in text
    assert 'aria-invalid="true"' in text
    assert calls(amazon, slug) == 0
    if start and "no such year" not in words:
        assert start in text


@pytest.mark.parametrize("slot", ["nonsense", "0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00"])
def test_a_wrong_slot_is_said(stage: Stage, amazon: Amazon, slot: str) -> None:
    response = stage.post(ADD, stage.body(ADD, start="", slot=slot))
    assert response.status_code == 422
    assert b"Pick one of the slots, or enter a time." in response.content
    assert calls(amazon, ADD) == 0


def test_a_slot_alone_is_enough(stage: Stage) -> None:
    start = stage.starts[7]
    stage.post(ADD, stage.body(ADD, start="", slot=start.isoformat()))
    stage.free.refresh_from_db()
    assert stage.free.scheduled_start == start


def test_a_slot_and_another_time_is_an_error(stage: Stage, amazon: Amazon) -> None:
    body = stage.body(ADD, slot=stage.starts[9].isoformat())
    response = stage.post(ADD, body)
    assert b"You picked a slot and typed another time" in response.content
    assert calls(amazon, ADD) == 0


@pytest.mark.parametrize("slug", [MOVE, CANCEL])
def test_a_reason_is_asked_for(stage: Stage, amazon: Amazon, slug: str) -> None:
    response = stage.post(slug, stage.body(slug, reason=""))
    assert response.status_code == 422
    assert b"Amazon asks for a reason." in response.content
    assert calls(amazon, slug) == 0


@pytest.mark.parametrize(
    ("typed", "ok"), [("v1", True), (" V1 ", True), ("no way", False), ("ä", False), ("😀", False)]
)
def test_another_code_may_be_typed(stage: Stage, typed: str, ok: bool) -> None:
    response = stage.post(CANCEL, stage.body(CANCEL, reason="", other_reason=typed))
    assert response.status_code == (302 if ok else 422)
    if not ok:
        assert b"only capitals, digits and _" in response.content


@pytest.mark.parametrize("technicians", [[], ["NOBODY"], [""]])
def test_technicians_are_of_the_roster(
    stage: Stage, amazon: Amazon, technicians: list[str]
) -> None:
    response = stage.post(ASSIGN, stage.body(ASSIGN, technicians=technicians))
    assert response.status_code == 422
    assert "technicians" in response.context["form"].errors
    assert calls(amazon, ASSIGN) == 0


# --- Both changes of the clock ----------------------------------------------------------------


@pytest.fixture
def autumn(seller: Seller, bob: Person, client: Client, make_job: MakeJob) -> Client:
    """The last evening before the clocks of Ohio go back; Amazon is away."""
    store.store(seller, [make_job("FREE")], fetched_at=dt.datetime(2026, 10, 1, tzinfo=dt.UTC))
    client.force_login(bob)
    return client


@pytest.mark.parametrize(
    ("slot", "moment"),
    [
        ("2026-11-01T01:00-04:00", "2026-11-01T05:00:00.000Z"),
        ("2026-11-01T01:00-05:00", "2026-11-01T06:00:00.000Z"),
        ("", "2026-11-01T05:00:00.000Z"),
    ],
)
def test_the_hour_that_comes_twice_is_the_slots(
    autumn: Client, amazon: Amazon, impatient: None, slot: str, moment: str
) -> None:
    with time_machine.travel(dt.datetime(2026, 10, 31, 20, tzinfo=dt.UTC)):
        autumn.force_login(Person.objects.get(name="Bob"))
        body = {"key": str(uuid.uuid4()), "start": "2026-11-01T01:00", "slot": slot}
        autumn.post("/jobs/FREE/add-appointment/", body)
    assert Action.objects.get().payload["appointmentTime"]["startTime"] == moment


def test_the_hour_left_out_in_spring_is_refused_in_words(stage: Stage) -> None:
    response = stage.post(ADD, stage.body(ADD, start="2027-03-14T02:30"))
    assert b"This time does not exist at the job: the clocks go forward then." in response.content


# --- Slots ------------------------------------------------------------------------------------


def test_the_buyers_times_come_first(stage: Stage, amazon: Amazon, make_job: MakeJob) -> None:
    wished, beyond = stage.starts[30], stage.starts[31] + dt.timedelta(minutes=20)
    amazon.control(
        "jobs",
        make_job(
            "FREE",
            preferredAppointmentTimes=[
                {"startTime": start.isoformat(), "durationInMinutes": 60}
                for start in (wished, beyond)
            ],
        ),
    )
    one_job.refresh_job(stage.free)
    page = stage.client.get(stage.url(ADD))
    text = page.content.decode()
    legends = re.findall(r'class="slots__day"><legend>([^<]*)', text)
    assert legends[0] == "The buyer prefers"
    assert len(legends) > 1
    assert [(slot.start, slot.capacity) for slot in page.context["wishes"]] == [
        (wished, 20),
        (beyond, 0),
    ]
    assert "not among Amazon’s slots" in text
    offered = [slot.start for _, day in page.context["days"] for slot in day]
    assert wished not in offered


def test_slots_are_grouped_by_the_jobs_day(stage: Stage) -> None:
    for day, found in stage.client.get(stage.url(ADD)).context["days"]:
        assert {slot.start.astimezone(OHIO).date() for slot in found} == {day}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 403},
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 500},
        {"kind": "drop"},
        {"kind": "html", "status": 200},
        {"kind": "empty", "status": 200},
    ],
)
def test_without_slots_a_time_can_still_be_typed(
    stage: Stage, amazon: Amazon, impatient: None, fault: dict[str, Any]
) -> None:
    amazon.faults({"operation": "getAppointmmentSlotsByJobId", "times": None, **fault})
    page = stage.client.get(stage.url(ADD))
    assert page.status_code == 200
    assert "slots could not be read" in page.content.decode()
    assert 'name="start"' in page.content.decode()
    assert stage.post(ADD).status_code == 302


# --- When Amazon fails ------------------------------------------------------------------------

FAULTS: list[tuple[dict[str, Any], int, State, str]] = [
    ({"kind": "status", "status": 403}, 422, State.REFUSED, "internal error"),
    ({"kind": "status", "status": 429}, 422, State.REFUSED, "too many requests"),
    ({"kind": "status", "status": 500}, 302, State.UNKNOWN, "Not confirmed yet"),
    ({"kind": "drop"}, 302, State.UNKNOWN, "Not confirmed yet"),
    ({"kind": "empty", "status": 200}, 302, State.UNKNOWN, "Not confirmed yet"),
    ({"kind": "html", "status": 200}, 302, State.UNKNOWN, "Not confirmed yet"),
    ({"kind": "html", "status": 503}, 302, State.UNKNOWN, "Not confirmed yet"),
    ({"kind": "garbage_json", "status": 200}, 302, State.UNKNOWN, "Not confirmed yet"),
    ({"kind": "drop_after_commit"}, 302, State.ACCEPTED, "accepted."),
]


@pytest.mark.parametrize(("fault", "status", "state", "words"), FAULTS)
@pytest.mark.parametrize("slug", SLUGS)
def test_whatever_amazon_answers_is_told_and_nothing_is_lost(
    stage: Stage, amazon: Amazon, impatient: None, slug: str,
    fault: dict[str, Any], status: int, state: State, words: str,
) -> None:  # fmt: skip
    amazon.faults({"operation": OPERATIONS[slug], "times": None, **fault})
    body = stage.body(slug)
    response = stage.client.post(stage.url(slug), body, follow=True)
    assert (response.redirect_chain[0][1] if response.redirect_chain else 422) == status
    action = Action.objects.get()
    assert action.state == state
    text = response.content.decode()
    assert words in text
    if status == 422:
        assert action.errors[0]["message"] in text
        for name in ("start", "reason"):
            assert name not in body or str(body[name]) in text


@pytest.mark.parametrize("slug", SLUGS)
def test_an_authorisation_revoked_after_the_page_was_opened_is_told(
    stage: Stage, seller: Seller, amazon: Amazon, slug: str
) -> None:
    amazon.control("tokens", {"state": "revoked", "expireAccessTokens": True})
    response = stage.post(slug, **DIALOG)
    assert response.status_code == 422
    assert "authorise again" in response.content.decode()
    assert Action.objects.get().state == State.REFUSED
    assert Seller.objects.get(pk=seller.pk).state == Seller.State.REVOKED


@pytest.mark.parametrize("slug", SLUGS)
def test_a_refused_connection_is_told(
    stage: Stage, impatient: None, monkeypatch: pytest.MonkeyPatch, slug: str
) -> None:
    monkeypatch.setenv("SP_API_ENDPOINT", "http://127.0.0.1:9")
    response = stage.post(slug)
    assert response.status_code == 422
    assert "could not be reached" in response.content.decode()
    assert Action.objects.get().state == State.REFUSED


def test_an_expired_form_has_a_page_of_its_own(stage: Stage) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(stage.bob)
    for slug in SLUGS:
        response = strict.post(stage.url(slug), stage.body(slug))
        assert response.status_code == 403
        assert b"This form is too old" in response.content
    assert Action.objects.count() == 0


# --- Who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_job_of_somebody_elses_seller_is_not_found(
    stage: Stage, charlie: Person, amazon: Amazon, slug: str, method: str
) -> None:
    stage.client.force_login(charlie)
    response = getattr(stage.client, method)(stage.url(slug), stage.body(slug))
    assert response.status_code == 404
    assert calls(amazon, slug) == 0


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_auditor_writes_nothing(
    stage: Stage, charlie: Person, seller: Seller, amazon: Amazon, slug: str, method: str
) -> None:
    Membership.objects.create(person=charlie, seller=seller, role="auditor")
    stage.client.force_login(charlie)
    response = getattr(stage.client, method)(stage.url(slug), stage.body(slug))
    assert response.status_code == 404
    assert calls(amazon, slug) == 0


@pytest.mark.parametrize("slug", SLUGS)
def test_a_technician_completes_own_jobs_and_does_nothing_else(
    stage: Stage, tom: Person, amazon: Amazon, slug: str
) -> None:
    stage.post(ASSIGN, stage.body(ASSIGN, technicians=["TECH-TOM"]))
    before = calls(amazon, slug)
    stage.client.force_login(tom)
    response = stage.post(slug)
    if slug == COMPLETE:
        assert response.status_code == 302
        assert amazon.job("TAKEN")["serviceJobStatus"] == "COMPLETED"
    else:
        assert response.status_code == 404
        assert calls(amazon, slug) == before


def test_a_technician_does_not_complete_the_job_of_another(
    stage: Stage, tom: Person, amazon: Amazon
) -> None:
    stage.post(ASSIGN, stage.body(ASSIGN, technicians=["TECH-MAYA"]))
    stage.client.force_login(tom)
    assert stage.post(COMPLETE).status_code == 404
    assert calls(amazon, COMPLETE) == 0


@pytest.mark.parametrize(
    ("slug", "kind"),
    [(ADD, "add_appointment"), (MOVE, "reschedule"), (ASSIGN, "assign"), (COMPLETE, "complete"),
     (CANCEL, "cancel")],
)  # fmt: skip
def test_a_switched_off_write_says_so(stage: Stage, amazon: Amazon, slug: str, kind: str) -> None:
    Seller.objects.update(switched_off=[kind])
    response = stage.post(slug, **DIALOG)
    assert response.status_code == 422
    assert b"not agreed with Amazon" in response.content
    assert calls(amazon, slug) == 0


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_not_allowed(stage: Stage, slug: str, method: str) -> None:
    assert getattr(stage.client, method)(stage.url(slug)).status_code == 405
