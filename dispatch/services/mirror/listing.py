"""Reads Amazon's listing of jobs, page by page. Source: ``getServiceJobs`` of Amazon's model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from django.utils import timezone

from dispatch.services.amazon.definition import MOST
from dispatch.spapi import ApiResponse
from dispatch.spapi.pages import pages

PAGE_SIZE = 20
"""The most that Amazon puts on a page."""


def job_pages(
    read: Callable[..., ApiResponse], **filters: object
) -> Iterator[tuple[dt.datetime, list[Any]]]:
    """Yield pages of jobs, each with the moment it was asked for, until they end or go round."""

    def ask(token: str | None) -> ApiResponse:
        return read(pageSize=PAGE_SIZE, **filters, pageToken=token)

    asked_at = timezone.now()
    for page in pages(ask, jobs_of):
        yield asked_at, jobs_of(page)
        # Between the pages is where the time goes: the next one is asked for now.
        asked_at = timezone.now()


def jobs_of(page: ApiResponse) -> list[Any]:
    """Return the jobs of a page; none where it has another shape."""
    jobs = page("jobs")
    return jobs if isinstance(jobs, list) else []


def total_of(page: ApiResponse) -> int:
    """Return how many jobs Amazon says there are on all pages; 0 where it does not say."""
    total = page("totalResultSize")
    return total if isinstance(total, int) and 0 <= total <= MOST else 0
