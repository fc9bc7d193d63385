"""Pages left open stay true: they ask cheaply, and say what changed without moving a row."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import condition, require_safe

from dispatch.selectors.access import sellers_for
from dispatch.selectors.listing.conditions import Between
from dispatch.selectors.listing.counting import count
from dispatch.services.mirror import revisions
from dispatch.services.mirror.revisions import etag_of
from dispatch.web.jobs.job_list import read_listing
from dispatch.web.shell.guards import PersonRequest, get_job

LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _revision(request: HttpRequest, **_: str) -> str | None:
    """Return the ETag by one read of the sellers' revisions, and note that somebody looks."""
    if not request.user.is_authenticated:
        return None
    sellers = list(sellers_for(request.user))
    revisions.watch(sellers)
    return etag_of(sellers)


@require_safe
@condition(etag_func=_revision)
@login_required
def jobs_changed(request: PersonRequest) -> HttpResponse:
    """Say how many jobs of this list changed since the page was made; 304 while none did.

    One that changed just before may be counted too; none is left out.
    """
    listing = read_listing(request)
    changed = listing.filter.found.where(Between("changed_at", _since(request), None))
    context = {"count": count(changed).number, "url": listing.address(), "target": "#job-list"}
    return render(request, "jobs/changes.html", context)


@require_safe
@condition(etag_func=_revision)
@login_required
def job_changed(request: PersonRequest, service_job_id: str) -> HttpResponse:
    """Say whether this job changed since its page was made; 304 while nothing did."""
    job = get_job(request, service_job_id)
    count = int(job.changed_at != _since(request))
    url = request.path.removesuffix("changes/")
    return render(
        request, "jobs/changes.html", {"count": count, "url": url, "target": "#job", "one": True}
    )


def _since(request: HttpRequest) -> dt.datetime:
    """Return the moment that the address says; the beginning of time for nonsense."""
    try:
        moment = parse_datetime(request.GET.get("since", ""))
    except ValueError:
        moment = None
    return moment if moment and moment.tzinfo else LONG_AGO
