"""The settings of a test run: secrets of its own, nothing from this machine's ``var/``."""

from __future__ import annotations

import os

os.environ["DISPATCH_ENV_FILE"] = ""
os.environ.setdefault("SECRET_KEY", "a secret of the tests and of nothing else at all")
os.environ.setdefault("FIELD_KEYS", "dGVzdHMga2V5IG9mIGV4YWN0bHkgMzIgYnl0ZXMhISE=")
os.environ["DISPATCH_DEMO"] = "false"
os.environ.setdefault("SECURE_COOKIES", "false")
# The cast logs in by itself; the tests of second factors and of the log-in switch it on.
os.environ.setdefault("SECOND_FACTOR_REQUIRED", "false")

# The client reads these itself; as settings they would have to be Amazon's.
_ours = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("SP_API_")}

from dispatch.settings import *  # noqa: E402, F403

os.environ.update(_ours)

if "TEST_SANDBOX" in os.environ:  # Where the workers of a test may upload proofs to.
    DISPATCH_DEMO, SP_API_ENDPOINT = True, os.environ["TEST_SANDBOX"]

# A file, so that threads and the live server each have a connection of their own.
DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}  # noqa: F405
if not DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": "dispatch_test"}  # noqa: F405
# On Redis, the processes that a test starts share the cache of that test and of no other.
CACHES["default"]["KEY_PREFIX"] = os.environ.get("TEST_CACHE_PREFIX", "")  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
