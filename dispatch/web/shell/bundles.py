"""One file for all styles and one for the scripts of a page, so that each costs one request.

A bundle is a file that only imports others: `css/all.css`, `js/desk.js`. Browsers follow its
imports where files are served from their sources (tests, DEBUG). Where they are collected, the
bundle is replaced by what it imports, under a name that tells its content. No Node is needed: the
style sheets and modules are ours, and write their imports and exports as the patterns below read
them; anything else stops the collecting.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

Read = Callable[[str], str]
"""Returns the text of a file by its name below ``static/``."""

STYLE_IMPORT = re.compile(r'^@import url\("([^"]+)"\) layer\((\w+)\);$', re.MULTILINE)
SCRIPT_IMPORT = re.compile(r'^import (?:(\{[^}]+\}) from )?"([^"]+)";$', re.MULTILINE)
SCRIPT_EXPORT = re.compile(r"^export ((?:async )?function|const|class) (\w+)", re.MULTILINE)
SPACE = r"(?:\s|(?>/\*.*?\*/))"
SPARE = re.compile(rf'("[^"]*")|{SPACE}*([{{}};,]){SPACE}*|(?<=:){SPACE}+|({SPACE}+)', re.DOTALL)
"""What a style sheet can do without, and the strings and signs around which it can."""
LEFT_OVER = {
    ".css": re.compile(r"@import\b|\burl\("),
    ".js": re.compile(r"^(?:import|export|await)\b|\bimport\s*[.(]", re.MULTILINE),
}


class NotBundled(Exception):
    """A source says something that a bundle cannot hold; the message names the file."""


def styles(name: str, read: Read) -> str:
    """Return a style sheet with the sheets that it imports, each in the layer that it names."""

    def imported(match: re.Match[str]) -> str:
        return f"@layer {match[2]} {{\n{styles(_beside(name, match[1]), read)}}}"

    return squeezed(_checked(name, STYLE_IMPORT.sub(imported, read(name))))


def squeezed(sheet: str) -> str:
    """Return a style sheet without comments and spare white space: a page waits for all of it."""
    return SPARE.sub(lambda m: m[1] or m[2] or (" " if m[3] else ""), sheet).strip()


def scripts(name: str, read: Read) -> str:
    """Return a module with those that it imports before it, each run once in a scope of its own."""
    modules: dict[str, str] = {}
    _add_module(name, read, modules)
    return "".join(modules.values())


def _add_module(name: str, read: Read, modules: dict[str, str]) -> None:
    text = read(name)
    for match in SCRIPT_IMPORT.finditer(text):
        other = _beside(name, match[2])
        if other not in modules:
            _add_module(other, read, modules)
    exported = [match[2] for match in SCRIPT_EXPORT.finditer(text)]
    text = SCRIPT_EXPORT.sub(r"\1 \2", SCRIPT_IMPORT.sub(lambda m: _taken(name, m), text))
    scope = f"const {_scope(name)} = (() => {{\n{_checked(name, text)}"
    modules[name] = f"{scope}return {{ {', '.join(exported)} }};\n}})();\n"


def _taken(name: str, match: re.Match[str]) -> str:
    """Return the line that takes from another module's scope what was imported from it."""
    return f"const {match[1]} = {_scope(_beside(name, match[2]))};" if match[1] else ""


def _scope(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name)


def _beside(name: str, other: str) -> str:
    """Return the name of a file whose address is relative to that of another."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), other))


def _checked(name: str, text: str) -> str:
    """Return the text, or raise `NotBundled` where something in it would not work in a bundle."""
    left = LEFT_OVER[posixpath.splitext(name)[1]].search(text)
    if left:
        raise NotBundled(f"static/{name} cannot be bundled: {left[0]!r} is not understood.")
    return text


BUNDLES = {"css/all.css": styles, "js/desk.js": scripts, "js/passkey.js": scripts}


class BundlingStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Collected files: bundled, then named by their content and compressed."""

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        def read(name: str) -> str:
            storage, path = paths[name]
            with storage.open(path) as file:
                return str(file.read().decode())

        if not dry_run:
            texts = {name: join(name, read) for name, join in BUNDLES.items()}
            for name, text in texts.items():
                Path(self.path(name)).write_text(text)
                paths[name] = (self, name)
        yield from super().post_process(paths, dry_run, **options)
