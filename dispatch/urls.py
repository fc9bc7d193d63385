"""Every address: each screen has its own table, beside its views."""

from __future__ import annotations

from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", include("dispatch.web.shell.urls")),
    path("", RedirectView.as_view(url="/jobs/"), name="home"),
    path("jobs/", include("dispatch.web.jobs.urls")),
    path("account/", include("dispatch.web.account.urls")),
    path("sellers/", include("dispatch.web.sellers.urls")),
    path("people/", include("dispatch.web.people.urls")),
    path("people/", include("dispatch.web.account.urls_for_owners")),
    path("activity/", include("dispatch.web.activity.urls")),
]
