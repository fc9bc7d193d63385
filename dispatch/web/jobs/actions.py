"""The writes a person can make to a job: each a dialog that is also a page of its own.

Every form carries an idempotency key: sent twice, it is carried out once.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import reswap, retarget, trigger_client_event

from dispatch.models import Action, ServiceJob
from dispatch.services.amazon import slots
from dispatch.services.amazon.client import FAULTS
from dispatch.services.amazon.words import in_words
from dispatch.services.writes import ledger, rights, submitting
from dispatch.web.jobs.action_forms import FORMS, ActionForm
from dispatch.web.jobs.job_page import page_context
from dispatch.web.jobs.wording import announcement
from dispatch.web.shell import clock
from dispatch.web.shell.guards import PersonRequest, get_job

REUSED = _(
    "You already sent this form with other values, so nothing was sent now. "
    "Look at the job's history before you send it again."
)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def action(request: PersonRequest, service_job_id: str, kind: str) -> HttpResponse:
    """Show the form of a write, or carry it out and show what Amazon said."""
    of_kind = FORMS[kind]
    job = get_job(request, service_job_id, tuple(of_kind.kind.roles))
    if request.method != "POST":
        return _show(request, job, of_kind(job=job))
    form = of_kind(request.POST, job=job)
    if not form.is_valid():
        fit = form.with_new_key() if "key" in form.errors else form
        return _show(request, job, fit, status=422)
    try:
        done = _carry_out(request, job, form)
    except rights.NotAllowed as error:
        form.add_error(None, str(error))
    except ledger.KeyReused:
        form.add_error(None, REUSED)
    else:
        if done.state != Action.State.REFUSED:
            return _done(request, done)
        form.refused(done)
    return _show(request, job, form.with_new_key(), status=422)


def _carry_out(request: PersonRequest, job: ServiceJob, form: ActionForm) -> Action:
    return submitting.carry_out(
        form.kind,
        person=request.user,
        about=job,
        key=form.cleaned_data["key"],
        payload=form.payload(),
    )


def _show(
    request: PersonRequest, job: ServiceJob, form: ActionForm, status: int = 200
) -> HttpResponse:
    """Show the form in the dialog when htmx asks for it there, else on a page of its own."""
    now = timezone.now()
    context = {
        "job": job,
        "form": form,
        "now": now,
        "zone": clock.zone_of(job),
        "state": clock.state(job, now),
        "in_dialog": request.htmx.target == "dialog-body",
        **_slots(job, form),
    }
    template = "jobs/action.html#dialog" if context["in_dialog"] else "jobs/action.html"
    return render(request, template, context, status=status)


def _slots(job: ServiceJob, form: ActionForm) -> dict[str, Any]:
    """Return the buyer's wishes and Amazon's other slots, those by local day.

    A fault in reading the slots is said, and any time can still be typed.
    """
    if not form.chooses_time:
        return {}
    now, zone, fault = timezone.now(), clock.zone_of(job), ""
    try:
        found = slots.for_job(job, since=now)
    except FAULTS as error:
        found, fault = [], in_words(error)
    wished = {start: end for start, end in clock.preferred_windows(job) if start > now}
    room = {slot.start: slot.capacity for slot in found}
    days: dict[dt.date, list[slots.Slot]] = {}
    for slot in found:
        if slot.start not in wished:
            days.setdefault(slot.start.astimezone(zone).date(), []).append(slot)
    wishes = [slots.Slot(start, end, room.get(start, 0)) for start, end in wished.items()]
    return {"wishes": wishes, "days": list(days.items()), "slots_fault": fault}


def _done(request: PersonRequest, action: Action) -> HttpResponse:
    """Show the job as Amazon now has it, with a notice."""
    job = get_job(request, action.job.service_job_id) if action.job else None
    if not request.htmx or job is None:
        page = reverse("job", args=[action.job.service_job_id]) if action.job else "/jobs/"
        return redirect(f"{page}?done={action.pk}")
    response = render(request, "jobs/job.html#job", page_context(request, job, done=action))
    response = reswap(retarget(response, "#job"), "outerHTML")
    trigger_client_event(response, "dialog-close", {})
    return trigger_client_event(response, "announce", {"value": announcement(action)})


def addresses() -> list[URLPattern]:
    """Return the address, below ``/jobs/``, of every kind of write that has a form."""
    return [
        path(
            f"<job_id:service_job_id>/{form.kind.slug}/",
            action,
            {"kind": name},
            f"job_{name}",
        )
        for name, form in FORMS.items()
    ]
