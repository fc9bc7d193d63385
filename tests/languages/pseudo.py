"""A made-up language for tests: each letter of a marked sentence carries an accent.

A page shown in it betrays what nobody marked for translation: letters without one.
"""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import allauth
import django
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from django.conf import settings

LANGUAGE = "xx"
PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ACCENTED = "ÁƁĆĎÉƑĜĤÍĴĶĹḾŃÓṔɊŔŚŤÚṼŴẊÝŹáƀćďéƒĝĥíĵķĺḿńóṕɋŕśťúṽŵẋýź"
KEPT = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}|<[^>]+>|&#?\w+;")
"""What a translator leaves as it is: placeholders, HTML's tags and its entities."""
FORMATS = "format"
"""The context of messages that are formats of Django's ``date`` filter."""
OTHERS = (
    Path(django.__file__).parent / "conf",
    Path(django.__file__).parent / "contrib/auth",
    Path(allauth.__file__).parent,
)
"""Who else's sentences are on our pages; each brings its translations along."""


def accent(text: str) -> str:
    """A sentence in the made-up language."""
    kept = KEPT.findall(text)
    words = [piece.translate(str.maketrans(PLAIN, ACCENTED)) for piece in KEPT.split(text)]
    return words[0] + "".join(a + b for a, b in zip(kept, words[1:], strict=True))


def bracket(shape: str) -> str:
    """A shape of a date in the made-up language."""
    return f"[{shape}]"


def marked() -> Catalog:
    """Every message that Dispatch marks, as ``script/translate`` collects them."""
    messages: Catalog = runpy.run_path(str(settings.BASE_DIR / "script/translate"))["messages"]()
    return messages


def translate(catalog: Catalog, messages: Iterable[Any]) -> None:
    """Adds the messages to a catalogue of the made-up language."""
    for one in messages:
        ids = (one.id,) if isinstance(one.id, str) else tuple(one.id)
        # Babel leaves the contexts of a compiled catalogue as bytes.
        context = one.context.decode() if isinstance(one.context, bytes) else one.context
        change = bracket if context == FORMATS else accent
        words = tuple(map(change, ids))
        if any(ids):
            key, said = (ids, words) if len(ids) > 1 else (ids[0], words[0])
            catalog.add(key, said, context=context)


def write(folder: Path) -> None:
    """Writes the made-up language's catalogue, as ``LOCALE_PATHS`` wants it, below a folder."""
    catalog = Catalog(charset="utf-8", fuzzy=False)
    for place in OTHERS:
        # Their German is complete, so it names all of their sentences.
        with (place / "locale/de/LC_MESSAGES/django.mo").open("rb") as file:
            translate(catalog, read_mo(file))
    translate(catalog, marked())
    path = folder / LANGUAGE / "LC_MESSAGES" / "django.mo"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_mo(file, catalog)


class Words(HTMLParser):
    """What people read or hear of a page: its text, what its scripts may say, and its labels."""

    SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-label", "data-announce")
    SILENT = ("script", "style", "template", "svg")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0
        self._scripts = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self.SILENT
        self.found += [value for name, value in attrs if name in self.SPOKEN and value]
        self._scripts = tag == "script" and ("id", "words") in attrs

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in self.SILENT))

    def handle_data(self, data: str) -> None:
        if self._scripts:
            self.found += [KEPT.sub("", words) for words in json.loads(data).values()]
            self._scripts = False
        elif not self._silent and data.strip():
            self.found.append(data.strip())


def unmarked(text: str, data: Iterable[str] = (), pattern: str = "") -> list[str]:
    """The pieces of a text that hold letters of English, where they are no part of the data.

    ``pattern`` is a regular expression of data that is not known word by word.
    """
    known = sorted(map(re.escape, filter(None, data)), key=len, reverse=True)
    if known:
        text = re.sub(rf"(?<!\w)(?:{'|'.join(known)})(?!\w)", "", text)
    text = re.sub(pattern, "", text) if pattern else text
    return re.findall(r"[^\s]*[A-Za-z][^\s]*(?: [^\s]*[A-Za-z][^\s]*)*", text)


def unmarked_in_page(html: str, data: Iterable[str] = (), pattern: str = "") -> list[str]:
    """The pieces of English in all that people read of a page, save for the data."""
    words = Words()
    words.feed(html)
    kept = tuple(data)
    return [piece for text in words.found for piece in unmarked(text, kept, pattern)]
