"""The student edition in a real JupyterLab and a real Chromium, as a reader would meet it.

A course folder is laid out in a temporary place by ``tools/course.py`` itself. Each lesson is opened
there, run from top to bottom, and read back from the notebook's model (cells off the screen are not
in the page). Then someone types a wrong and a right answer, and what the check says is read off the page.

Not part of ``make test``: ``make browser`` runs it. With ``COURSE_SCREENSHOTS=FOLDER`` it leaves
pictures of a check and of a figure there, in the light and in the dark theme, for people to look at.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

import course

LESSONS = ["00_start_here", "01_tensors", "02_autograd"]
RUN_ALL = 120  # seconds
PATIENCE = 60  # seconds for everything else: opening a page, connecting to a kernel, one cell

ROOT = Path(__file__).resolve().parents[2]
HERE = {"127.0.0.1", "localhost"}
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
SHOTS = os.environ.get("COURSE_SCREENSHOTS")

MISSING = [name for name in ("playwright", "jupyterlab") if not importlib.util.find_spec(name)]
if not CHROMIUM or not shutil.which(CHROMIUM):
    MISSING.append(f"Chromium ({', '.join(NAMES)} or $CHROMIUM)")
# A mark, not pytest.skip at the top: that would collect nothing, and pytest then exits with an error.
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

PANEL = "const app = window.jupyterapp, panel = app.shell.currentWidget;"
READY = f"""() => {{
    if (!window.jupyterapp) return false;
    {PANEL}
    const session = panel?.context?.isReady && panel.sessionContext;
    return Boolean(session) && session.isReady && session.session?.kernel?.status === "idle";
}}"""
START = f"""async () => {{
    {PANEL}
    await app.commands.execute("notebook:clear-all-cell-outputs");  // or old numbers could pass for new
    app.commands.execute("notebook:run-all-cells").catch(() => {{}});  // settles too early to wait for
}}"""
SHOW = f"""async (id) => {{
    {PANEL}
    const index = panel.content.widgets.findIndex((cell) => cell.model.id === id);
    panel.content.activeCellIndex = index;
    await panel.content.scrollToItem(index, "center");
}}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start JupyterLab on a fresh copy of the course; give the address of its ``work`` folder."""
    base = tmp_path_factory.mktemp("lab")
    root = base / "Käthes PyTorch course"
    (root / "notebooks").mkdir(parents=True)
    for name in present():
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", root / "notebooks")
    assert len(course.lay_copies(root)) == len(present())
    course.quiet_news(root)

    mine = ("JUPYTER", "COURSE_STRICT", "COURSE_RESULTS")  # not the caller's
    env = {key: value for key, value in os.environ.items() if not key.startswith(mine)}
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        env[f"JUPYTER_{name}"] = str(base / name)
    for name in ("SETTINGS_DIR", "WORKSPACES_DIR"):
        env[f"JUPYTERLAB_{name}"] = str(base / name)
    env |= {
        "IPYTHONDIR": str(base / "ipython"),
        "PYTHONPATH": str(ROOT),
        "JUPYTER_TOKEN": "browser",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser"]
    command += ["--ip=127.0.0.1", "--LabApp.extension_manager=readonly", f"--notebook-dir={root}"]
    settings = root / ".venv" / "share" / "jupyter" / "lab" / "settings"  # where quiet_news wrote
    command += [f"--LabApp.app_settings_dir={settings}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")

    log = base / "jupyterlab.log"
    with log.open("w", encoding="utf-8") as out:
        server = subprocess.Popen(command, cwd=root, env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        end, url = time.monotonic() + PATIENCE, ""
        while not url and server.poll() is None and time.monotonic() < end:
            time.sleep(0.2)
            url = address(base / "RUNTIME_DIR")
        if not url:
            pytest.fail(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-3000:]}")
        yield url + "/".join(["lab", "tree", "work", ""])
    finally:
        stop(server)


def address(folder: Path) -> str:
    """The server's own note there says which port it got: the first free one from 8888 on."""
    for note in folder.glob("jpserver-*.json"):
        with contextlib.suppress(ValueError):  # half written
            return json.loads(note.read_text(encoding="utf-8"))["url"]
    return ""


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server, which ends its kernels; then whatever of the two is left."""
    try:
        family = psutil.Process(server.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(timeout=20)
    for kernel in psutil.wait_procs(family, timeout=5)[1]:
        kernel.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    quiet = ("gpu", "background-networking", "component-update", "sync")
    args = ["--no-first-run", *(f"--disable-{what}" for what in quiet)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        args.append("--no-sandbox")
    with sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM, args=args)
        try:
            yield chromium
        finally:
            chromium.close()


@pytest.fixture
def open_lesson(lab: str, browser: Any) -> Iterator[Any]:
    """A function that opens a lesson; at the end: nothing asked of the network, no error in the page."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("pageerror", lambda error: errors.append(str(error)))

    def open_it(name: str) -> Any:
        page.goto(f"{lab}{name}.ipynb?token=browser&reset")
        page.wait_for_function(READY, polling=200)  # "idle" in the toolbar comes too early
        return page

    yield open_it
    raised = list(errors)  # what the page says about losing its kernel is no error of the lesson
    try:
        page.evaluate("async () => await window.jupyterapp?.serviceManager.sessions.shutdownAll()")
    finally:
        context.close()
    parts = [urlsplit(url) for url in asked]
    away = [
        p.geturl() for p in parts if p.scheme not in ("data", "blob") and p.hostname not in HERE
    ]
    assert not away, f"the page asked for something outside this machine: {away}"
    assert not raised, f"the page raised: {raised}"


def present() -> list[str]:
    return [name for name in LESSONS if (ROOT / "notebooks" / f"{name}.ipynb").exists()]


def dialogs(page: Any) -> list[str]:
    return page.locator(".jp-Dialog, .Toastify__toast").all_inner_texts()


def code_cells(page: Any) -> list[dict[str, Any]]:
    cells = page.evaluate(f"() => {{ {PANEL} return panel.content.model.toJSON().cells; }}")
    cells = [{**cell, "source": "".join(cell["source"])} for cell in cells]
    return [c for c in cells if c["cell_type"] == "code" and c["source"].strip()]


def errors_in(cells: list[dict[str, Any]]) -> list[str]:
    return [
        f"{output['ename']}: {output['evalue']}\n  in: {cell['source'][:200]}"
        for cell in cells
        if "raises-exception" not in cell["metadata"].get("tags", [])
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]


def run_all(page: Any) -> list[dict[str, Any]]:
    """Run every cell; the code cells as they are when all have run, one has failed or time is up."""
    page.evaluate(START)
    end = time.monotonic() + RUN_ALL
    while True:
        page.wait_for_timeout(500)
        cells = code_cells(page)
        done = all(cell["execution_count"] for cell in cells) and page.evaluate(READY)
        if done or errors_in(cells) or dialogs(page) or time.monotonic() > end:
            return cells


def shoot(page: Any, name: str, cell_id: str) -> None:
    """Both themes, with the cell in the middle."""
    for theme in ("Light", "Dark"):
        change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
        page.evaluate(change, f"JupyterLab {theme}")
        page.evaluate(SHOW, cell_id)
        page.wait_for_timeout(1500)
        page.screenshot(path=Path(str(SHOTS)) / f"{name}_{theme.lower()}.png")


@pytest.mark.parametrize("name", present())
def test_run_all(open_lesson: Any, name: str) -> None:
    page = open_lesson(name)
    cells = run_all(page)

    assert len(cells) > 10
    errors = errors_in(cells)
    assert not errors, f"{name} shows errors:\n" + "\n".join(errors)
    asked = dialogs(page)
    assert not asked, f"JupyterLab interrupts {name}: {asked}"
    unrun = [cell["source"][:80] for cell in cells if not cell["execution_count"]]
    assert not unrun, f"{name}: {len(unrun)} cells not run in {RUN_ALL} s, the first: {unrun[0]}"
    if SHOTS:
        pictures = (c["id"] for c in cells if "image/png" in str(c["outputs"]))
        shoot(page, f"{name}_figure", next(pictures))


@pytest.mark.skipif("00_start_here" not in present(), reason="lesson 00 is not built")
def test_typing_a_wrong_and_a_right_answer(open_lesson: Any) -> None:
    from playwright.sync_api import expect

    page = open_lesson("00_start_here")
    imports = code_cells(page)[0]["id"]
    active = page.locator(".jp-Notebook-cell.jp-mod-active .cm-content")
    verdict = page.locator(".jp-OutputArea-output").filter(has_text="start-1")
    on_check = """() => window.jupyterapp.shell.currentWidget.content.activeCell.model
        .sharedModel.getSource().includes('check("start-1")')"""  # its source is folded
    slowly = {"timeout": PATIENCE * 1000}  # the first answer waits for the imports

    def answer(text: str) -> None:
        """Replace what is in the exercise's cell by ``text``; run it and the check below it."""
        page.evaluate(SHOW, "start-1")
        active.click()
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type(text, delay=20)
        expect(active).to_have_text(text)
        page.keyboard.press("Shift+Enter")
        page.wait_for_function(on_check)
        page.keyboard.press("Shift+Enter")

    page.evaluate(SHOW, imports)
    active.click()
    page.keyboard.press("Shift+Enter")
    page.evaluate(SHOW, "start-1")

    answer("seconds = 24 * 60")
    expect(verdict).to_contain_text("✗ start-1 is not yet right", **slowly)
    expect(verdict).to_contain_text("counts the minutes of a day")
    if SHOTS:
        shoot(page, "start-1_wrong", "start-1")

    answer("seconds = 24 * 60 * 60")
    expect(verdict).to_contain_text("✓ start-1 passed", **slowly)
