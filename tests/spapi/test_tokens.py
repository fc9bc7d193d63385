"""Access tokens: asked for rarely, kept well, and refused with the reason."""

from __future__ import annotations

import pickle
import threading

import pytest

from dispatch.spapi import (
    AccessTokenClient,
    AuthorizationError,
    LocalTokenCache,
    MissingCredentials,
    Reply,
)
from dispatch.spapi import (
    tokens as module,
)
from dispatch.spapi.transport import FaultKind, TransportFault


@pytest.fixture
def cache(time):
    return LocalTokenCache(clock=time.clock)


@pytest.fixture
def make(environment, credentials, cache, time):
    def make(**options):
        defaults = {
            "credentials": credentials,
            "token_cache": cache,
            "clock": time.clock,
            "sleep": time.sleep,
        }
        return AccessTokenClient(**{**defaults, **options})

    return make


def test_it_asks_as_login_with_amazon_wants_it(make, amazon, credentials):
    assert make().get_auth().access_token == "Atza|token-1"
    heard = amazon.token_requests[0]
    assert (heard.method, heard.target) == ("POST", "/auth/o2/token")
    assert heard.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert heard.form == {
        "grant_type": "refresh_token",
        "refresh_token": credentials["refresh_token"],
        "client_id": credentials["lwa_app_id"],
        "client_secret": credentials["lwa_client_secret"],
    }


def test_a_token_is_kept_until_a_minute_before_its_end(make, amazon, time):
    client = make()
    client.get_auth()
    time.now += 3539
    assert client.get_auth().access_token == "Atza|token-1"
    time.now += 1
    assert client.get_auth().access_token == "Atza|token-2"


def test_clients_share_the_cache_by_application_seller_and_host(make, amazon, credentials):
    make().get_auth()
    assert make().get_auth().access_token == "Atza|token-1"
    assert make(refresh_token="Atzr|other").get_auth().access_token == "Atza|token-2"
    other = {**credentials, "lwa_app_id": "amzn1.other"}
    assert make(credentials=other).get_auth().access_token == "Atza|token-3"
    elsewhere = amazon.url.replace("127.0.0.1", "localhost") + "/auth/o2/token"
    assert make(token_url=elsewhere).get_auth().access_token == "Atza|token-4"


def test_an_empty_cache_of_ones_own_is_not_mistaken_for_none(make, time):
    class Empty(LocalTokenCache):
        def __len__(self):
            return 0

    mine = Empty(clock=time.clock)
    make(token_cache=mine).get_auth()
    assert len(mine._tokens) == 1


def test_cache_keys_give_nothing_away(make, cache, credentials):
    make().get_auth()
    (key,) = cache._tokens
    assert not any(secret in key for secret in credentials.values())
    assert "Atz" not in key


@pytest.mark.parametrize("renewing", [False, True])
def test_many_threads_renew_once(renewing, make, amazon, say):
    amazon.token_script.append(say(200, {"access_token": "Atza|a", "expires_in": 3600}, stall=0.05))
    rejected = make().get_auth() if renewing else None
    found, start = [], threading.Barrier(12)

    def ask():
        client = make()
        start.wait()
        found.append(client.renew(rejected) if rejected else client.get_auth())

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({token.access_token for token in found}) == 1
    assert len(amazon.token_requests) == (2 if renewing else 1)


def test_a_new_token_is_known_as_fresh_and_a_kept_one_is_not(make):
    assert make().get_auth().fresh
    assert not make().get_auth().fresh


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, "invalid_grant"),
        (401, "invalid_client"),
        (400, "unauthorized_client"),
        (400, "invalid_request"),
        (400, "invalid_scope"),
        (400, "access_denied"),
    ],
)
def test_a_refusal_is_final_and_carries_amazons_words(status, error, make, amazon, say, time):
    words = {"error": error, "error_description": "The reason", "request_id": "lwa-7"}
    amazon.token_script.append(say(status, words))
    with pytest.raises(AuthorizationError) as caught:
        make().get_auth()
    raised = caught.value
    assert (raised.error, raised.error_description) == (error, "The reason")
    assert (raised.error_code, raised.message) == (error, "The reason")
    assert (raised.status_code, raised.request_id) == (status, "lwa-7")
    assert not raised.transient
    assert len(amazon.token_requests) == 1
    assert time.naps == []


@pytest.mark.parametrize(
    "bad",
    [
        (500, {"error": "server_error"}),
        (503, {"error": "temporarily_unavailable"}),
        (400, {"error": "temporarily_unavailable"}),
        (502, b"<html>"),
        (200, b""),
        (200, {"token": "none"}),
        (200, {"access_token": "Atza|with\nnewline"}),
        (200, ["Atza|x"]),
    ],
)
def test_what_passes_is_tried_again(bad, make, amazon, say):
    amazon.token_script += [say(*bad), say(*bad)]
    assert make().get_auth().access_token == "Atza|token-3"


def test_a_broken_connection_is_tried_again(make, amazon, say):
    amazon.token_script.append(say(cut=0))
    assert make().get_auth().access_token == "Atza|token-2"


def test_it_gives_up_after_a_few_tries(make, amazon, say, time):
    amazon.token_script += [say(503, {"error": "temporarily_unavailable"})] * 9
    with pytest.raises(AuthorizationError) as caught:
        make().get_auth()
    assert caught.value.transient
    assert len(amazon.token_requests) == 4
    assert sum(time.naps) < 15


def test_no_answer_at_all_is_transient(make):
    def nobody(request):
        raise TransportFault(FaultKind.NOT_SENT)

    with pytest.raises(AuthorizationError) as caught:
        make(transport=nobody).get_auth()
    assert caught.value.transient
    assert caught.value.status_code == 0


def test_a_refused_answer_leaves_nothing_in_the_cache(make, amazon, say, cache):
    first = make()
    first.get_auth()
    amazon.token_script.append(say(400, {"error": "invalid_grant", "error_description": ""}))
    with pytest.raises(AuthorizationError):
        first.renew(first.get_auth())
    assert cache._tokens == {}


@pytest.mark.parametrize("lifetime", [None, "soon", -5, 0, float("nan"), []])
def test_an_odd_lifetime_is_an_hour(lifetime, make, amazon, say, time):
    amazon.token_script.append(say(200, {"access_token": "Atza|x", "expires_in": lifetime}))
    assert make().get_auth().expires_at == time.now + 3600


def test_an_authorization_code_becomes_a_grant(make, amazon, say, credentials):
    grant = {"access_token": "Atza|x", "refresh_token": "Atzr|new", "expires_in": 3600}
    amazon.token_script.append(say(200, {**grant, "token_type": "bearer"}))
    application = {**credentials, "refresh_token": ""}
    assert make(credentials=application).exchange_code("CODE", "https://us/back") == grant
    assert amazon.token_requests[0].form == {
        "grant_type": "authorization_code",
        "code": "CODE",
        "redirect_uri": "https://us/back",
        "client_id": credentials["lwa_app_id"],
        "client_secret": credentials["lwa_client_secret"],
    }


def test_a_code_that_ran_out_is_refused(make, amazon, say):
    words = {"error": "invalid_grant", "error_description": "code CODE-9 has expired"}
    amazon.token_script.append(say(400, words))
    with pytest.raises(AuthorizationError, match="invalid_grant") as caught:
        make().exchange_code("CODE-9", "https://us/back")
    assert "CODE-9" not in caught.value.error_description


def test_a_grant_without_refresh_token_is_no_grant(make):
    with pytest.raises(AuthorizationError, match="no refresh token"):
        make().exchange_code("CODE", "https://us/back")


def test_without_refresh_token_there_is_nothing_to_exchange(make, credentials):
    with pytest.raises(MissingCredentials):
        make(credentials={**credentials, "refresh_token": ""}).get_auth()


def test_the_cache_stays_small(cache, time, monkeypatch):
    monkeypatch.setattr(module, "TOKENS_KEPT", 10)
    for number in range(10):
        cache.put(str(number), "t", time.now - 1)
    cache.put("new", "t", time.now + 1)
    assert list(cache._tokens) == ["new"]
    for number in range(100):
        cache.put(f"n{number}", "t", time.now + 1)
    assert len(cache._tokens) <= 10


def test_the_transport_may_be_any_function(make):
    transport = lambda request: Reply(200, {}, b'{"access_token": "Atza|f", "expires_in": 9}')  # noqa: E731
    assert make(transport=transport).get_auth().access_token == "Atza|f"


def test_errors_survive_the_queue():
    error = AuthorizationError("invalid_grant", "gone", 400, "r-1")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (copy.error, copy.status_code, str(copy)) == ("invalid_grant", 400, str(error))
