"""The project template: laid whole or not at all, trains, survives, refuses what it can't do in one line."""

import contextlib
import importlib.util
import io
import json
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import torch

import course
import project
from course import main

ROOT = Path(__file__).resolve().parent.parent
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1", "COLUMNS": "100", "NO_COLOR": "1"}
ENV = {name: value for name, value in ENV.items() if name not in ("FORCE_COLOR", "PYTHONPATH")}
QUICK = ("--epochs", "3", "--device", "cpu")


def start(place, *words):
    """(exit status, lines) of one of the project's programs."""
    done = subprocess.run(
        [sys.executable, "-u", *map(str, words)], cwd=place, env=ENV, timeout=300, text=True,
        encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()


@contextlib.contextmanager
def inside(place):
    """A function like ``start`` that runs the project's programs in this process, which is quicker."""
    names = ("data", "model", "train", "predict", "export")

    def forget():
        for name in names:
            sys.modules.pop(name, None)

    def run(file, *words):
        forget()
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                status = importlib.import_module(file.removesuffix(".py")).main([*map(str, words)])
            except SystemExit as stopped:
                status = stopped.code
        lines = said.getvalue().splitlines()
        return (status or 0, lines) if not isinstance(status, str) else (1, [*lines, status])

    sys.path.insert(0, str(place))
    try:
        yield run
    finally:
        sys.path.remove(str(place))
        forget()


def files(place):
    return {
        p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()
    }


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """One project of each kind, with its example; nobody writes into them."""
    place = tmp_path_factory.mktemp("laid") / "mein Kürs"
    for kind in project.KINDS:
        project.lay(kind, place / kind)
    return place


@pytest.fixture
def table(laid, tmp_path):
    """A table's project of one's own."""
    return shutil.copytree(laid / "table", tmp_path / "mine")


@pytest.fixture(scope="module")
def trained(laid, tmp_path_factory):
    """A project of pictures with a finished run; nobody changes it."""
    place = shutil.copytree(laid / "pictures", tmp_path_factory.mktemp("trained") / "mine")
    status, said = start(place, "train.py", *QUICK)
    assert status == 0, said
    return place


# Laying ------------------------------------------------------------------------------------------

NO_NAMES = ["", "/flowers", "a/b", "..", ".", "CON", "nul", "com1", "a.b", "x.", " x", "x ", "-x"]
NO_NAMES += ["a\\b", "a:b", "a\nb", "x" * 60, "pictures", "taken", "Taken"]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A course's folder in which nothing can be set up or run."""
    (tmp_path / "work" / "taken").mkdir(parents=True)
    (tmp_path / "work" / "taken" / "mine.txt").write_text("mine")
    for name in ("setup", "run"):
        monkeypatch.setattr(course, name, lambda *args, **given: pytest.fail("something was run"))
    return tmp_path


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_will_not_do_is_one_line_and_nothing_runs(root, name, capsys):
    before = files(root)
    assert main(["project", "--kind", "table", "--", name], root) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "Traceback" not in said.err
    assert files(root) == before


@pytest.mark.parametrize("kind", ["", "picture", "Table", "sound"])
def test_a_kind_that_is_not_there_is_answered_with_those_that_are(root, kind, capsys):
    assert main(["project", "flowers", "--kind", kind], root) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "pictures, table, text" in said
    assert not (root / "work" / "flowers").exists()


def test_project_is_laid_by_the_course_s_own_python_and_says_what_comes_next(
    root, monkeypatch, capsys
):
    ran = []
    python = course.venv_python(root)
    monkeypatch.setattr(course, "setup", lambda root, cpu=None: python)
    monkeypatch.setattr(course, "run", lambda root, command: ran.append(command) or 0)
    assert main(["project", "Blümchen_2", "--kind", "text"], root) == 0
    target = str(root / "work" / "Blümchen_2")
    assert ran == [[str(python), str(root / "tools" / "project.py"), "text", target]]
    said = capsys.readouterr().out
    assert "train.py" in said and course.ADD_PROGRAM in said


def test_laying_fails_as_a_whole(laid, tmp_path, monkeypatch):
    with pytest.raises(FileExistsError):
        project.lay("text", laid / "text")

    def full(folder):
        (folder / "half.csv").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(project.EXAMPLES, "text", full)
    with pytest.raises(OSError):
        project.lay("text", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_project_brings_all_and_nothing_of_the_course(laid):
    for kind in project.KINDS:
        names = {n for n in files(laid / kind) if not n.startswith("data/")}
        assert {"train.py", "data.py", "model.py", "README.md", "tests/test_program.py"} <= names
        code = "".join(p.read_text("utf-8") for p in (laid / kind).rglob("*.py"))
        assert not re.search(r"^\s*(from|import) (utils|course|project)\b", code, re.M)
        readme = (laid / kind / "README.md").read_text("utf-8")
        assert readme.startswith(f"# {kind}\n") and "NAME" not in readme
        assert "Delete `runs/`" in readme  # else own data are named by the example's network


# Training ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", project.KINDS)
def test_first_run_works_and_prints_rivals_and_the_tests_pass(laid, kind, tmp_path):
    place = shutil.copytree(laid / kind, tmp_path / "mine")
    with inside(place) as run:
        status, said = run("train.py")
    assert status == 0, said
    (line,) = (row for row in said if row.startswith("validation accuracy"))
    common, rival, own = map(float, re.findall(r"\d\.\d+", line))
    assert own > common + 0.2 and rival > common
    if kind == "text":  # one is enough here: the lesson runs another kind's
        status, said = start(place, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
        assert status == 0, said


def test_its_tests_see_a_mean_taken_from_the_batch(table, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])  # the tests add to it
    with open(table / "data.py", "a") as f:
        f.write("\n\nusual = prepare\n\n\ndef prepare(samples, fitted):\n")
        f.write("    X = usual(samples, fitted)\n    return X - X.mean(0)\n")
    with inside(table):
        spec = importlib.util.spec_from_file_location("own", table / "tests" / "test_program.py")
        own = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(own)
        with pytest.raises(AssertionError, match="a sample is prepared otherwise"):
            own.test_preparation_is_fitted_on_the_training_part_alone(monkeypatch)


def test_killed_and_resumed_gives_the_same_to_the_last_digit(table):
    words = ("train.py", "--epochs", "40", "--device", "cpu")
    assert start(table, *words)[0] == 0
    process = subprocess.Popen(
        [sys.executable, "-u", *words, "--run", "runs/torn"],
        cwd=table, env=ENV, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    with process:
        next(line for line in process.stdout if line.startswith("epoch   3"))
        process.kill()
    assert start(table, *words, "--run", "runs/torn", "--resume")[0] == 0
    one, other = ((table / "runs" / name / "result.json").read_text() for name in ("first", "torn"))
    assert one == other
    rows = (table / "runs/torn/metrics.csv").read_text().splitlines()
    assert rows == (table / "runs/first/metrics.csv").read_text().splitlines() and len(rows) == 41


def test_ctrl_c_is_one_line_and_the_run_goes_on(table, monkeypatch):
    usual = os.replace

    def replace(part, path):
        usual(part, path)
        if path.name == "metrics.csv":
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["train.py", *QUICK])
    with inside(table) as run, monkeypatch.context() as pressed:
        pressed.setattr(os, "replace", replace)
        with pytest.raises(SystemExit, match="^stopped: with --resume it goes on"):
            runpy.run_path(str(table / "train.py"), run_name="__main__")
        pressed.undo()
        status, said = run("train.py", *QUICK, "--resume")
    assert status == 0 and [row for row in said if row.startswith("epoch   2/")], said


def test_a_run_is_not_mixed_with_another(table):
    with inside(table) as run:
        assert run("train.py", *QUICK)[0] == 0
        before = files(table / "runs")
        broken = table / "runs" / "cut"
        broken.mkdir()
        (broken / "last.pt").write_bytes(before["first/last.pt"][:1000])
        for words, told in (
            ((), "holds a run already: add --resume"),
            (("--resume", "--lr", "0.1"), "was trained with lr 0.003, not 0.1"),
            (("--resume", "--run", "runs/other"), "holds nothing to go on from"),
            (("--resume", "--run", "runs/cut"), "last.pt can't be read"),
        ):
            status, said = run("train.py", *QUICK, *words)
            assert status == 1 and len(said) == 1 and told in said[0]
        model = table / "model.py"
        usual = model.read_text()
        model.write_text(usual.replace("nn.Linear(width, classes)", "nn.Linear(width, 9)"))
        status, said = run("train.py", *QUICK, "--resume")
        assert status == 1 and "does not fit model.py" in said[-1]
        for program, words in (("predict.py", ["data/tumors.csv"]), ("export.py", [])):
            status, said = run(program, *words)
            assert status == 1 and len(said) == 1 and "does not fit model.py" in said[0]
        model.write_text(usual)
        rows = (table / "data/tumors.csv").read_text().splitlines()
        (table / "data/tumors.csv").write_text("\n".join(rows[:-40]))
        status, said = run("train.py", *QUICK, "--resume")
        assert status == 1 and "other data" in said[0]
        shutil.rmtree(broken)
        assert files(table / "runs") == before, "a refusal leaves everything as it was"


def test_judging_needs_no_second_training(table):
    with inside(table) as run:
        assert run("train.py", *QUICK)[0] == 0
        kept = (table / "runs/first/last.pt").read_bytes()
        status, said = run("train.py", *QUICK, "--resume", "--judge")
    assert status == 0 and not any(row.startswith("epoch") for row in said)
    assert any(row.startswith("test accuracy") for row in said)
    assert (table / "runs/first/last.pt").read_bytes() == kept


@pytest.mark.parametrize("kind", project.KINDS)
def test_data_that_can_not_be_learned_from_are_one_line(laid, kind, tmp_path):
    place = shutil.copytree(laid / kind, tmp_path / "mine")
    with inside(place) as run:
        for case, told in (
            (lambda data: shutil.rmtree(data), "holds no "),
            (lambda data: data.mkdir(), "holds no "),
            (lambda data: few(kind, data), "5 are the least"),
            (lambda data: one_class(kind, data), "one class only"),
        ):
            case(place / "data")
            status, said = run("train.py", *QUICK)
            assert status == 1 and len(said) == 1 and told in said[0]
            assert not (place / "runs").exists()


def few(kind, data):
    """Two classes of eight, but all eight of a class are the same sample."""
    put(kind, data, [("a", 0)] * 8 + [("b", 9)] * 8)


def one_class(kind, data):
    shutil.rmtree(data)
    data.mkdir()
    put(kind, data, [("a", 7 * n) for n in range(8)])


def put(kind, data, pairs):
    from PIL import Image

    if kind == "pictures":
        for n, (label, value) in enumerate(pairs):
            (data / label).mkdir(exist_ok=True)
            Image.new("RGB", (20, 30), (value, 0, 0)).save(data / label / f"{n}.png")
    else:
        head = "text,label" if kind == "text" else "x,label"
        rows = [
            f"{'abcdefgh'[value % 8] * 3 if kind == 'text' else value},{label}"
            for label, value in pairs
        ]
        (data / "own.csv").write_text("\n".join([head, *rows]))


def test_own_table_with_words_gaps_and_no_label(table):
    data = table / "data"
    (data / "tumors.csv").unlink()
    rows = ["size,color,label"]
    rows += [
        f"{n if n % 7 else ''},{'red' if n % 3 else 'blue'},{'big' if n > 30 else 'small'}"
        for n in range(60)
    ]
    (data / "own.csv").write_text("\n".join(rows))
    (table / "new.csv").write_text("color,size\nred,59\ngreen,1\n")
    (table / "less.csv").write_text("color\nred\n")
    with inside(table) as run:
        status, said = run("train.py", "--epochs", "20", "--device", "cpu")
        assert status == 0, said
        status, said = run("predict.py", table / "new.csv")
        assert status == 0 and len(said) == 2 and "new.csv: big" in said[0]
        status, said = run("predict.py", table / "less.csv")
        assert status == 1 and len(said) == 1
        assert said[0].endswith(
            "less.csv: the column 'size' is missing: the network learned with it"
        )
        (data / "own.csv").write_text("a,b\n1,2\n")
        status, said = run("train.py", *QUICK, "--run", "runs/2")
        assert status == 1 and len(said) == 1 and "no column 'label'" in said[0]


# Use ---------------------------------------------------------------------------------------------


def test_a_text_has_a_limit_in_files_tables_and_on_the_page(laid, tmp_path):
    place = shutil.copytree(laid / "text", tmp_path / "mine")
    (place / "long.txt").write_text("schön " * 10_000_000, encoding="utf-8")
    (place / "most.txt").write_text("é" * 100_000, encoding="utf-8")
    with inside(place) as run:
        assert run("train.py", *QUICK)[0] == 0
        status, said = run("predict.py", place / "long.txt", place / "most.txt")
        assert status == 1 and len(said) == 2, said
        assert any(row.startswith(f"{place / 'most.txt'}: ") for row in said)
        assert any("long.txt: the text 'schön" in row and "100000" in row for row in said)
        data = importlib.import_module("data")
        with pytest.raises(ValueError, match="longer than 100000"):  # what the page would prepare
            data.prepare(["a" * 100_001], {})
        (place / "data" / "own.csv").write_text("text,label\n" + "a" * 110_000 + ",long\n")
        status, said = run("train.py", *QUICK, "--run", "runs/2")
        assert status == 1 and len(said) == 1


@pytest.mark.parametrize("row", ["a" * 140_000 + ",long", '"left open,x\n' + "next,y\n" * 30_000])
def test_a_field_that_csv_refuses_is_one_line_with_its_place(laid, row, tmp_path):
    place = shutil.copytree(laid / "text", tmp_path / "mine")
    own = place / "data" / "own.csv"
    own.write_text(f'text,label\nshort,a\n"two\nlines",b\n{row}\n', encoding="utf-8")
    with inside(place) as run:
        status, said = run("train.py", *QUICK)
    assert status == 1 and len(said) == 1, said
    assert said[0].startswith(f"{own}, line 5: ") and "cut the text in pieces" in said[0]
    assert not (place / "runs").exists()


def test_a_table_in_another_encoding_is_one_line(laid, tmp_path):
    place = shutil.copytree(laid / "text", tmp_path / "mine")
    (place / "data" / "own.csv").write_text("text,label\nschön,de\n", encoding="latin-1")
    with inside(place) as run:
        status, said = run("train.py", *QUICK)
    assert status == 1 and len(said) == 1 and "own.csv is no table in UTF-8" in said[0]


def test_predict_names_what_it_can_and_says_what_it_can_not(trained, tmp_path):
    frog = min((trained / "data" / "frog").iterdir())
    (tmp_path / "cut.png").write_bytes(frog.read_bytes()[:200])
    odd = (tmp_path / "cut.png", trained / "README.md", tmp_path / "lost.png", trained / "data")
    with inside(trained) as run:
        status, said = run("predict.py", frog, *odd)
        none = run("predict.py", "--run", "runs/none", frog)
    assert status == 1 and len(said) == 5 and not any("Traceback" in row for row in said)
    assert sum("is no picture" in row for row in said) == 3 and any(
        "is not there" in row for row in said
    )
    assert any(row.startswith(f"{frog}: ") for row in said)
    status, said = none
    assert status == 1 and len(said) == 1 and "train first" in said[0]


def test_export_gives_the_same_answers(laid, tmp_path, monkeypatch):
    pytest.importorskip("onnxscript")
    place = shutil.copytree(laid / "text", tmp_path / "mine")
    with inside(place) as run:
        assert run("train.py", *QUICK)[0] == 0
        status, said = run("export.py")
    assert status == 0, said
    gaps = {row.split("  ")[0]: float(re.search(r"off by (\S+)", row)[1]) for row in said}
    assert all(gaps[way] <= 1e-5 for way in ("eager", "torch.export", "ONNX Runtime")), gaps
    assert (place / "runs/first/latency.csv").read_text().count("\n") == 1 + len(said)
    with inside(place) as run:  # without a compiler the others are told, and one line says why
        monkeypatch.setattr(torch, "compile", lambda net: lambda X: 1 / 0)
        status, more = run("export.py", "--compile")
    assert status == 0 and len(more) == len(said) + 1, more
    assert [row for row in more if "C++ compiler" in row] == [
        row for row in more if row.startswith("no torch.compile (ZeroDivisionError): ")
    ]
    program = torch.export.load(place / "runs/first/model.pt2").module()
    assert program(torch.zeros(7, 2048)).shape[0] == 7


def test_a_port_in_use_is_one_line(trained):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, said = start(trained, "serve.py", "--port", port)
    assert status == 1 and len(said) == 1 and f"port {port} is taken" in said[0]
    assert json.loads((trained / "runs/first/result.json").read_text())["epoch"] >= 1


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("99999", "99999 is not from 1 to 65535"),
        ("0", "0 is not from 1 to 65535"),
        ("abc", "invalid port value: 'abc'"),
        ("80", "port 80 is kept by the system"),
        ("65535", "port 65535 is taken, perhaps by a page that still runs: try --port 65534"),
    ],
)
def test_a_port_that_will_not_do_is_told_before_anything_is_imported(
    laid, word, told, monkeypatch, capsys
):
    def bind(own, address):
        raise PermissionError if address[1] < 1024 else OSError

    monkeypatch.setattr(socket.socket, "bind", bind)
    monkeypatch.setattr(sys, "argv", ["serve.py", "--port", word])
    place = laid / "text"  # where nothing could be imported by this process: it is not on the path
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(place / "serve.py"), run_name="__main__")
    said = capsys.readouterr().err or f"{stopped.value.code}\n"
    assert told in said.splitlines()[-1] and "Traceback" not in said


@pytest.fixture
def page(trained):
    """The address of a project's page while it runs."""
    pytest.importorskip("gradio")
    yield from serving(trained)


def serving(place):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    log = place / "serve.log"
    with log.open("w", encoding="utf-8") as out:
        command = [sys.executable, "serve.py", "--port", str(port)]
        server = subprocess.Popen(command, cwd=place, env=ENV, stdout=out, stderr=out)
    try:
        end = time.monotonic() + 120
        while server.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.2)
        assert server.poll() is None, log.read_text(encoding="utf-8")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def asked(address, path, body, kind):
    """(status, text) of a request to the page, straight to it and to no proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(address + path, body, {"Content-Type": kind} if body else {})
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:  # the door was shut while this was still sending
        return 0, ""


def uploaded(address, content, name="a.png"):
    """(status, where it lies now or what was said) for one upload, as a browser sends it."""
    head = f'--xx\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + b"\r\n--xx--\r\n"
    status, said = asked(address, "/gradio_api/upload", body, "multipart/form-data; boundary=xx")
    return status, json.loads(said)[0] if status == 200 else said


def named(address, given):
    """What the page answers to the data that a client has sent, in one line."""
    body = json.dumps({"data": [given]}).encode()
    status, said = asked(address, "/gradio_api/call/name", body, "application/json")
    if status != 200:
        return said
    return asked(address, f"/gradio_api/call/name/{json.loads(said)['event_id']}", None, "")[1]


def test_page_names_pictures_and_nothing_else(page, trained):
    file = {"meta": {"_type": "gradio.FileData"}}
    frog = min((trained / "data" / "frog").iterdir())
    status, where = uploaded(page, frog.read_bytes())
    assert status == 200
    assert '"label": "frog"' in named(page, {**file, "path": where})
    for content in (b"", b"no picture", frog.read_bytes()[:300]):
        _, where = uploaded(page, content)
        said = named(page, {**file, "path": where})
        assert "This file is no picture that can be read" in said and "tmp" not in said
    status, said = uploaded(page, b"0" * 100_000_000)
    assert status == 0 or (status == 413 and "exceeded" in said and "\n" not in said)
    for path in ("/etc/hostname", str(frog), str(trained / "serve.py"), "../serve.py"):
        said = named(page, {**file, "path": path})
        assert "event: error" in said and '"label"' not in said
    for url in ("https://example.com/a.png", f"{page}/favicon.ico"):
        assert "An address is no upload" in named(page, {**file, "path": url})
        said = named(page, {**file, "path": "a", "url": url})
        assert "An address is no upload" in said or "was not uploaded by a user" in said
    assert "Give it a picture first" in named(page, None)
    for path in (str(trained / "serve.py"), "/etc/hostname"):
        assert asked(page, f"/gradio_api/file={path}", None, "")[0] == 403
    said = (trained / "serve.log").read_text(encoding="utf-8")
    assert "gradio.live" not in said
