"""The addresses of the screens of seller accounts, below ``/sellers/``."""

from __future__ import annotations

from django.urls import path

from dispatch.web.sellers import consent, views

urlpatterns = [
    path("<uuid:seller_id>/authorise/", consent.authorise, name="seller_authorise"),
    path("callback/", consent.callback, name="seller_callback"),
    path("login/", consent.login, name="seller_login"),
    path("", views.index, name="sellers"),
    path("new/", views.connect, name="seller_connect"),
    path("<uuid:seller_id>/", views.detail, name="seller"),
    path("<uuid:seller_id>/edit/", views.edit, name="seller_edit"),
    path("<uuid:seller_id>/test/", views.check, name="seller_test"),
    path("<uuid:seller_id>/progress/", views.progress, name="seller_progress"),
    path("<uuid:seller_id>/disconnect/", views.disconnect, name="seller_disconnect"),
    path("<uuid:seller_id>/switches/", views.switch, name="seller_switches"),
    path("<uuid:seller_id>/reasons/<str:kind>/add/", views.add_reason, name="reason_add"),
    path("<uuid:seller_id>/reasons/<int:reason_id>/", views.edit_reason, name="reason_edit"),
    path("<uuid:seller_id>/reasons/<int:reason_id>/move/", views.move_reason, name="reason_move"),
]
