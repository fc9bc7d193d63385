"""What the documents name, taken out of their text: files, modules, commands, links."""

from __future__ import annotations

import ast
import functools
import importlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    [
        *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY")),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
FOLDERS = ("dispatch", "tests", "docs", "bench", "script", "static", "templates", "locale", ".ci")
ENDINGS = "py|md|js|css|html|svg|toml|txt|png"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(rf"^(?:(?:{'|'.join(map(re.escape, FOLDERS))})/\S*|[\w./-]+\.(?:{ENDINGS}))$")
_COMMAND = re.compile(r"manage\.py (\w+)((?: +\S+)*)")


def quoted(text: str) -> list[str]:
    """What stands between backticks."""
    return _QUOTED.findall(text)


def fences(text: str) -> list[str]:
    """The insides of code blocks."""
    return [inside for _, inside in _FENCE.findall(text)]


def without_fences(text: str) -> str:
    return _FENCE.sub("", text)


def code(text: str) -> list[str]:
    """Everything that is set as code, in a line or in a block of its own."""
    return [*quoted(without_fences(text)), *fences(text)]


def paths(text: str) -> Iterator[str]:
    """The names of files and folders of ours, without placeholders and line numbers."""
    for piece in code(text):
        for word in piece.split():
            name = word.strip("\"'(),;:").removesuffix("…")
            if _PATH.match(name) and not re.search(r"[<>*{}$…]|^/|^\.venv/|^var/", name):
                yield name


def dotted_names(text: str) -> Iterator[str]:
    """The full names of modules and of what is in them."""
    for piece in code(text):
        yield from re.findall(r"(?<![\w/.@=-])(?:dispatch|tests)(?:\.[A-Za-z_]\w*)+", piece)


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of ``manage.py`` and the options given to each."""
    for piece in code(text):
        for name, rest in _COMMAND.findall(piece):
            yield name, [word.rstrip("`,.)") for word in rest.split() if word.startswith("--")]


def links(text: str) -> Iterator[tuple[str, str]]:
    """The relative links: file, which is empty for this document, and heading."""
    for target in _LINK.findall(without_fences(text)):
        if not re.match(r"[a-z]+:", target):
            file, _, heading = target.partition("#")
            yield file, heading


def headings(path: Path) -> set[str]:
    """The headings of a document as a link names them."""
    found = re.findall(r"^#+ (.+)$", without_fences(path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in found}


@functools.cache
def tracked() -> frozenset[str]:
    """Every file of the repository, by its path."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(listed.stdout.splitlines())


def is_there(name: str, document: Path) -> bool:
    """Whether a file or folder of that name exists, with or without the folder it lies in."""
    places = (ROOT, document.parent, ROOT / "templates", ROOT / "static")
    if any((place / name).exists() for place in places):
        return True
    return any(path.endswith(f"/{name}") for path in tracked())


def functions(path: Path) -> dict[str, ast.FunctionDef]:
    """The functions of a module by name, methods and inner ones too."""
    found = ast.walk(ast.parse(path.read_text()))
    return {one.name: one for one in found if isinstance(one, ast.FunctionDef)}


def resolves(name: str) -> bool:
    """Whether a dotted name leads to a module or to something in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        try:
            functools.reduce(getattr, parts[length:], found)
        except AttributeError:
            return False
        return True
    return False


@functools.cache
def words_of_the_source() -> frozenset[str]:
    """Every word that occurs in the repository outside of its documents."""
    texts = [
        (ROOT / name).read_text(errors="ignore")
        for name in tracked()
        if (ROOT / name).is_file() and not name.endswith((".md", ".png", ".mo", ".zip"))
    ]
    return frozenset(re.findall(r"\w+", "\n".join(texts)))


@functools.cache
def modules() -> dict[str, list[str]]:
    """The texts of our modules by their short name, without the packages around them."""
    found: dict[str, list[str]] = {}
    for path in (ROOT / "dispatch").rglob("*.py"):
        found.setdefault(path.stem, []).append(path.read_text())
    return found
