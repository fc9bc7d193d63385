"""The addresses of the jobs: the list, a job's page and its writes, below ``/jobs/``."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from dispatch.web.jobs import actions, job_list, job_page, live, saved_views


class JobId(StringConverter):
    """Amazon's model says only how long its ids are, so any sign may be in one."""

    regex = "(?s:.+)"


register_converter(JobId, "job_id")

urlpatterns = [
    path("", job_list.job_list, name="jobs"),
    path("refresh/", job_list.refresh, name="jobs_refresh"),
    path("changes/", live.jobs_changed, name="jobs_changed"),
    path("find/", job_list.find, name="jobs_find"),
    path("export.csv", job_list.export, name="jobs_export"),
    path("export.ics", job_list.calendar, name="jobs_calendar"),
    path("views/", saved_views.save, name="view_save"),
    path("views/<int:view_id>/delete/", saved_views.delete, name="view_delete"),
    # The page last: an id takes all that is left.
    path("<job_id:service_job_id>/changes/", live.job_changed, name="job_changed"),
    path("<job_id:service_job_id>/refresh/", job_page.refresh, name="job_refresh"),
    path("<job_id:service_job_id>/visit.ics", job_page.visit, name="job_visit"),
    *actions.addresses(),
    path("<job_id:service_job_id>/", job_page.job_page, name="job"),
]
