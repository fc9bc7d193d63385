"""Every address."""

from __future__ import annotations

from django.urls import include, path
from django.views.generic import RedirectView

from dispatch.web import account, actions, health, job, jobs, saved_views

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("", RedirectView.as_view(url="/jobs/"), name="home"),
    path("jobs/", jobs.job_list, name="jobs"),
    path("jobs/refresh/", jobs.refresh, name="jobs_refresh"),
    path("jobs/find/", jobs.find, name="jobs_find"),
    path("jobs/export.csv", jobs.export, name="jobs_export"),
    path("jobs/views/", saved_views.save, name="view_save"),
    path("jobs/views/<int:view_id>/delete/", saved_views.delete, name="view_delete"),
    path("jobs/<str:service_job_id>/", job.job_page, name="job"),
    path("jobs/<str:service_job_id>/refresh/", job.refresh, name="job_refresh"),
    *(
        path(f"jobs/<str:service_job_id>/{slug}/", actions.action, {"kind": kind}, f"job_{kind}")
        for kind, slug in job.SLUGS.items()
    ),
    path("account/settings/", account.settings, name="account_settings"),
    path("account/theme/", account.set_theme, name="account_theme"),
    path("account/", include("allauth.urls")),
    path("sellers/", include("dispatch.web.consent")),
    path("sellers/", include("dispatch.web.sellers")),
    path("people/", include("dispatch.web.people")),
]
