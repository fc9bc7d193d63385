"""Every address."""

from __future__ import annotations

from django.urls import include, path, register_converter
from django.urls.converters import StringConverter
from django.views.generic import RedirectView

from dispatch.web.account import presence, second_factor, sessions
from dispatch.web.account import views as account
from dispatch.web.jobs import actions, job_list, job_page, live, saved_views
from dispatch.web.people import invitations
from dispatch.web.shell import health


class JobId(StringConverter):
    """Amazon's model says only how long its ids are, so any sign may be in one."""

    regex = "(?s:.+)"


register_converter(JobId, "job_id")

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("", RedirectView.as_view(url="/jobs/"), name="home"),
    path("jobs/", job_list.job_list, name="jobs"),
    path("jobs/refresh/", job_list.refresh, name="jobs_refresh"),
    path("jobs/changes/", live.jobs_changed, name="jobs_changed"),
    path("jobs/find/", job_list.find, name="jobs_find"),
    path("jobs/export.csv", job_list.export, name="jobs_export"),
    path("jobs/export.ics", job_list.calendar, name="jobs_calendar"),
    path("jobs/views/", saved_views.save, name="view_save"),
    path("jobs/views/<int:view_id>/delete/", saved_views.delete, name="view_delete"),
    # The page last: an id takes all that is left.
    path("jobs/<job_id:service_job_id>/changes/", live.job_changed, name="job_changed"),
    path("jobs/<job_id:service_job_id>/refresh/", job_page.refresh, name="job_refresh"),
    path("jobs/<job_id:service_job_id>/visit.ics", job_page.visit, name="job_visit"),
    *actions.addresses(),
    path("jobs/<job_id:service_job_id>/", job_page.job_page, name="job"),
    path("account/settings/", account.settings, name="account_settings"),
    path("account/theme/", account.set_theme, name="account_theme"),
    path("account/presence/", presence.presence, name="presence"),
    path("account/second-factor/", second_factor.ask, name="second_factor"),
    path("account/sessions/", sessions.own, name="sessions"),
    path("account/sessions/end/", sessions.end_others, name="sessions_end"),
    path("account/sessions/<int:session_id>/end/", sessions.end_one, name="session_end"),
    path("account/invitation/", invitations.accept, name="invitation"),
    path("account/invitation/<str:token>/", invitations.follow, name="invitation_link"),
    # One account has one address, that of its invitation.
    path("account/email/", account.settings, name="account_email"),
    path("account/", include("allauth.urls")),
    path("sellers/", include("dispatch.web.sellers.consent")),
    path("sellers/", include("dispatch.web.sellers.views")),
    path("people/", include("dispatch.web.people.invitations")),
    path("people/", include("dispatch.web.account.sessions")),
    path("people/", include("dispatch.web.people.reviews")),
    path("people/", include("dispatch.web.people.views")),
    path("activity/", include("dispatch.web.activity.views")),
]
