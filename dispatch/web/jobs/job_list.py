"""The jobs list: filter, sort, page, export, refresh."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from dispatch.models import Seller, ServiceJob
from dispatch.selectors.access import DISPATCHES, job_query_for, sellers_for
from dispatch.selectors.listing.counting import Count
from dispatch.selectors.listing.paging import WITHOUT_BUYER, Order, Page, all_jobs, page
from dispatch.selectors.listing.query import JobQuery
from dispatch.selectors.quick_views import QUICK_VIEWS, list_counts
from dispatch.selectors.saved_views import saved_views
from dispatch.selectors.sync_state import first_loads, is_stale
from dispatch.services.amazon.client import FAULTS
from dispatch.services.amazon.words import in_words
from dispatch.services.audit import exports
from dispatch.services.mirror import one_job, sync
from dispatch.services.mirror.revisions import etag_of
from dispatch.spapi import SellingApiException
from dispatch.web.jobs.filters import JobFilter
from dispatch.web.shell.chips import chips
from dispatch.web.shell.files import calendar_file, csv_file
from dispatch.web.shell.guards import PersonRequest

PAGE_SIZE = 50
SORTS = {
    "when": "scheduled_key",
    "job": "title",
    "status": "status",
    "technicians": "technician_names",
    "place": "city",
    "created": "created_key",
    "changed": "changed_at",
}
COLUMNS = (
    ("when", _("When, at the job")),
    ("job", _("Job")),
    ("status", _("Status")),
    ("technicians", _("Technicians")),
    ("place", _("Place")),
    ("", _("Clock")),
)
SHOWN = (
    "service_job_id", "title", "status", "appointment_status", "scheduled_start", "scheduled_end",
    "time_zone", "created_at", "preferred_times", "technician_count", "technician_names", "city",
    "state_or_region",
)  # fmt: skip
"""What the columns say is made of these."""
DEFAULT_VIEW = "open"
IN_FLIGHT = dt.timedelta(seconds=2)
"""A change is dated before it is committed, maybe by another machine's clock: so long at most
before a page can show it."""
VIEWS_BY_STATUS = frozenset({"open", "done"})


@dataclass(frozen=True, slots=True)
class Listing:
    """The list as an address describes it, for one person at one moment."""

    query: QueryDict
    filter: JobFilter
    order: Order
    sellers: list[Seller]
    visible: JobQuery
    now: dt.datetime

    @property
    def sort(self) -> str:
        name = next(name for name, column in SORTS.items() if column == self.order.column)
        return f"-{name}" if self.order.descending else name

    def page(self) -> Page:
        rows = ServiceJob.objects.only(*SHOWN, self.order.column)
        cursor = self.query.get("page", "")
        return page(self.filter.found, self.order, cursor, PAGE_SIZE, rows=rows)

    def address(self, **changes: str) -> str:
        """Return the address of this list with some parameters changed; "" takes one out."""
        query = self.query.copy()
        query.pop("page", None)
        for name, value in changes.items():
            query.pop(name, None)
            if value:
                query[name] = value
        return f"/jobs/?{query.urlencode()}" if query else "/jobs/"


def read_listing(request: PersonRequest) -> Listing:
    """Return what the address asks for; a wrong sort or page is the default one."""
    person, now = request.user, timezone.now()
    # By the minute, the views of a list stay the same list, and their counts are remembered.
    minute = now.replace(second=0, microsecond=0)
    query = _settled(request.GET)
    visible = job_query_for(person)
    sellers = list(sellers_for(person))
    sort = query.get("sort", "")
    return Listing(
        query=query,
        filter=JobFilter(query, visible, person=person, sellers=sellers, now=minute),
        order=Order(SORTS.get(sort.removeprefix("-"), SORTS["when"]), sort.startswith("-")),
        sellers=sellers,
        visible=visible,
        now=now,
    )


def _settled(asked: QueryDict) -> QueryDict:
    """Return the query without its empty parts; a chosen status beats that of the view."""
    query = QueryDict(mutable=True)
    for name, values in asked.lists():
        filled = [value for value in values if value.strip()]
        if filled and name not in ("csrfmiddlewaretoken", "since"):
            query.setlist(name, filled)
    if not query.keys() - {"sort", "page"}:
        query["view"] = DEFAULT_VIEW
    if "status" in query and query.get("view") in VIEWS_BY_STATUS:
        query["view"] = "all"
    return query


@require_safe
@login_required
def job_list(request: PersonRequest) -> HttpResponse:
    """Show the list as a page, or its swapped parts when htmx asks."""
    listing = read_listing(request)
    swap = request.htmx and not request.htmx.boosted and not request.htmx.history_restore_request
    saved = saved_views(request.user, listing.sellers)
    context = {**_context(listing), "saved": saved, "swap": swap}
    return render(request, "jobs/list.html#swap" if swap else "jobs/list.html", context)


def _context(listing: Listing) -> dict[str, Any]:
    found, tabs = list_counts(listing.filter.found, listing.visible, listing.filter.now)
    shown = listing.page()
    # A page looks as far as it must, a count only so far.
    whole = not shown.previous and not shown.next
    found = Count(max(found.number, len(shown.rows)), more=found.more and not whole)
    return {
        "listing": listing,
        "now": listing.now,
        "form": listing.filter.form,
        "errors": _errors(listing.filter),
        "chips": chips(listing.filter.form, listing.query, CHIPS, listing.address),
        "hidden": {name: listing.query.get(name, "") for name in ("view", "sort")},
        "views": _views(listing, tabs),
        "columns": _columns(listing),
        "rows": shown.rows,
        "count_text": count_text(found),
        "previous_url": listing.address(page=shown.previous) if shown.previous else "",
        "next_url": listing.address(page=shown.next) if shown.next else "",
        "loading": first_loads(listing.sellers),
        "synced_at": min((s.synced_at for s in listing.sellers if s.synced_at), default=None),
        "stale": any(is_stale(seller, listing.now) for seller in listing.sellers),
        "lookup": _lookup(listing, found.number),
        "live_url": f"/jobs/changes/?{_live_query(listing)}",
        "etag": etag_of(listing.sellers),
        "export_url": f"{reverse('jobs_export')}?{listing.query.urlencode()}",
        "calendar_url": f"{reverse('jobs_calendar')}?{listing.query.urlencode()}",
    }


def _live_query(listing: Listing) -> str:
    query = listing.query.copy()
    query.pop("page", None)
    query["since"] = (listing.now - IN_FLIGHT).isoformat()
    return query.urlencode()


def count_text(found: Count) -> str:
    """Return "1 job", "214 jobs" or "10,000+ jobs"."""
    words = ngettext("%(count)s job", "%(count)s jobs", found.number + found.more)
    return words % {"count": found}


def _errors(chosen: JobFilter) -> list[tuple[str, str]]:
    form = chosen.form
    return [
        (str(form.fields[name].label), str(problem))
        for name, problems in form.errors.items()
        for problem in problems
        if name in form.fields
    ]


def _views(listing: Listing, counts: dict[str, Count]) -> list[dict[str, Any]]:
    current = listing.query.get("view", "")
    return [
        {
            "label": str(view.label),
            "url": f"/jobs/?view={view.slug}",
            "current": view.slug == current,
            "count": counts[view.slug],
            "late": view.slug == "late" and counts["late"].number > 0,
        }
        for view in QUICK_VIEWS
    ]


def _columns(listing: Listing) -> list[dict[str, str]]:
    columns = []
    for name, label in COLUMNS:
        ascending = bool(name) and listing.sort == name
        descending = bool(name) and listing.sort == f"-{name}"
        columns.append(
            {
                "label": str(label),
                "url": listing.address(sort=f"-{name}" if ascending else name) if name else "",
                "direction": "ascending" if ascending else "descending" if descending else "",
            }
        )
    return columns


CHIPS = (
    ("status", _("Status"), ("status",)),
    ("scheduled", _("Scheduled"), ("scheduled_from", "scheduled_to")),
    ("technician", _("Technician"), ("technician",)),
    ("seller", _("Seller"), ("seller",)),
    ("skill", _("Skill"), ("skill",)),
    ("store", _("Store"), ("store",)),
    ("created", _("Created"), ("created_from", "created_to")),
    ("more", _("More"), ("updated_from", "updated_to", "marketplace", "order", "product_order",
                      "tracking", "asin")),
)  # fmt: skip


def _lookup(listing: Listing, found: int) -> str:
    """Return a pasted job id that the mirror does not hold, to be looked up at Amazon; else ""."""
    text = listing.query.get("q", "").strip()
    looks_like_id = 5 <= len(text) <= 100 and not any(part.isspace() for part in text)
    return text if found == 0 and looks_like_id and any(c.isdigit() for c in text) else ""


@require_POST
@login_required
def refresh(request: PersonRequest) -> HttpResponse:
    """Ask Amazon now what has changed, for every seller of this person."""
    for seller in sellers_for(request.user):
        task = sync.refresh_now(seller)
        if task is not None and task.last_error:
            messages.error(request, f"{seller.name}: {gettext(task.last_error)}")
    return redirect(_back(request))


@require_POST
@login_required
def find(request: PersonRequest) -> HttpResponse:
    """Fetch a job by its pasted id from the sellers this person dispatches for."""
    job_id = request.POST.get("q", "").strip()[:100]
    unanswered = False
    for seller in sellers_for(request.user, DISPATCHES):
        try:
            job = one_job.find_job(seller, job_id) if job_id else None
        except FAULTS as error:
            if not _is_about_the_job(error):
                messages.error(request, f"{seller.name}: {in_words(error)}")
                unanswered = True
            continue
        if job is not None:
            return redirect("job", job.service_job_id)
    if not unanswered:
        messages.error(request, gettext("Amazon has no such job for your sellers."))
    return redirect(_back(request))


def _is_about_the_job(error: Exception) -> bool:
    """Tell whether Amazon answered, and said that there is no such job for this seller."""
    if not isinstance(error, SellingApiException):
        return False
    return error.code == 400 or one_job.says_unknown(error)


def _back(request: HttpRequest) -> str:
    query = QueryDict(request.POST.get("query", "")[:2000]).urlencode()
    return f"/jobs/?{query}" if query else "/jobs/"


@require_safe
@login_required
def export(request: PersonRequest) -> HttpResponseBase:
    """Send a CSV file of exactly what the filter shows."""
    listing = read_listing(request)
    if not listing.filter.readable:
        return redirect(listing.address())
    rows = exports.rows(person=request.user, jobs=all_jobs(listing.filter.found, listing.order))
    return csv_file(request, rows, f"jobs-{listing.now:%Y-%m-%d}.csv")


@require_safe
@login_required
def calendar(request: PersonRequest) -> HttpResponseBase:
    """Send a calendar file of the appointments that the filter shows."""
    listing = read_listing(request)
    if not listing.filter.readable:
        return redirect(listing.address())
    jobs = all_jobs(listing.filter.found, listing.order, rows=WITHOUT_BUYER)
    return calendar_file(request, jobs, f"jobs-{listing.now:%Y-%m-%d}.ics")
