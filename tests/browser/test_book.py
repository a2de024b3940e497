"""The rendered book in a real Chromium, read from the disk: links, search, folded answers, access.

``make browser`` renders the book first. Every page is opened with nothing but the disk behind it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

BOOK = Path(__file__).resolve().parents[2] / "build" / "book"
HTML, EPUB = BOOK / "html", BOOK / "pytorch-cell-by-cell.epub"
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
NEEDED = ("playwright", "axe_playwright_python", "bs4")
MISSING = [name for name in NEEDED if not importlib.util.find_spec(name)]
MISSING += [] if CHROMIUM else ["Chromium"]
MISSING += [] if HTML.is_dir() else ["the book: make site"]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not there: {', '.join(MISSING)}")
READ = [("README.html", "light"), ("errors.html", "dark")]
READ += [("notebooks/04_logistic_regression.html", theme) for theme in ("light", "dark")]


@pytest.fixture(scope="module")
def tab() -> Iterator:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1400, "height": 1000})
        tab.asked, tab.said = [], []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("console", lambda message: message.type == "error" and tab.said.append(message.text))
        tab.on("pageerror", lambda error: tab.said.append(str(error)))
        yield tab
        assert [url for url in tab.asked if not url.startswith(("file:", "data:", "blob:"))] == []
        # an excerpt of a page found can't be fetched from a disk; over HTTP it can
        assert [t for t in tab.said if not re.search("fetch|CORS|net::ERR_FAILED", t)] == []
        browser.close()


def test_every_link_and_anchor_of_the_book_leads_somewhere():
    from bs4 import BeautifulSoup

    pages = {
        path: BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in HTML.rglob("*.html")
        if "_static" not in path.parts
    }
    anchors = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in pages.items()}
    lost, links = [], 0
    for path, page in pages.items():
        for tag in page.find_all(["a", "img", "script", "link"]):
            target = tag.get("href") or tag.get("src") or ""
            if not target or re.match(r"(https?|mailto|data):", target) or target.startswith("#_"):
                continue
            links += 1
            place, anchor = urldefrag(target)
            there = (
                path if not place else (path.parent / unquote(place.partition("?")[0])).resolve()
            )
            if not there.exists():
                lost.append(f"{path.relative_to(HTML)}: {target}")
            elif anchor and there in anchors and unquote(anchor) not in anchors[there]:
                lost.append(f"{path.relative_to(HTML)}: no anchor {target}")
    assert lost == [] and links > 500


def test_every_picture_has_words():
    from bs4 import BeautifulSoup

    for path in (HTML / "notebooks").glob("*.html"):
        page = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        silent = [tag["src"] for tag in page.select("article img") if len(tag.get("alt", "")) < 40]
        assert silent == [], path.name


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("softmax", "04_logistic_regression"),
        ("broadcast", "01_tensors"),
        ("a leaf Variable that requires grad is being used in an in-place operation.", "errors"),
    ],
)
def test_search_finds(tab, words, page):
    tab.goto((HTML / "search.html").as_uri() + f"?q={words}")
    tab.wait_for_selector("#search-results li a", timeout=20_000)
    found = tab.eval_on_selector_all("#search-results li a", "all => all.map((a) => a.href)")
    assert any(page in href for href in found), found


def test_a_folded_answer_opens_and_the_output_to_be_guessed_is_folded(tab):
    tab.goto((HTML / "notebooks/03_linear_regression.html").as_uri())
    answer = tab.locator("details", has_text="Answer").first
    code = answer.locator("pre")
    assert not code.is_visible()
    answer.locator("summary").click()
    assert code.is_visible() and "def line_gradient" in code.inner_text()
    assert tab.locator("details", has_text="What it prints").count() >= 3
    assert tab.locator("main").count() == 1 and tab.locator("h1:visible").count() == 1


@pytest.mark.parametrize(("page", "theme"), READ)
def test_nothing_serious_stands_in_a_readers_way(tab, page, theme):
    from axe_playwright_python.sync_playwright import Axe

    tab.goto((HTML / page).as_uri())
    tab.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    tab.wait_for_function("document.getAnimations().every((a) => a.playState !== 'running')")
    found = Axe().run(tab).response["violations"]
    serious = {
        rule["id"]: [node["html"][:120] for node in rule["nodes"][:3]]
        for rule in found
        if rule["impact"] in ("serious", "critical")
    }
    assert serious == {}, json.dumps(serious, indent=1)


def test_the_epub_is_well_formed_and_its_links_lead_somewhere():
    if not EPUB.exists():
        pytest.skip("no EPUB: python tools/book.py --epub")
    book, ids, links = ZipFile(EPUB), {}, []
    assert book.namelist()[0] == "mimetype"
    for name in (n for n in book.namelist() if n.endswith(".xhtml")):
        tree = ElementTree.fromstring(book.read(name))  # raises where a reader would stop
        ids[name] = {e.get("id") for e in tree.iter() if e.get("id")}
        for tag, key in (("a", "href"), ("link", "href"), ("img", "src")):
            links += [
                (name, e.get(key, "")) for e in tree.iter(f"{{http://www.w3.org/1999/xhtml}}{tag}")
            ]
    own = [(n, urldefrag(urljoin(n, t))) for n, t in links if t and not re.match(r"\w+:", t)]
    lost = [(n, *to) for n, to in own if to[0] in ids and to[1] and to[1] not in ids[to[0]]]
    lost += [(n, *to) for n, to in own if unquote(to[0]) not in book.namelist()]
    assert lost == [] and len(own) > 100
