"""Every address."""

from __future__ import annotations

from django.urls import include, path
from django.views.generic import RedirectView

from dispatch.web import account

urlpatterns = [
    path("", RedirectView.as_view(url="/jobs/"), name="home"),
    path("account/theme/", account.set_theme, name="account_theme"),
    path("account/", include("allauth.urls")),
]
