"""A wrong configuration stops the start with one sentence that names the variable."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from dispatch.configuration import (
    cache_from_url,
    database_from_url,
    parse_field_keys,
    require_local_endpoint,
)

ROOT = Path(__file__).resolve().parent.parent
KEY, OTHER_KEY = base64.b64encode(b"k" * 32).decode(), base64.b64encode(b"o" * 32).decode()
SOUND = {"SECRET_KEY": "s" * 40, "FIELD_KEYS": KEY, "DISPATCH_ENV_FILE": ""}
LOCAL = "http://127.0.0.1:8787"


def start(show: str = "'started'", **environment: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own and print one of them."""
    script = f"import dispatch.settings as s; print({show})"
    return subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": os.environ["PATH"], **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def complaint(**environment: str) -> str:
    """The last line of a start that failed."""
    tried = start(**environment)
    assert tried.returncode != 0, tried.stdout
    return tried.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "too short"),
        ("FIELD_KEYS", ""),
        ("FIELD_KEYS", "not base64!"),
        ("DATABASE_URL", "mysql://root@localhost/x"),
        ("CACHE_URL", "memcached://localhost"),
        ("QUEUE_URL", "amqp://localhost"),
        ("QUEUE_URL", "sqlite:///"),
        ("WORKER_THREADS", "0"),
        ("WORKER_THREADS", "many"),
        ("SP_API_ENDPOINT", "https://sellingpartnerapi-na.example.com"),
        ("SP_API_ENDPOINT", "https://amazon.com.example.com"),
        ("SP_API_ENDPOINT", "http://sellingpartnerapi-na.amazon.com"),
        ("SP_API_TOKEN_URL", "http://127.0.0.1:8787/auth/o2/token"),
        ("SP_API_CONSENT_URL", "https://[::1"),
        ("SECRET_KEY_FILE", "/nowhere/at/all"),
    ],
)
def test_a_wrong_value_stops_the_start_and_is_named(name: str, value: str) -> None:
    said = complaint(**{**SOUND, name: value})
    assert name.removesuffix("_FILE") in said


def test_sound_values_start() -> None:
    assert start(**SOUND).stdout == "started\n"


def test_a_demo_starts_on_this_machine_only() -> None:
    demo = {**SOUND, "DISPATCH_DEMO": "true"}
    for name in ("SP_API_ENDPOINT", "SP_API_TOKEN_URL", "SP_API_CONSENT_URL"):
        demo[name] = LOCAL
    assert start(**demo).stdout == "started\n"
    said = complaint(**{**demo, "SP_API_ENDPOINT": "https://sellingpartnerapi-na.amazon.com"})
    assert "DISPATCH_DEMO" in said
    assert "SP_API_ENDPOINT" in said


def test_a_value_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("f" * 40)
    names = {name: value for name, value in SOUND.items() if name != "SECRET_KEY"}
    assert start("s.SECRET_KEY", SECRET_KEY_FILE=str(file), **names).stdout == "f" * 40 + "\n"


def test_the_local_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "local.env"
    file.write_text(f'SECRET_KEY="{"l" * 40}"\nFIELD_KEYS={KEY}\nDEBUG=on\n# a remark\n')
    shown = start("s.SECRET_KEY[0], s.DEBUG", DISPATCH_ENV_FILE=str(file), SECRET_KEY="e" * 40)
    assert shown.stdout == "e True\n", shown.stderr


def test_a_local_file_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    missing = {**SOUND, "DISPATCH_ENV_FILE": str(tmp_path / "none")}
    assert start(**missing).stdout == "started\n"


def test_debug_is_off_and_cookies_are_for_tls_unless_asked_otherwise() -> None:
    shown = start("s.DEBUG, s.SESSION_COOKIE_SECURE, s.SECURE_SSL_REDIRECT", **SOUND)
    assert shown.stdout == "False True True\n"


def test_keys_are_read_in_their_order() -> None:
    assert parse_field_keys(f"{KEY}, {OTHER_KEY},") == (b"k" * 32, b"o" * 32)


def test_keys_may_be_url_safe() -> None:
    key = base64.urlsafe_b64encode(b"\xff" * 32).decode()
    assert parse_field_keys(key) == (b"\xff" * 32,)


@pytest.mark.parametrize("text", ["", " , ,"])
def test_no_key_is_no_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FIELD_KEYS is missing"):
        parse_field_keys(text)


@pytest.mark.parametrize(
    "text", ["short", "ключ", base64.b64encode(b"k" * 31).decode(), f"{KEY},!!", KEY[:-1], KEY * 2]
)
def test_a_key_of_another_size_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FIELD_KEYS holds") as refused:
        parse_field_keys(text)
    assert text not in str(refused.value)


def test_writers_queue_on_sqlite() -> None:
    options = database_from_url("sqlite:////tmp/x.sqlite3")["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "WAL" in options["init_command"]


def test_postgres_connections_are_pooled_and_checked() -> None:
    config = database_from_url("postgres://u:p%40ss@db:5432/name?sslmode=require", pool="20")
    assert (config["USER"], config["PASSWORD"], config["NAME"]) == ("u", "p@ss", "name")
    assert config["CONN_HEALTH_CHECKS"] is True
    assert config["CONN_MAX_AGE"] == 0
    assert config["OPTIONS"]["sslmode"] == "require"
    assert config["OPTIONS"]["pool"]["max_size"] == 20
    assert config["OPTIONS"]["pool"]["timeout"] <= 10


@pytest.mark.parametrize("size", ["", "0", "-1", "many", "1.5", "²", "1_0"])
def test_a_pool_of_no_size_is_refused(size: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_POOL must be a whole number"):
        database_from_url("postgres://u@db/name", pool=size)


def test_the_pool_comes_from_the_environment() -> None:
    postgres = {**SOUND, "DATABASE_URL": "postgres://u@127.0.0.1:1/x"}
    shown = "s.DATABASES['default']['OPTIONS']['pool']['max_size']"
    assert start(shown, **postgres).stdout == "19\n"
    assert start(shown, **postgres, DATABASE_POOL="3").stdout == "3\n"
    assert "DATABASE_POOL" in complaint(**postgres, DATABASE_POOL="none")


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://x/y", "postgres//x", "http://[", "oracle://"]
)
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        database_from_url(url)


def test_the_error_shows_no_password() -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        database_from_url("mysql://root:hunter2@db/x")
    assert "hunter2" not in str(refused.value)


def test_the_cache_is_the_database_or_redis() -> None:
    assert cache_from_url("")["LOCATION"] == "dispatch_cache"
    assert cache_from_url("redis://r:6379/1")["LOCATION"] == "redis://r:6379/1"


@pytest.mark.parametrize("url", ["memcached://x", "nonsense", "http://["])
def test_another_cache_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CACHE_URL"):
        cache_from_url(url)


@pytest.mark.parametrize("url", [LOCAL, "http://localhost:1", "http://[::1]:8787/x"])
def test_this_machine_is_local(url: str) -> None:
    require_local_endpoint("SP_API_ENDPOINT", url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://sellingpartnerapi-na.amazon.com",
        "http://127.0.0.1@amazon.com",
        "http://127.0.0.1.amazon.com",
        "http://localhost.amazon.com",
        "//amazon.com",
        "http://[",
    ],
)
def test_any_other_machine_is_not(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SP_API_ENDPOINT"):
        require_local_endpoint("SP_API_ENDPOINT", url)


def test_a_database_of_no_kind_is_refused_without_its_password() -> None:
    tried = start(**SOUND, DATABASE_URL="oracel://dispatch:hunter2@db.example.com/x")
    assert tried.returncode != 0
    assert "DATABASE_URL must begin" in tried.stderr or "cannot be read" in tried.stderr
    assert "hunter2" not in tried.stdout + tried.stderr
