"""The product's settings with Django's admin beside it: for the benchmark of the list alone."""

from __future__ import annotations

from dispatch.settings import *  # noqa: F403

INSTALLED_APPS = ["django.contrib.admin", *INSTALLED_APPS]  # noqa: F405
ROOT_URLCONF = "list_admin"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
# No manifest: a benchmark collects no files.
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}

# Its people have no second factors; what is measured lies behind the log-in.
SECOND_FACTOR_REQUIRED = False
