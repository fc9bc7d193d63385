"""Files that a page hands out: none passes by the count of what a person may take an hour."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse

from dispatch.models import ServiceJob
from dispatch.services.audit import calendars, exports
from dispatch.web.shell.guards import PersonRequest


class _Echo:
    """A file whose ``write`` gives the line back, for streaming."""

    def write(self, line: str) -> str:
        return line


def csv_file(request: PersonRequest, rows: Iterable[Sequence[str]], name: str) -> HttpResponseBase:
    """Return a CSV file of that name, sent row by row as the rows are made."""
    writer = csv.writer(_Echo())
    return _file(request, (writer.writerow(row) for row in rows), name, "text/csv")


def calendar_file(
    request: PersonRequest, jobs: Iterable[ServiceJob], name: str
) -> HttpResponseBase:
    """Return a calendar file of that name with these jobs' appointments, sent event by event."""

    def address(job: ServiceJob) -> str:
        return request.build_absolute_uri(reverse("job", args=[job.service_job_id]))

    pieces = calendars.pieces(person=request.user, jobs=jobs, address=address)
    return _file(request, pieces, name, "text/calendar")


def _file(request: PersonRequest, pieces: Iterable[str], name: str, kind: str) -> HttpResponseBase:
    """Return the file; or, with no piece made, a page that says that this person took too many."""
    if not exports.admitted(request.user):
        return render(request, "429.html", status=429)
    response = StreamingHttpResponse(pieces, content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
