"""Where credentials come from, and what happens when they do not."""

from __future__ import annotations

import pickle

import pytest

from dispatch.spapi import MissingCredentials
from dispatch.spapi.credentials import Credentials, as_credentials, find_credentials

FULL = {
    "SP_API_REFRESH_TOKEN": "env-token",
    "LWA_APP_ID": "env-id",
    "LWA_CLIENT_SECRET": "env-secret",
}
GIVEN = {"refresh_token": "token", "lwa_app_id": "id", "lwa_client_secret": "secret"}


def values(credentials: Credentials) -> tuple[str, str, str]:
    return credentials.refresh_token, credentials.lwa_app_id, credentials.lwa_client_secret


def test_the_argument_wins():
    assert values(find_credentials(given=GIVEN, environment=FULL)) == ("token", "id", "secret")


def test_the_refresh_token_argument_wins_over_all():
    found = find_credentials(given=GIVEN, refresh_token="mine", environment={})
    assert found.refresh_token == "mine"
    found = find_credentials(refresh_token="mine", environment=FULL)
    assert values(found) == ("mine", "env-id", "env-secret")


def test_the_environment_comes_next():
    found = find_credentials(environment=FULL, providers=[lambda account: GIVEN])
    assert values(found) == ("env-token", "env-id", "env-secret")


def test_an_account_has_variables_of_its_own():
    environment = {**FULL, "SP_API_REFRESH_TOKEN_shop": "shop-token"}
    assert find_credentials("shop", environment=environment).refresh_token == "shop-token"
    assert find_credentials("shop", environment=environment).lwa_app_id == "env-id"
    assert find_credentials("other", environment=environment).refresh_token == "env-token"


def test_the_default_account_has_no_suffix():
    environment = {**FULL, "LWA_APP_ID_default": "wrong"}
    assert find_credentials(environment=environment).lwa_app_id == "env-id"


def test_providers_are_asked_in_order_with_the_account():
    asked = []

    def knows_nothing(account):
        asked.append(account)

    found = find_credentials(
        "shop", environment={}, providers=[knows_nothing, lambda account: GIVEN, knows_nothing]
    )
    assert values(found) == ("token", "id", "secret")
    assert asked == ["shop"]


def test_half_a_provider_is_passed_over():
    half = {"refresh_token": "half"}
    found = find_credentials(environment={}, providers=[lambda a: half, lambda a: GIVEN])
    assert found.refresh_token == "token"


class Vault:
    def __init__(self, account):
        self.account = account

    def __call__(self, account):
        return {**GIVEN, "refresh_token": f"{self.account}-{account}"}


class OlderStyle:
    def __init__(self, account, *args, **kwargs):
        self.credentials = None

    def load_credentials(self):
        self.credentials = GIVEN


def test_providers_may_be_classes():
    found = find_credentials("shop", environment={}, providers=[Vault])
    assert found.refresh_token == "shop-shop"
    assert values(find_credentials(environment={}, providers=[OlderStyle]))[0] == "token"
    assert values(find_credentials(environment={}, providers=[GIVEN]))[0] == "token"


def test_given_credentials_are_never_filled_up_with_somebody_elses():
    with pytest.raises(MissingCredentials) as caught:
        find_credentials(given={"lwa_app_id": "id", "lwa_client_secret": "s"}, environment=FULL)
    assert caught.value.missing == ("refresh_token",)


@pytest.mark.parametrize("name", list(FULL))
def test_what_lacks_is_named(name):
    environment = {key: value for key, value in FULL.items() if key != name}
    with pytest.raises(MissingCredentials, match=name):
        find_credentials(environment=environment)


def test_nothing_at_all_names_everything():
    with pytest.raises(MissingCredentials) as caught:
        find_credentials(environment={}, providers=[lambda account: None])
    assert len(caught.value.missing) == 3
    assert pickle.loads(pickle.dumps(caught.value)).missing == caught.value.missing  # noqa: S301


def test_newlines_of_secret_files_are_dropped():
    assert as_credentials({"refresh_token": "a\n", "lwa_app_id": None}).refresh_token == "a"


def test_digests_name_application_and_seller():
    one = Credentials("token", "id", "secret")
    assert one.digest("x") == Credentials("token", "id", "rotated").digest("x")
    assert one.digest("x") != one.digest("y")
    assert one.digest("x") != Credentials("other", "id", "secret").digest("x")
    assert one.digest("x") != Credentials("token", "other", "secret").digest("x")
    assert "token" not in one.digest("x")


def test_they_show_nothing():
    assert repr(Credentials("token", "id", "secret")) == "<Credentials>"
