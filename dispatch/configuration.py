"""Reads single settings: each function takes a variable's text, and says what is wrong with it.

What cannot be read raises `ImproperlyConfigured` with one sentence that names the variable.
"""

from __future__ import annotations

import base64
import binascii
import warnings
from functools import cache as once
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

POOL = "19"
"""Connections of one process at most: ``web`` has eight threads, ``worker`` nineteen."""
SQLITE_OPTIONS = {
    # Writers queue at BEGIN instead of failing at their first write.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        " PRAGMA mmap_size=1073741824; PRAGMA cache_size=-16384;"
    ),
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Environment(environ.FileAwareEnv):  # type: ignore[misc]
    """The process's environment; a value may also stand in a file named by ``<NAME>_FILE``."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, *args, **kwargs)
        except OSError:
            message = f"{var}_FILE names a file that cannot be read."
            raise ImproperlyConfigured(message) from None


TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0", ""})


def parse_flag(name: str, text: str) -> bool:
    """Read a switch: true, yes, on and 1 are True, and false, no, off, 0 and nothing are False."""
    word = text.strip().casefold()
    if word not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} must be true or false.")
    return word in TRUE


def parse_field_keys(text: str) -> tuple[bytes, ...]:
    """Read ``FIELD_KEYS``: base64 keys of 32 bytes, comma-separated; the first one encrypts."""
    keys = tuple(_field_key(part.strip()) for part in text.split(",") if part.strip())
    if not keys:
        raise ImproperlyConfigured("FIELD_KEYS is missing: at least one base64 key of 32 bytes.")
    return keys


def _field_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise ImproperlyConfigured("FIELD_KEYS holds a key that is not 32 bytes in base64.")
    return key


def database_from_url(url: str, *, pool: str = POOL) -> dict[str, Any]:
    """Return Django's database settings for a ``sqlite:///`` or ``postgres://`` URL.

    ``pool`` is how many connections one process has to PostgreSQL at most.
    """
    try:
        with warnings.catch_warnings():
            # It would show the whole address, with its password.
            warnings.simplefilter("ignore")
            config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    except Exception as error:
        raise ImproperlyConfigured("DATABASE_URL cannot be read.") from error
    if config.get("ENGINE") == "django.db.backends.sqlite3":
        config["OPTIONS"] = dict(SQLITE_OPTIONS)
    elif config.get("ENGINE") == "django.db.backends.postgresql":
        _set_postgresql(config, parse_count("DATABASE_POOL", pool))
    else:
        raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgres://.")
    return config


def _set_postgresql(config: dict[str, Any], connections: int) -> None:
    """Give a process a pool of connections to PostgreSQL, this many at most."""
    config["CONN_MAX_AGE"] = 0  # A thread gives its connection back when it is done.
    config["CONN_HEALTH_CHECKS"] = True
    _give_up_all_when_one_is_dead()
    options = config.setdefault("OPTIONS", {})
    # Our queries are short: compiling one costs more than it saves.
    options.setdefault("options", "-c jit=off")
    options["pool"] = {
        "min_size": 1,
        "max_size": connections,
        # Seconds until somebody who waits for a connection is told that there is none.
        "timeout": 5,
        # Whoever comes after that tries anew: nobody waits out a long pause between attempts
        # when the server is back.
        "reconnect_timeout": 5,
        "max_idle": 60,
    }


@once
def _give_up_all_when_one_is_dead() -> None:
    """Have a pool drop every idle connection as soon as one is found dead.

    When the server was started anew, all of them are. The pool would try them one by one, with a
    pause after each that doubles, and nobody would be served for seconds. Django lets us choose
    neither the pool's class nor its check, so the check is changed where it is.
    """
    from psycopg_pool import ConnectionPool

    check = ConnectionPool.check_connection

    def check_or_drain(connection: Any) -> None:
        try:
            check(connection)
        except Exception:
            connection._pool.drain()
            raise

    ConnectionPool.check_connection = staticmethod(check_or_drain)  # type: ignore[method-assign, assignment]


def cache_from_url(url: str) -> dict[str, Any]:
    """Return Django's cache settings for a ``redis://`` URL; the database without one."""
    if not url:
        return {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "dispatch_cache",
        }
    if url.startswith(("redis://", "rediss://")):
        return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}
    raise ImproperlyConfigured("CACHE_URL must begin with redis:// or rediss://, or be empty.")


def mail_from_url(url: str) -> dict[str, Any]:
    """Return Django's mail settings for a URL such as ``smtp+tls://user:password@host:587``.

    Without one no mail leaves.
    """
    if not url:
        # Not the console: an invitation's link in a log would be an open door.
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    try:
        return {"EMAIL_TIMEOUT": 10, **environ.Env.email_url_config(url)}
    except Exception as error:
        raise ImproperlyConfigured("EMAIL_URL cannot be read.") from error


def queue_from_url(url: str, *, default: str) -> tuple[str, str]:
    """Return the kind of queue (sqlite, redis or postgres) and its place.

    Without a URL it is a SQLite file at ``default``.
    """
    if not url:
        return "sqlite", default
    if url.startswith("sqlite:///") and url != "sqlite:///":
        return "sqlite", url.removeprefix("sqlite:///")
    if url.startswith(("redis://", "rediss://")):
        return "redis", url
    if url.startswith(("postgres://", "postgresql://")):
        return "postgres", url
    raise ImproperlyConfigured(
        "QUEUE_URL must begin with sqlite:///, redis://, rediss:// or postgres://, or be empty."
    )


def parse_count(name: str, text: str) -> int:
    """Read a number of at least one."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ImproperlyConfigured(f"{name} must be a whole number above 0.")
    return int(text)


def require_local_endpoint(name: str, url: str) -> None:
    """Refuse a demo that points at anything but this machine."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if host not in LOOPBACK:
        raise ImproperlyConfigured(
            f"DISPATCH_DEMO is on, so {name} must be an address on this machine."
        )


def require_amazon(name: str, url: str) -> None:
    """Refuse any address but Amazon's, over TLS: what goes there are sellers' credentials."""
    try:
        parts = urlsplit(url)
        amazons = parts.scheme == "https" and (parts.hostname or "").endswith(".amazon.com")
    except ValueError:
        amazons = False
    if not amazons:
        raise ImproperlyConfigured(
            f"{name} must be an https address of Amazon's, or empty; any other is for the demo."
        )


def without_requests(event: Any, hint: Any) -> Any:
    """Return an error report with where it happened, without what was asked and who asked it."""
    for part in ("request", "user", "extra", "breadcrumbs"):
        event.pop(part, None)
    return event
