"""The addresses of the log of activity and its alarms, below ``/activity/``."""

from __future__ import annotations

from django.urls import path

from dispatch.web.activity import alarms, views

urlpatterns = [
    path("", views.index, name="activity"),
    path("export.csv", views.export, name="activity_export"),
    path("alarms/<int:alarm_id>/", alarms.acknowledge, name="alarm_acknowledge"),
]
