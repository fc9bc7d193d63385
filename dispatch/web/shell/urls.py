"""The addresses of what the host asks, below ``/``."""

from __future__ import annotations

from django.urls import path

from dispatch.web.shell import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
