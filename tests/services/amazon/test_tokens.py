"""Access tokens: shared by all processes, sealed, renewed by one at a time."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from dispatch.models import Seller
from dispatch.services.amazon import tokens
from dispatch.services.amazon.client import connect
from dispatch.services.amazon.tokens import SharedTokenCache
from tests.conftest import Amazon, MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]
SOON = time.time() + 3600


def kept() -> str:
    """Everything that the cache holds, as it holds it."""
    config = settings.CACHES["default"]
    if config["BACKEND"].endswith("RedisCache"):
        with redis.from_url(config["LOCATION"]) as client:
            return str([client.get(key) for key in client.scan_iter(f"*{config['KEY_PREFIX']}*")])
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key, value FROM dispatch_cache")
        return str(cursor.fetchall())


def test_a_token_put_is_there_for_every_process() -> None:
    SharedTokenCache().put("k", "Atza|one", SOON)
    assert SharedTokenCache().get("k") == ("Atza|one", SOON)


def test_there_is_none_before_one_is_put() -> None:
    assert SharedTokenCache().get("k") is None


def test_a_forgotten_token_is_gone() -> None:
    shared = SharedTokenCache()
    shared.put("k", "Atza|one", SOON)
    shared.forget("k")
    assert shared.get("k") is None


def test_a_token_is_sealed_in_the_cache() -> None:
    SharedTokenCache().put("k", "Atza|one", SOON)
    sealed = cache.get("lwa.k")
    assert sealed.startswith("v1.")
    assert "Atza" not in kept()


def test_a_token_of_another_seller_does_not_open() -> None:
    shared = SharedTokenCache()
    shared.put("mine", "Atza|one", SOON)
    cache.set("lwa.theirs", cache.get("lwa.mine"))
    assert shared.get("theirs") is None


def test_a_token_sealed_with_a_key_that_is_gone_is_no_token(settings: Any) -> None:
    shared = SharedTokenCache()
    shared.put("k", "Atza|one", SOON)
    settings.FIELD_KEYS = (b"n" * 32,)
    assert shared.get("k") is None


@pytest.mark.parametrize("junk", ["", "nonsense", "v1.a.b", 7, ["x"], {"a": 1}])
def test_junk_in_the_cache_is_no_token(junk: Any) -> None:
    cache.set("lwa.k", junk)
    assert SharedTokenCache().get("k") is None


def test_a_token_that_has_ended_can_still_be_put() -> None:
    SharedTokenCache().put("k", "Atza|one", time.time() - 100)


def test_two_sellers_share_no_lock() -> None:
    shared = SharedTokenCache()
    with shared.lock("one"), shared.lock("two"):
        pass


def test_a_lock_is_released_when_a_renewal_fails() -> None:
    shared = SharedTokenCache()
    with pytest.raises(RuntimeError), shared.lock("k"):
        raise RuntimeError
    with shared.lock("k"):
        pass


def test_a_lock_of_a_dead_process_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "LOCK_SECONDS", 0.2)
    cache.add("lwa.k.lock", 1, 60)
    started = time.monotonic()
    with SharedTokenCache().lock("k"):
        assert 0.2 <= time.monotonic() - started < 5


@pytest.mark.django_db(transaction=True)
def test_processes_renew_one_at_a_time() -> None:
    inside, most = 0, 0

    def renew() -> None:
        nonlocal inside, most
        with SharedTokenCache().lock("k"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1
        connection.close()

    threads = [threading.Thread(target=renew) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_many_calls_need_one_token(seller: Seller, amazon: Amazon, make_job: MakeJob) -> None:
    amazon.scenario(make_job())
    before = len(amazon.calls("token"))
    for _ in range(3):
        with connect(seller, interactive=True) as client:
            client.get_service_job_by_service_job_id("JOB-0001")
    assert len(amazon.calls("token")) - before == 1
    assert "Atza" not in kept()


def test_a_token_that_amazon_rejects_is_renewed_once(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.scenario(make_job())
    with connect(seller, interactive=True) as client:
        client.get_service_job_by_service_job_id("JOB-0001")
        amazon.control("tokens", {"expireAccessTokens": True})
        client.get_service_job_by_service_job_id("JOB-0001")
    statuses = [call["status"] for call in amazon.calls("getServiceJobByServiceJobId")]
    assert statuses == [200, 403, 200]
