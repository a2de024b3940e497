"""A project's page and TensorBoard's, in a real Chromium: a picture is dropped in, its name read.

Nothing that the two pages ask for may lie outside this machine. ``make browser`` runs it. With
``COURSE_SCREENSHOTS=FOLDER`` it leaves pictures of both pages there.
"""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from test_lab import HERE, MISSING, SHOTS, browser  # noqa: F401  (a fixture)

import project
from test_template import ENV, serving, start

packages = ("gradio", "tensorboard")
MISSING_HERE = [name for name in packages if not importlib.util.find_spec(name)]
MISSING_HERE += [what for what in MISSING if what != "jupyterlab"]
pytestmark = pytest.mark.skipif(
    bool(MISSING_HERE), reason=f"not installed: {', '.join(MISSING_HERE)}"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of pictures, with one finished run."""
    place = tmp_path_factory.mktemp("project") / "flowers"
    project.lay("pictures", place)
    status, said = start(place, "train.py", "--epochs", "8")
    assert status == 0, said
    return place


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:  # noqa: F811
    """A function that opens an address; at the end: nothing was asked of another machine."""
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    context.set_default_timeout(60_000)
    page = context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("pageerror", lambda error: errors.append(str(error)))

    def open_it(address: str) -> Any:
        page.goto(address)
        return page

    yield open_it
    context.close()
    parts = [urlsplit(url) for url in asked]
    away = [
        p.geturl() for p in parts if p.scheme not in ("data", "blob") and p.hostname not in HERE
    ]
    assert asked and not away, f"the page asked for something outside this machine: {away}"
    assert not errors, f"the page raised: {errors}"


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.wait_for_timeout(1000)
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


def test_a_picture_is_dropped_in_and_its_name_read(open_page: Any, trained: Path) -> None:
    from playwright.sync_api import expect

    horse = max((trained / "data" / "horse").iterdir())
    for address in serving(trained):
        page = open_page(address)
        expect(page.get_by_role("heading", name="automobile or frog or horse?")).to_be_visible()
        drop(page, page.locator("input[type=file]").first, horse)
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_test_id("label-output-value")).to_have_text("horse")
        expect(page.get_by_role("button", name="Share")).to_have_count(0)  # it would upload it
        shoot(page, "page")
        drop(page, page.locator("input[type=file]").first, trained / "README.md")
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_text("This file is no picture that can be read").first).to_be_visible()


def drop(page: Any, field: Any, file: Path) -> None:
    """Let a file fall on the field in which ``field``, an input for files, stands."""
    clear = page.get_by_role("button", name="Clear").last
    clear.click()
    field.wait_for(state="attached")
    field.evaluate(
        """(input, [name, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
            for (const kind of ["dragenter", "dragover", "drop"])
                input.parentElement.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true }));
        }""",
        [file.name, encoded(file)],
    )
    page.get_by_text(file.stem, exact=False).first.wait_for()


def encoded(file: Path) -> str:
    import base64

    return base64.b64encode(file.read_bytes()).decode()


def test_tensorboard_shows_the_curves(open_page: Any, trained: Path) -> None:
    from playwright.sync_api import expect

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", "runs", "--host", "127.0.0.1"]
    log = trained / "tensorboard.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, "--port", str(port)], cwd=trained, env=ENV, stdout=out, stderr=out
        )
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and server.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.2)
        page = open_page(f"http://127.0.0.1:{port}/?darkMode=false#timeseries")
        for name in ("loss", "valid_loss", "valid_accuracy"):
            expect(page.get_by_text(name, exact=True).first).to_be_visible()
        shoot(page, "tensorboard")
    finally:
        server.terminate()
        server.wait(30)
