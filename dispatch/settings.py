"""Settings, all from the environment; each can also come from a file named by ``<NAME>_FILE``.

A missing or wrong value stops the start with one sentence that names the variable.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from dispatch.configuration import (
    POOL,
    Environment,
    cache_from_url,
    database_from_url,
    mail_from_url,
    parse_count,
    parse_field_keys,
    parse_flag,
    queue_from_url,
    require_amazon,
    require_local_endpoint,
    without_requests,
)

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = Environment()
# The first local start writes its own secrets there, mode 0600; a host's environment wins.
if local_env := os.environ.get("DISPATCH_ENV_FILE", str(VAR_DIR / "local.env")):
    environ.Env.read_env(local_env, overwrite=False)


def flag(name: str, *, default: bool) -> bool:
    """A switch of the environment, or its default where it is not set."""
    return parse_flag(name, env.str(name, default=str(default)))


DEBUG: bool = flag("DEBUG", default=False)
SECRET_KEY: str = env.str("SECRET_KEY", default="")
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("SECRET_KEY is missing or shorter than 32 characters.")
FIELD_KEYS: tuple[bytes, ...] = parse_field_keys(env.str("FIELD_KEYS", default=""))
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

# --- Amazon -----------------------------------------------------------------------------------
DISPATCH_DEMO: bool = flag("DISPATCH_DEMO", default=False)
SP_API_ENDPOINT: str = env.str("SP_API_ENDPOINT", default="")
SP_API_TOKEN_URL: str = env.str("SP_API_TOKEN_URL", default="")
# Where a seller consents; empty means the marketplace's own Seller Central.
SP_API_CONSENT_URL: str = env.str("SP_API_CONSENT_URL", default="")
for _name in ("SP_API_ENDPOINT", "SP_API_TOKEN_URL", "SP_API_CONSENT_URL"):
    if DISPATCH_DEMO:
        require_local_endpoint(_name, env.str(_name, default=""))
    elif _url := env.str(_name, default=""):
        require_amazon(_name, _url)

# What a proof's SHA-256 is taken of; Amazon does not say.
DOCUMENT_HASH_OF: str = env.str("DOCUMENT_HASH_OF", default="plaintext")
if DOCUMENT_HASH_OF not in ("plaintext", "ciphertext"):
    raise ImproperlyConfigured("DOCUMENT_HASH_OF must be plaintext or ciphertext.")

# --- Application ------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "template_partials",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "dispatch",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dispatch.web.shell.middleware.WhoAsks",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "dispatch.web.account.presence.Presence",
    "dispatch.web.shell.middleware.PrivatePages",
]
ROOT_URLCONF = "dispatch.urls"
WSGI_APPLICATION = "dispatch.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "django.templatetags.i18n",
                "dispatch.web.shell.dates",
                "dispatch.web.shell.tags",
                "dispatch.web.jobs.tags",
                "dispatch.web.jobs.wording",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dispatch.web.shell.navigation.context",
                "dispatch.web.activity.alarms.context",
            ],
        },
    },
]
FORM_RENDERER = "dispatch.web.shell.forms.Renderer"

# --- Figures for the host -----------------------------------------------------------------------
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
if METRICS_TOKEN and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    # Where the processes of one machine add up their figures; read before anything counts.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(VAR_DIR / "metrics")
    (VAR_DIR / "metrics").mkdir(parents=True, exist_ok=True)

# --- Storage ----------------------------------------------------------------------------------
DATABASES = {
    "default": database_from_url(
        env.str("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'dispatch.sqlite3'}"),
        pool=env.str("DATABASE_POOL", default=POOL),
    )
}
CACHES = {"default": cache_from_url(env.str("CACHE_URL", default=""))}
# A file of its own: looking for work never takes the application's write lock.
QUEUE = queue_from_url(env.str("QUEUE_URL", default=""), default=str(VAR_DIR / "queue.sqlite3"))
WORKER_THREADS: int = parse_count("WORKER_THREADS", env.str("WORKER_THREADS", default="8"))
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# Plain http is for the machine itself; any other host is reached over TLS.
SECURE_COOKIES: bool = flag("SECURE_COOKIES", default=not (DEBUG or DISPATCH_DEMO))

# --- People -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "dispatch.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "dispatch.services.access.passwords.FourClasses"},
    {"NAME": "dispatch.services.access.passwords.NoPartOfTheName"},
    {"NAME": "dispatch.services.access.passwords.NotUsedBefore"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/jobs/"
ACCOUNT_ADAPTER = "dispatch.web.account.views.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_PRESERVE_USERNAME_CASING = False
# Accounts are locked by `dispatch.services.access.lockout`; this only slows one address.
ACCOUNT_RATE_LIMITS = {"login_failed": "60/m/ip", "login": "60/m/ip"}
ACCOUNT_FORMS = {"change_password": "dispatch.web.account.views.ChangePasswordForm"}
# Behind TLS there is a proxy, and the last address it forwards is the one it saw itself.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if SECURE_COOKIES else 0

# A stranger looks around the demo in a minute; everywhere else a password alone is not enough.
SECOND_FACTOR_REQUIRED: bool = flag("SECOND_FACTOR_REQUIRED", default=not DISPATCH_DEMO)
MFA_ADAPTER = "dispatch.web.account.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Dispatch"
MFA_FORMS = {
    "authenticate": "dispatch.web.account.second_factor.AuthenticateForm",
    "authenticate_webauthn": "dispatch.web.account.second_factor.AuthenticateWebAuthnForm",
    "reauthenticate": "dispatch.web.account.second_factor.ReauthenticateForm",
    "reauthenticate_webauthn": "dispatch.web.account.second_factor.ReauthenticateWebAuthnForm",
    "add_webauthn": "dispatch.web.account.second_factor.AddPasskeyForm",
}

# Amazon's Data Protection Policy: nobody stays logged in who is not there.
IDLE_MINUTES = 15
# A technician's phone is out of the hand more than in it, in basements and on ladders: it stays
# logged in for a shift, and is locked after five minutes instead.
TECHNICIAN_SESSION_HOURS: int = parse_count(
    "TECHNICIAN_SESSION_HOURS", env.str("TECHNICIAN_SESSION_HOURS", default="12")
)
TECHNICIAN_LOCK_MINUTES = 5
ACCOUNT_SESSION_REMEMBER = True  # How long is decided here, not by a tick at the log-in.
SESSION_COOKIE_AGE = TECHNICIAN_SESSION_HOURS * 3600

# --- Mail: without a server none leaves; links are handed over by hand ----------------------------
DEFAULT_FROM_EMAIL: str = env.str("MAIL_FROM", default="dispatch@localhost")
_mail = mail_from_url(env.str("EMAIL_URL", default=""))
EMAIL_BACKEND: str = env.str("EMAIL_BACKEND", default=_mail.pop("EMAIL_BACKEND"))
globals().update(_mail)

# --- Browser ----------------------------------------------------------------------------------
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SECURE_SSL_REDIRECT = SECURE_COOKIES
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_COOKIES else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_COOKIES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_COOKIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "dispatch.web.shell.errors.expired_form"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "screen-wake-lock",
        "usb",
        "xr-spatial-tracking",
    )
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 10

# --- Static files, language, time ---------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "dispatch.web.shell.bundles.BundlingStorage"},
}
# English is the only language yet; docs/languages.md says how another one comes.
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Logs: one line each, to standard error, for the host to collect -----------------------------
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # urllib3 tells whole addresses, and a presigned address is a key.
    "loggers": {
        "urllib3": {"level": "INFO"},
        # It tells every ring and every answer.
        "huey": {"level": "WARNING"},
        # A 404's line holds the address as somebody typed it: it may be a phone number.
        "django.request": {"level": "ERROR"},
    },
}

# --- Errors reported elsewhere, when asked for: never with values, requests or people ------------
if SENTRY_DSN := env.str("SENTRY_DSN", default=""):
    import sentry_sdk

    try:
        sentry_sdk.init(
            dsn=SENTRY_DSN,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            before_send=without_requests,
        )
    except sentry_sdk.utils.BadDsn as error:
        raise ImproperlyConfigured("SENTRY_DSN cannot be read.") from error
