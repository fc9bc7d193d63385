"""The page on which a seller lets an application in."""

from __future__ import annotations

import secrets
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

from dispatch.sandbox.realm import APPLICATION, DE, Realm
from dispatch.sandbox.replies import Incoming, Reply, as_html

CODE_SECONDS = 300
_DEFAULT_REDIRECT = "http://127.0.0.1:8000/sellers/callback/"
_LOOPBACK = {"localhost", "127.0.0.1", "::1", "testserver"}
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.5rem 1.25rem;margin-right:.5rem}"
    "fieldset{border:1px solid #888;margin:1rem 0;padding:.5rem 1rem}label{display:block}"
)


def page(realm: Realm, incoming: Incoming) -> Reply:
    """Show the question on ``GET``, and take the answer on ``POST``."""
    fields = dict(parse_qsl(incoming.query))
    if incoming.method == "POST":
        fields = dict(parse_qsl(incoming.body.decode("utf-8", "replace")))
    problem = _problem(fields)
    if problem:
        return as_html(_document("Authorisation not possible", f"<p>{escape(problem)}</p>"), 400)
    if incoming.method == "POST":
        return _answer(realm, fields)
    return as_html(_question(realm, fields))


def _problem(fields: dict[str, str]) -> str | None:
    if fields.get("application_id") != APPLICATION:
        return "The application is not known here."
    if not fields.get("state"):
        return "The request carries no state."
    if not _allowed(_redirect(fields)):
        return "The redirect address is not one of this application's."
    return None


def _redirect(fields: dict[str, str]) -> str:
    return fields.get("redirect_uri") or _DEFAULT_REDIRECT


def _allowed(address: str) -> bool:
    """Tell whether an address leads back to this machine: a sandbox sends nobody elsewhere."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    plain = not parts.username and not parts.password and not parts.fragment
    return parts.scheme in {"http", "https"} and host in _LOOPBACK and plain


def _question(realm: Realm, fields: dict[str, str]) -> str:
    kept = ("application_id", "state", "redirect_uri")
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(fields[name])}">'
        for name in kept
        if fields.get(name)
    )
    sellers = "".join(
        f'<label><input type="radio" name="seller" value="{world.selling_partner_id}"'
        f"{' checked' if index == 0 else ''}> {escape(world.name)}"
        f" ({'DE' if world.marketplace_id == DE else 'US'})</label>"
        for index, world in enumerate(realm.worlds.values())
    )
    form = (
        "<p>The application <strong>Dispatch (sandbox)</strong> asks for access to your "
        "seller account: to read and change service jobs, appointments and schedules.</p>"
        f'<form method="post" action="/apps/authorize/consent">{hidden}'
        f"<fieldset><legend>Seller account</legend>{sellers}</fieldset>"
        '<button type="submit" name="decision" value="confirm">Confirm</button>'
        '<button type="submit" name="decision" value="cancel">Cancel</button></form>'
    )
    return _document("Authorise Dispatch (sandbox)", form)


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def _answer(realm: Realm, fields: dict[str, str]) -> Reply:
    answer = {"state": fields["state"]}
    if fields.get("decision") == "confirm":
        answer |= _grant(realm, fields)
    else:
        answer |= {"error": "access_denied", "error_description": "The seller declined."}
    address = _redirect(fields)
    joint = "&" if urlsplit(address).query else "?"
    headers = {
        "Location": f"{address}{joint}{urlencode(answer)}",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Reply(302, b"", headers)


def _grant(realm: Realm, fields: dict[str, str]) -> dict[str, str]:
    chosen = fields.get("seller")
    fitting = (one for one in realm.worlds.values() if one.selling_partner_id == chosen)
    world = next(fitting, realm.us)
    code = f"RH{secrets.token_hex(16)}"
    realm.codes[code] = {
        "refresh_token": world.refresh_token,
        "redirect_uri": _redirect(fields),
        "expires": realm.wall() + CODE_SECONDS,
    }
    return {"selling_partner_id": world.selling_partner_id, "spapi_oauth_code": code}
