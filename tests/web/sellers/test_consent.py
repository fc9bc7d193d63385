from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import time_machine
from django.test import Client
from pytest_django import Settings

from dispatch.models import Membership, Person, Seller, SyncJob
from dispatch.sandbox.server import SandboxServer
from dispatch.spapi import Marketplaces
from dispatch.web.sellers import consent

pytestmark = pytest.mark.django_db

APP, SECRET = "amzn1.application-oa2-client.sandbox", "sandbox-secret"
PARTNER = "A2SANDBOXUS001"
CALLBACK = "http://testserver/sellers/callback/"
Role = Membership.Role


@pytest.fixture(scope="module")
def amazon() -> Iterator[SandboxServer]:
    with SandboxServer(jobs=5, rate_limits=False) as server:
        yield server


@pytest.fixture(autouse=True)
def at_amazon(amazon: SandboxServer, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("SP_API_ENDPOINT", amazon.url)
    monkeypatch.setenv("SP_API_TOKEN_URL", f"{amazon.url}/auth/o2/token")
    settings.SP_API_CONSENT_URL = amazon.url


def logged_in(name: str) -> tuple[Person, Client]:
    who = Person.objects.create_user(f"{name}@example.com", "x", name=name)
    client = Client()
    client.force_login(who)
    return who, client


@pytest.fixture
def owner() -> tuple[Person, Client]:
    return logged_in("alice")


@pytest.fixture
def alice(owner: tuple[Person, Client]) -> Client:
    return owner[1]


@pytest.fixture
def seller(owner: tuple[Person, Client]) -> Seller:
    return make_seller(owner[0])


def make_seller(owner: Person, **fields: Any) -> Seller:
    said = {
        "name": "Northlight",
        "marketplace_id": Marketplaces.US.marketplace_id,
        "client_id": APP,
        "client_secret": SECRET,
        "application_id": APP,
        **fields,
    }
    seller = Seller.objects.create(owner=owner, **said)
    Membership.objects.create(person=owner, seller=seller, role=Role.OWNER)
    return seller


def begin(client: Client, seller: Seller) -> str:
    return str(client.post(f"/sellers/{seller.pk}/authorise/")["Location"])


def consent_to(address: str, decision: str = "confirm") -> str:
    """What the seller does at Amazon; the address Amazon then sends the browser to."""
    question = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert requests.get(address, timeout=5).ok
    answer = requests.post(
        address.partition("?")[0],
        data={**question, "decision": decision},
        allow_redirects=False,
        timeout=5,
    )
    return answer.headers["Location"]


def come_back(client: Client, address: str) -> Any:
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}")


def shown_after(client: Client, answer: Any) -> str:
    assert answer.status_code == 302
    return str(client.get(answer["Location"]).content.decode())


class TestThereAndBack:
    def test_it_asks_amazon_for_this_application_and_comes_back_connected(
        self, alice: Client, seller: Seller
    ) -> None:
        address = begin(alice, seller)
        question = parse_qs(urlsplit(address).query)
        assert question["application_id"] == [APP]
        assert question["redirect_uri"] == [CALLBACK]
        page = shown_after(alice, come_back(alice, consent_to(address)))
        seller.refresh_from_db()
        assert "Connected. Amazon accepts these credentials." in page
        assert (seller.refresh_token, seller.selling_partner_id) == ("Atzr|sandbox", PARTNER)
        assert seller.authorised_at is not None
        assert SyncJob.objects.filter(seller=seller).exists()

    def test_it_goes_to_the_marketplace_s_seller_central(
        self, alice: Client, seller: Seller, settings: Settings
    ) -> None:
        settings.SP_API_CONSENT_URL = ""
        Seller.objects.update(marketplace_id=Marketplaces.DE.marketplace_id)
        address = begin(alice, seller)
        host = "https://sellercentral-europe.amazon.com/apps/authorize/consent?"
        assert address.startswith(host + "application_id=")

    def test_it_says_when_the_seller_declined(self, alice: Client, seller: Seller) -> None:
        back = consent_to(begin(alice, seller), "cancel")
        page = shown_after(alice, come_back(alice, back))
        assert "it was cancelled or refused there" in page
        assert "access_denied" in page
        assert Seller.objects.get().refresh_token == ""

    def test_it_says_when_the_code_came_too_late(
        self, alice: Client, seller: Seller, amazon: SandboxServer
    ) -> None:
        back = consent_to(begin(alice, seller))
        amazon.realm.codes.clear()
        page = shown_after(alice, come_back(alice, back))
        assert "came too late or was used already" in page

    def test_it_says_when_another_account_consented(self, alice: Client, seller: Seller) -> None:
        Seller.objects.update(selling_partner_id="A1OTHER")
        page = shown_after(alice, come_back(alice, consent_to(begin(alice, seller))))
        assert "Log in to Seller Central as A1OTHER" in page
        assert Seller.objects.get().refresh_token == ""

    def test_without_an_application_id_it_says_what_lacks(
        self, alice: Client, seller: Seller
    ) -> None:
        Seller.objects.update(application_id="")
        answer = alice.post(f"/sellers/{seller.pk}/authorise/")
        assert answer["Location"] == f"/sellers/{seller.pk}/"
        assert "Enter the application id" in shown_after(alice, answer)

    def test_a_marketplace_without_consent_page_says_so(
        self, alice: Client, seller: Seller, settings: Settings
    ) -> None:
        settings.SP_API_CONSENT_URL = ""
        Seller.objects.update(marketplace_id=Marketplaces.EG.marketplace_id)
        page = shown_after(alice, alice.post(f"/sellers/{seller.pk}/authorise/"))
        assert "Paste a refresh token." in page


class TestState:
    REFUSED = "not one you began here"

    def test_it_works_once(self, alice: Client, seller: Seller) -> None:
        back = consent_to(begin(alice, seller))
        come_back(alice, back)
        assert self.REFUSED in shown_after(alice, come_back(alice, back))

    def test_it_is_used_up_by_a_refusal_too(self, alice: Client, seller: Seller) -> None:
        back = consent_to(begin(alice, seller), "cancel")
        come_back(alice, back)
        assert self.REFUSED in shown_after(alice, come_back(alice, back))

    def test_it_ends_after_ten_minutes(self, alice: Client, seller: Seller) -> None:
        back = consent_to(begin(alice, seller))
        with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10, seconds=5)):
            assert self.REFUSED in shown_after(alice, come_back(alice, back))
        assert Seller.objects.get().refresh_token == ""

    def test_it_belongs_to_the_person_who_began(self, alice: Client, seller: Seller) -> None:
        bob, client = logged_in("bob")
        Membership.objects.create(person=bob, seller=seller, role=Role.OWNER)
        back = consent_to(begin(alice, seller))
        assert self.REFUSED in shown_after(client, come_back(client, back))
        assert Seller.objects.get().refresh_token == ""

    def test_it_does_not_outlive_the_role(
        self, owner: tuple[Person, Client], seller: Seller
    ) -> None:
        back = consent_to(begin(owner[1], seller))
        Membership.objects.filter(seller=seller).update(role=Role.AUDITOR)
        assert come_back(owner[1], back).status_code == 404

    @pytest.mark.parametrize("state", ["", "made:up:state", "\0", "💥", "x" * 5000])
    def test_a_made_up_one_is_refused(self, alice: Client, seller: Seller, state: str) -> None:
        answer = alice.get("/sellers/callback/", {"state": state, "spapi_oauth_code": "c"})
        assert self.REFUSED in shown_after(alice, answer)

    @pytest.mark.parametrize("partner", ["x" * 500, "<script>", "\0"])
    def test_a_partner_id_that_is_none_is_refused(
        self, owner: tuple[Person, Client], seller: Seller, partner: str
    ) -> None:
        state = consent.make_state(owner[0], seller)
        answer = owner[1].get(
            "/sellers/callback/",
            {"state": state, "spapi_oauth_code": "c", "selling_partner_id": partner},
        )
        assert "gave no authorisation" in shown_after(owner[1], answer)


class TestHeaders:
    def test_nobody_learns_the_addresses(self, alice: Client, seller: Seller) -> None:
        for answer in (
            alice.post(f"/sellers/{seller.pk}/authorise/"),
            alice.get("/sellers/callback/?state=x"),
            Client().get("/sellers/callback/?state=x"),
        ):
            assert answer["Referrer-Policy"] == "no-referrer"

    def test_the_page_with_the_form_may_lead_to_the_consent_page(
        self, alice: Client, seller: Seller, amazon: SandboxServer
    ) -> None:
        policy = alice.get(f"/sellers/{seller.pk}/")["Content-Security-Policy"]
        assert f"form-action 'self' {amazon.url}" in policy
        assert amazon.url not in alice.get("/sellers/")["Content-Security-Policy"]

    def test_a_page_with_a_form_sends_its_own_origin(self, alice: Client, seller: Seller) -> None:
        assert alice.get(f"/sellers/{seller.pk}/")["Referrer-Policy"] == "same-origin"


class TestBegunAtAmazon:
    LINK = {
        "amazon_callback_uri": "https://sellercentral.amazon.com/apps/authorize/confirm/app?a=1",
        "amazon_state": "amazons state",
        "selling_partner_id": PARTNER,
    }

    def test_it_asks_for_which_seller(self, alice: Client, seller: Seller) -> None:
        answer = alice.get("/sellers/login/", self.LINK)
        page = answer.content.decode()
        assert "Northlight" in page
        assert "sellercentral.amazon.com" in page
        assert "https://sellercentral.amazon.com" in answer["Content-Security-Policy"]

    def test_it_goes_back_to_amazon_with_both_states(self, alice: Client, seller: Seller) -> None:
        answer = alice.post("/sellers/login/", {**self.LINK, "seller": seller.pk})
        address = urlsplit(answer["Location"])
        query = parse_qs(address.query)
        assert address.hostname == "sellercentral.amazon.com"
        assert query["a"] == ["1"]
        assert query["amazon_state"] == ["amazons state"]
        assert query["redirect_uri"] == [CALLBACK]
        assert "version" not in query
        assert answer["Referrer-Policy"] == "no-referrer"

    def test_its_state_is_good_for_the_callback(
        self, owner: tuple[Person, Client], seller: Seller
    ) -> None:
        answer = owner[1].post("/sellers/login/", {**self.LINK, "seller": seller.pk})
        state = parse_qs(urlsplit(answer["Location"]).query)["state"][0]
        assert consent.spend_state(state, owner[0]) == seller.pk

    def test_a_draft_application_stays_one(self, alice: Client, seller: Seller) -> None:
        data = {**self.LINK, "seller": seller.pk, "version": "beta"}
        assert "version=beta" in alice.post("/sellers/login/", data)["Location"]

    def test_it_offers_only_one_s_own_sellers(self, alice: Client, seller: Seller) -> None:
        strangers = make_seller(logged_in("charlie")[0], name="Charlie's")
        assert "Charlie" not in alice.get("/sellers/login/", self.LINK).content.decode()
        for wrong in (strangers.pk, "no-uuid", "\0", ""):
            answer = alice.post("/sellers/login/", {**self.LINK, "seller": wrong})
            assert answer.status_code == 422

    def test_without_a_seller_it_says_what_to_do(self, alice: Client) -> None:
        page = alice.get("/sellers/login/", self.LINK).content.decode()
        assert "Connect a seller with its client id" in page

    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.example/apps/authorize/confirm/x",
            "https://sellercentral.amazon.com.evil.example/",
            "https://sellercentral.amazon.com@evil.example/",
            "https://evil.example\\@sellercentral.amazon.com/",
            "https://evil.example\\.sellercentral.amazon.com/",
            "https://evilamazon.com/",
            "https://s3.amazon.com/",
            "https://sellercentral.amazon.com:8443/",
            "https://sellercentral.amazon.com:no/",
            "https://user:pw@sellercentral.amazon.com/",
            "http://sellercentral.amazon.com/",
            "//sellercentral.amazon.com/",
            "javascript:alert(1)//sellercentral.amazon.com",
            "https://[::1/",
            "https://seller\tcentral.amazon.com/\n",
            "https://sellercentral.amаzon.com/",
            "/jobs/",
            "",
        ],
    )
    def test_it_goes_nowhere_but_to_amazon(
        self, alice: Client, seller: Seller, address: str
    ) -> None:
        data = {**self.LINK, "amazon_callback_uri": address}
        assert alice.get("/sellers/login/", data).status_code == 404
        assert alice.post("/sellers/login/", {**data, "seller": seller.pk}).status_code == 404

    def test_the_demo_s_own_consent_page_counts_as_amazon(
        self, alice: Client, seller: Seller, amazon: SandboxServer
    ) -> None:
        data = {**self.LINK, "amazon_callback_uri": f"{amazon.url}/apps/authorize/confirm"}
        assert alice.get("/sellers/login/", data).status_code == 200

    def test_a_shop_s_bare_host_is_amazon_s_too(self) -> None:
        for host in ("amazon.com", "amazon.co.jp", "sellercentral-europe.amazon.com"):
            assert consent.amazon_address(f"https://{host}/x") == f"https://{host}/x"
