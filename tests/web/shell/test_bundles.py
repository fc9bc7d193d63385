"""The bundles of styles and scripts, as they are collected."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from dispatch.web.shell.bundles import BUNDLES, NotBundled, scripts, squeezed, styles

STATIC = Path(__file__).resolve().parents[3] / "static"


def test_styles_lie_in_the_layers_that_their_imports_name() -> None:
    files = {
        "css/all.css": "@layer a, b;\n"
        '@import url("x/b.css") layer(b);\n@import url("../a.css") layer(a);\n',
        "css/x/b.css": ".b {}\n",
        "a.css": ".a {}\n",
    }
    assert styles("css/all.css", files.__getitem__) == ("@layer a,b;@layer b{.b{}}@layer a{.a{}}")


@pytest.mark.parametrize(
    ("sheet", "left"),
    [
        (
            ".a :is(b, c) > d {\n  inset: calc(1rem + 2px) 0;\n}\n",
            ".a :is(b,c) > d{inset:calc(1rem + 2px) 0;}",
        ),
        ('.a::before { content: "· " / ""; }', '.a::before{content:"· " / "";}'),
        ("/* what\n for */\n.a { b: c }", ".a{b:c}"),
        (
            "@media (width < 900px) {\n  a:hover { b: c; }\n}",
            "@media (width < 900px){a:hover{b:c;}}",
        ),
    ],
)
def test_a_style_sheet_says_the_same_in_fewer_signs(sheet: str, left: str) -> None:
    assert squeezed(sheet) == left


@pytest.mark.parametrize("path", sorted(STATIC.rglob("*.css")), ids=lambda path: path.name)
def test_no_style_is_lost_with_comments_and_white_space(path: Path) -> None:
    sheet = path.read_text()
    bare = re.sub(r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|\s", "", sheet)
    assert re.sub(r"\s", "", squeezed(sheet)) == bare
    assert squeezed(squeezed(sheet)) == squeezed(sheet)


def test_a_module_keeps_its_names_to_itself_and_gives_what_it_exports() -> None:
    files = {
        "js/desk.js": 'import "./one.js";\nimport "./two-b.js";\n',
        "js/one.js": 'import { say } from "./two-b.js";\nconst a = 1;\nsay(a);\n',
        "js/two-b.js": "export function say(text) {}\nconst a = 2;\nexport const last = a;\n",
    }
    text = scripts("js/desk.js", files.__getitem__)
    assert text.count("const a = 2;") == 1
    assert text.index("$js_two_b_js = (() => {") < text.index("const { say } = $js_two_b_js;")
    assert "return { say, last };" in text
    assert "import" not in text
    assert "export" not in text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.css", '@import "b.css";\n'),
        ("a.css", ".a { background: url(b.png); }\n"),
        ("a.js", 'import b from "./b.js";\n'),
        ("a.js", "export default 1;\n"),
        ("a.js", "export { a };\n"),
        ("a.js", "await 1;\n"),
        ("a.js", 'const b = import("./b.js");\n'),
    ],
)
def test_what_a_bundle_cannot_hold_stops_the_collecting(name: str, text: str) -> None:
    join = styles if name.endswith(".css") else scripts
    with pytest.raises(NotBundled, match=f"static/{name}"):
        join(name, {name: text}.__getitem__)


@pytest.fixture
def collected(settings: Any, tmp_path: Path) -> Path:
    """A folder with the collected files, served as in production."""
    settings.STATIC_ROOT = str(tmp_path)
    backend = {"BACKEND": "dispatch.web.shell.bundles.BundlingStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": backend}
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path


def test_a_collected_page_asks_once_for_styles_and_once_for_scripts(collected: Path) -> None:
    names = json.loads((collected / "staticfiles.json").read_text())["paths"]
    for name in BUNDLES:
        assert re.fullmatch(r"\w+/\w+\.[0-9a-f]{12}\.(css|js)", names[name])
        text = (collected / names[name]).read_text()
        assert (collected / f"{names[name]}.gz").exists()
        assert "@import" not in text
        assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    styles_, scripts_ = ((collected / names[name]).read_text() for name in list(BUNDLES)[:2])
    for path in STATIC.glob("css/*/*.css"):
        assert squeezed(path.read_text()) in styles_
    for path in STATIC.glob("js/*.js"):
        text = re.sub(r"^export ", "", path.read_text(), flags=re.MULTILINE)
        pieces = re.split(r"^import .*$", text, flags=re.MULTILINE)
        alone = path.name in ("passkey.js", "desk.js")
        assert alone or all(piece.strip() in scripts_ for piece in pieces)


def test_collecting_again_makes_the_same_files(collected: Path) -> None:
    before = (collected / "staticfiles.json").read_text()
    call_command("collectstatic", interactive=False, verbosity=0)
    assert (collected / "staticfiles.json").read_text() == before
