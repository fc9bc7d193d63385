"""Tags and filters that every screen uses: icons, statuses, people's initials, Amazon's words."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from dispatch.web.shell.chips import filter_field
from dispatch.web.shell.fragments import draw, drawn_once
from dispatch.web.shell.navigation import initials
from dispatch.web.shell.script_words import script_words

register = template.Library()
register.simple_tag(filter_field)
register.simple_tag(script_words)

COLOURS = 6


@register.simple_tag
@drawn_once
def icon(name: str) -> SafeString:
    """Draw a sign of the sprite, for the eye only."""
    return draw("components/icon.html", name=name)


@register.simple_tag
@drawn_once
def status(state: str, label: str = "", sign: str = "", *, plain: bool = False) -> SafeString:
    """Draw a status in colour, icon and word; ``state`` is Amazon's or "late", in any case."""
    key = state.lower()
    sign = sign or f"status-{key}"
    return draw("components/status.html", key=key, label=label or key, sign=sign, plain=plain)


@register.simple_tag
@drawn_once
def avatar(
    initials: str, name: str, colour: int = 1, *, large: bool = False, label: bool = True
) -> SafeString:
    """Draw a person's initials; without ``label`` where the name stands beside them."""
    shown = {"initials": initials, "name": name, "colour": colour or 1, "large": large}
    return draw("components/avatar.html", **shown, label=label)


@register.simple_tag
@drawn_once
def avatars(names: str, *, label: bool = True) -> SafeString:
    """Draw the initials of several people, whose names the mirror keeps as "Tom, Maya"."""
    faces = [{"name": name, **face(name)} for name in names.split(", ") if name]
    return draw("components/avatars.html", faces=faces, label=label)


@register.filter
def face(name: str) -> dict[str, Any]:
    """Return the initials of a name and a colour that stays with it."""
    return {"initials": initials(name), "colour": sum(map(ord, name)) % COLOURS + 1}


@register.filter
def plain_words(code: str) -> str:
    """Return Amazon's capitals as words: "TV_MOUNTING" becomes "Tv mounting", others stay."""
    return code.replace("_", " ").capitalize() if code.isupper() else code
