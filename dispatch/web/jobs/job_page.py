"""One job: everything about it, its actions, its history."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dispatch.models import Action, Person, ServiceJob
from dispatch.selectors import jobs
from dispatch.selectors.access import Role, sellers_for
from dispatch.selectors.sync_state import is_stale
from dispatch.services.amazon.client import FAULTS
from dispatch.services.amazon.words import in_words
from dispatch.services.audit import activity
from dispatch.services.mirror import one_job
from dispatch.services.mirror.revisions import etag_of
from dispatch.services.writes import rights
from dispatch.services.writes.kind import Kind
from dispatch.services.writes.kinds import add_appointment, assign, complete, reschedule
from dispatch.web.jobs.action_forms import FORMS
from dispatch.web.shell import clock
from dispatch.web.shell.files import calendar_file
from dispatch.web.shell.guards import PersonRequest, get_job, get_role


@require_safe
@login_required
def job_page(request: PersonRequest, service_job_id: str) -> HttpResponse:
    """Show the job as the mirror has it."""
    job = get_job(request, service_job_id)
    done = jobs.action_of(job, request.GET.get("done", ""))
    part = "jobs/job.html#job" if request.htmx.target == "job" else "jobs/job.html"
    return render(request, part, page_context(request, job, done=done))


@require_POST
@login_required
def refresh(request: PersonRequest, service_job_id: str) -> HttpResponse:
    """Read this job from Amazon now."""
    job = get_job(request, service_job_id)
    try:
        one_job.refresh_job(job)
    except FAULTS as error:
        messages.error(request, in_words(error))
    return redirect("job", service_job_id)


@require_safe
@login_required
def visit(request: PersonRequest, service_job_id: str) -> HttpResponseBase:
    """Send the job's appointment as a calendar file."""
    job = get_job(request, service_job_id)
    if job.local_date is None:
        raise Http404("No appointment.")
    return calendar_file(request, [job], f"visit-{job.local_date}.ics")


def page_context(
    request: PersonRequest, job: ServiceJob, done: Action | None = None
) -> dict[str, Any]:
    """Return what the job page shows; ``done`` is a write that was just carried out."""
    now = timezone.now()
    role = get_role(request, job.seller)
    masked = role == Role.AUDITOR
    if not masked:
        activity.opened(person=request.user, job=job)
    choices = rights.choices(job, role, [form.kind for form in FORMS.values()])
    open_choices = [choice for choice in choices if not choice.why_not]
    first = _next_step(job, open_choices)
    history = jobs.history(job)
    unsettled = [action for action in history if not action.settled]
    return {
        "job": job,
        "now": now,
        "zone": clock.zone_of(job),
        "state": clock.state(job, now),
        "remark": clock.remark(job, now),
        **(_masked_buyer(job) if masked else _buyer(job)),
        "buttons": [
            {
                "label": choice.kind.label,
                "url": reverse(f"job_{choice.kind}", args=[job.service_job_id]),
                "primary": choice.kind == first,
                "danger": choice.kind.is_final,
            }
            for choice in open_choices
        ],
        "switched_off": [choice for choice in choices if choice.why_not],
        "appointments": list(job.appointments.all()),
        "items": list(job.items.all()),
        "references": jobs.references(job),
        "wishes": clock.preferred_windows(job),
        "history": history,
        "reschedules": jobs.times_accepted(job, reschedule.KIND.name),
        "fresh_at": max(filter(None, (job.fetched_at, job.seller.synced_at))),
        "stale": is_stale(job.seller, now),
        "done": done,
        "live_url": _live_url(job),
        "etag": _etag(request.user, job),
        "unsettled": unsettled,
        "poll_url": _poll_url(job, unsettled),
    }


def _live_url(job: ServiceJob) -> str:
    """Return where the open page asks whether the job has changed since it was read."""
    address = reverse("job_changed", args=[job.service_job_id])
    return f"{address}?{urlencode({'since': job.changed_at.isoformat()})}"


def _etag(person: Person, job: ServiceJob) -> str:
    """Return the ETag of the person's sellers, the job's own as it was when the job was read."""
    own = job.seller
    return etag_of(own if seller == own else seller for seller in sellers_for(person))


def _poll_url(job: ServiceJob, unsettled: list[Action]) -> str:
    """Return where the page asks what became of a write that is not confirmed yet."""
    address = reverse("job", args=[job.service_job_id])
    return f"{address}?done={unsettled[0].pk}" if unsettled else address


def _buyer(job: ServiceJob) -> dict[str, Any]:
    """Return the buyer's name and address, and what the call and navigate links need."""
    buyer = job.buyer_data
    address = buyer.get("address", {})
    street = [address.get(f"address_line{number}", "") for number in (1, 2, 3)]
    region = " ".join(filter(None, (address.get("state_or_region"), address.get("postal_code"))))
    town = ", ".join(filter(None, (address.get("city"), region)))
    lines = [line for line in (*street, town, address.get("country_code")) if line]
    phone = str(buyer.get("phone", ""))
    return {
        "buyer": buyer,
        "address_lines": lines,
        "map_query": ", ".join(lines),
        "tel": "".join(sign for sign in phone if sign.isdigit() or sign == "+"),
    }


def _masked_buyer(job: ServiceJob) -> dict[str, Any]:
    """Return what an auditor sees: that there is a buyer, and in which town."""
    town = ", ".join(filter(None, (job.city, job.state_or_region, job.country_code)))
    name = "••••" if job.buyer_data.get("name") else ""
    return {"buyer": {"name": name}, "address_lines": [town], "masked": True}


def _next_step(job: ServiceJob, choices: list[rights.Choice]) -> Kind | None:
    """Return the one write that stands out: what most people would do next."""
    kinds = [choice.kind for choice in choices]
    wanted = [add_appointment.KIND, assign.KIND, complete.KIND]
    if job.technician_count:
        started = job.scheduled_start is not None and job.scheduled_start <= timezone.now()
        wanted = [complete.KIND] if started else []
    return next((kind for kind in wanted if kind in kinds), None)
