"""Plays Login with Amazon: gives access tokens for refresh tokens and consent codes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import uuid
from typing import Any
from urllib.parse import parse_qsl

from dispatch.sandbox.realm import APPLICATION, APPLICATION_SECRET, REVOKED, Realm
from dispatch.sandbox.replies import Incoming, Refusal, Reply, as_json, denied
from dispatch.sandbox.world import World

_KEY = b"dispatch sandbox access tokens"
_NOT_REFRESH = "The request has an invalid grant parameter : refresh_token"
_REVOKED_TEXT = f"{_NOT_REFRESH}. User may have revoked or didn't grant the permission."


class Denied(Exception):
    """A token request turned down: ``error``, ``error_description``, status."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description
        self.status = status


def token(realm: Realm, incoming: Incoming) -> Reply:
    """Answer ``POST /auth/o2/token``."""
    try:
        answer = _grant(realm, _form(incoming))
    except Denied as denial:
        return refusal(denial.code, denial.description, denial.status)
    reply = as_json(answer)
    reply.headers["Cache-Control"] = "no-store"
    return reply


def refusal(code: str, description: str, status: int) -> Reply:
    body = {"error": code, "error_description": description, "request_id": str(uuid.uuid4())}
    return as_json(body, status)


def _form(incoming: Incoming) -> dict[str, str]:
    """Read a form, as documented, or JSON, which Amazon understands too."""
    text = incoming.body.decode("utf-8", "replace")
    if "json" not in incoming.headers.get("content-type", ""):
        return dict(parse_qsl(text))
    try:
        raw = json.loads(text)
    except ValueError:
        raise Denied("invalid_request", "The request is malformed") from None
    return {str(k): str(v) for k, v in raw.items()} if isinstance(raw, dict) else {}


def _grant(realm: Realm, form: dict[str, str]) -> dict[str, Any]:
    grants = {"refresh_token": _refresh, "authorization_code": _exchange}
    kind = form.get("grant_type", "")
    if not kind:
        raise _lacking("grant_type")
    if kind not in grants:
        text = "The authorization grant type is not supported by the authorization server"
        raise Denied("unsupported_grant_type", text)
    _check_application(form)
    return _tokens(realm, grants[kind](realm, form))


def _lacking(name: str) -> Denied:
    return Denied("invalid_request", f"The request is missing a required parameter : {name}")


def _check_application(form: dict[str, str]) -> None:
    for name in ("client_id", "client_secret"):
        if not form.get(name):
            raise _lacking(name)
    known = form["client_id"] == APPLICATION
    if not known or not hmac.compare_digest(
        form["client_secret"].encode(), APPLICATION_SECRET.encode()
    ):
        raise Denied("invalid_client", "Client authentication failed", 401)


def _refresh(realm: Realm, form: dict[str, str]) -> World:
    given = form.get("refresh_token")
    if not given:
        raise _lacking("refresh_token")
    world = realm.worlds.get(given)
    if given == REVOKED or (world and world.revoked):
        raise Denied("invalid_grant", _REVOKED_TEXT)
    if world is None:
        raise Denied("invalid_grant", _NOT_REFRESH)
    return world


def _exchange(realm: Realm, form: dict[str, str]) -> World:
    """Take a consent code, which works once, for five minutes, with its own redirect_uri."""
    if not form.get("code"):
        raise _lacking("code")
    kept = realm.codes.pop(form["code"], None)
    if kept is None or kept["expires"] <= realm.wall():
        raise Denied("invalid_grant", "The request has an invalid grant parameter : code")
    if form.get("redirect_uri", kept["redirect_uri"]) != kept["redirect_uri"]:
        text = "The request has an invalid grant parameter : redirect_uri"
        raise Denied("invalid_grant", text)
    world = realm.worlds[kept["refresh_token"]]
    world.revoked, world.role = False, True
    realm.dirty = True
    return world


def _tokens(realm: Realm, world: World) -> dict[str, Any]:
    return {
        "access_token": issue(realm, world),
        "refresh_token": world.refresh_token,
        "token_type": "bearer",
        "expires_in": world.token_seconds,
    }


def issue(realm: Realm, world: World) -> str:
    """Return a signed access token: it survives a restart and needs no memory."""
    now = realm.wall()
    claims = {"s": world.refresh_token, "i": now, "e": now + world.token_seconds}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    return f"Atza|{body}.{_sign(body)}"


def _sign(body: str) -> str:
    return hmac.new(_KEY, body.encode(), hashlib.sha256).hexdigest()


def seller_of(realm: Realm, access_token: str | None) -> World:
    """Return the seller that an access token speaks for; refuses with the gateway's 403."""
    claims = _claims(access_token)
    world = realm.worlds.get(claims["s"])
    if world is None or world.revoked or not world.role:
        raise denied()
    if claims["e"] <= realm.wall() or claims["i"] < world.tokens_from:
        raise denied("The access token you provided has expired.")
    return world


def _claims(access_token: str | None) -> dict[str, Any]:
    if not access_token:
        raise denied("Access token is missing in the request header.")
    body, _, signature = access_token.removeprefix("Atza|").partition(".")
    try:
        sound = hmac.compare_digest(_sign(body), signature)
        claims = json.loads(base64.urlsafe_b64decode(body)) if sound else None
    except (ValueError, TypeError, binascii.Error):
        claims = None
    if not isinstance(claims, dict):
        raise _malformed()
    return claims


def _malformed() -> Refusal:
    return denied("The access token you provided is revoked, malformed or invalid.")
