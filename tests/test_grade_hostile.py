"""Answers that set out to deceive or to harm: what must come out, and which guard sees to it.

Each answer in TEXT is marked by what it says. Those in RUN are judged with that guard turned off: what the
walls, the limits, the comparison afterwards and the stored wrong answer catch, they catch by themselves.
"""

import contextlib
import os
import socket
import time
from pathlib import Path

import pytest

import classroom
import grade
import sandbox
from classroom import below, runs
from handin import Answer, Piece
from lesson import read_lesson
from oddities import oddities

pytestmark = pytest.mark.skipif(
    bool(sandbox.no_sandbox()), reason=f"no sandbox here: {sandbox.no_sandbox()}"
)
ADD = "\ndef add1(x):\n    return x + 1"
NOTHING = "\ndef add1(x):\n    return 0"

TEXT = {  # each is marked, whatever it gives: a word of the mark
    "equal to everything": ("class E:\n    def __eq__(self, o):\n        return True", "__eq__"),
    "true for everything": ("class E:\n    def __bool__(self):\n        return True", "__bool__"),
    "ANY": ("from unittest.mock import ANY", "unittest"),
    "a number of its own": ("class N(int):\n    pass", "derives from int"),
    "a tensor of its own": ("class N(torch.Tensor):\n    pass", "derives from Tensor"),
    "a type made of strings": ("E = type('E', (), {})", "makes a type"),
    "a method by its name": ("m = {'__eq__': 1}", "__eq__"),
    "frames": ("import sys\nf = sys._getframe(1)", "sys._getframe"),
    "frames of an error": ("f = e.tb_frame.f_back", "f_back"),
    "the stack": ("import inspect", "inspect"),
    "garbage collector": ("import gc\ngc.get_objects()", "gc"),
    "through a module": ("torch.sys.modules", ".sys"),
    "memory": ("import ctypes", "ctypes"),
    "memory by its file": ("open('/proc/self/mem', 'wb')", "/proc/self/mem"),
    "the check's module": ("import utils.checks as k", "utils.checks"),
    "the check's module, from": ("from utils import checks", "utils.checks"),
    "the check's class": ("import utils\nutils.checks.Check", ".checks"),
    "a check of its own": ("from utils import Check", "utils.Check"),
    "the check": ("check.mine = 1", "uses check"),
    "builtins": ("import builtins", "builtins"),
    "a function's globals": ("check.__globals__", "__globals__"),
    "a function's code": ("check.__code__ = 1", "__code__"),
    "subclasses": ("object.__subclasses__()", "__subclasses__"),
    "eval": ("eval('1')", "eval"),
    "exec": ("exec('1')", "exec"),
    "import by name": ("__import__('o' + 's')", "__import__"),
    "getattr by name": ("getattr(torch, 'o' + 's')", "getattr"),
    "setattr": ("setattr(torch, 'allclose', 1)", "setattr"),
    "patched torch": ("torch.allclose = lambda *a: True", "changes torch.allclose"),
    "patched alias": ("import numpy as q\nq.allclose = 1", "changes q.allclose"),
    "environment": ("import os\nos.environ['COURSE_RESULTS']", "environ"),
    "a signal": ("import os\nos.kill(1, 9)", "os.kill"),
    "descriptors": ("import os\nos.write(4, b'')", "os.write"),
    "threads": ("import threading", "threading"),
    "at exit": ("import atexit", "atexit"),
    "a program": ("import subprocess", "subprocess"),
    "the network": ("import socket", "socket"),
    "the answers": ("open('../solutions/00_tiny.ipynb')", "solutions"),
    "the sources": ("t = 'lessons/00_tiny.py'", "lessons"),
    "the history": ("open('.git/config')", ".git"),
    "above its folder": ("open('../x')", "../x"),
    "home": ("from pathlib import Path\nPath.home()", ".home"),
    "a pickle": ("torch.load('x', weights_only=False)", "pickle"),
    "a trace": ("import sys\nsys.settrace(f)", "sys.settrace"),
    "torch's hooks": ("from torch.overrides import TorchFunctionMode", "overrides"),
}


@pytest.mark.parametrize("kind", TEXT)
def test_what_answers_have_no_business_with_is_marked_with_its_line(kind):
    source, word = TEXT[kind]
    marks = oddities(f"x = 1\n{source}", set())
    assert any(word in mark for mark in marks), marks
    assert any(line.strip()[:40] in mark for line in source.split("\n") for mark in marks)


def test_what_the_courses_own_answer_does_is_not_marked():
    add = "class V:\n    def __add__(self, o):\n        return o"
    assert oddities(add, set()) and not oddities(add, {"defines __add__"})


class Room:
    """Judges answers to tiny-1, in one kernel as long as it may be used."""

    def __init__(self, root):
        classroom.course(root)
        self.lesson = read_lesson(root / "lessons" / "00_tiny.py")
        exercise = next(c for c in self.lesson.cells if c.id == "tiny-1")
        self.plan = grade.Plan.of(self.lesson, exercise)
        self.story = [(c.id, c.source) for c in self.plan.story]
        self.kernel, self.made = None, 0

    def judge(self, source, seconds=20, memory=2, looks=()):
        if self.kernel is None:
            self.kernel = sandbox.Kernel(self.story, trust=False, memory=memory << 30)
            self.made += 1
            assert not self.kernel.story_failed
        answer = Answer([Piece(0, source, "", set(), set())], [])
        job = grade.Job("s", self.lesson, "tiny-1", answer, "f", self.story, [*looks])
        started = time.monotonic()
        row, self.fresh = grade.judge(self.kernel, job, self.plan, seconds)
        if not self.fresh:
            self.kernel.kill()
            self.kernel = None
        assert time.monotonic() - started < 3 * seconds + 15, "limits are enforced from outside"
        return row


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("course")
        patch.setattr(grade, "ROOT", root)
        patch.setenv("A_SECRET_OF_THE_TEACHER", "pw")
        room = Room(root)
        yield room
    if room.kernel:
        room.kernel.kill()
    print(room.made, "kernels")


LONG = f"9{os.getpid()}"  # seconds that a process would sleep which is left behind
COURSE = Path(__file__).parent.parent
LOOP = "\ndef add1(x):\n    while True:\n        pass"
TELL = "\ndef add1(x):\n    raise ValueError(told)"
FORGED = "('passed', '', [], [])"
RUN = {  # what comes out, and words of the row's note or of the check
    # a pass that is not earned
    "writes a verdict everywhere": (
        f"import os\nfor n in range(3, 64):\n    try:\n        os.write(n, b\"('x', {FORGED})\\n\")\n"
        f"    except OSError:\n        pass{NOTHING}",
        "not yet right", "observed: 0",
    ),
    "forges a file of results": (
        f"open('results.jsonl', 'w').write('passed'){NOTHING}", "not yet right", "observed: 0",
    ),
    "patches the comparison": (
        f"import utils.checks as k\nk.Check._compare = lambda s, *a: setattr(s, 'compared', 1){NOTHING}",
        "look", "utils.checks.Check._compare",
    ),
    "patches what compares": (
        f"import utils.checks as k\nk._same = k._near = lambda *a, **k: True{NOTHING}", "look", "utils.checks._same",
    ),
    "swaps a function's code": (
        f"import utils.checks as k\nk._same.__code__ = (lambda a, b, nan=False: True).__code__\n"
        f"k._near.__code__ = (lambda a, b, rtol=0, atol=0: True).__code__{NOTHING}",
        "look", "utils.checks._same",
    ),
    "patches torch through a name": (
        "T = torch\nT.allclose = lambda *a, **k: True\ndef add1(x):\n    return x + 1 if x is a else x",
        "look", "torch.allclose",
    ),
    "adds a property that is always passed": (
        f"import utils.checks as k\nk.Check.state = property(lambda s: 'passed', lambda s, v: None){NOTHING}",
        "look", "the check accepts a wrong one",
    ),
    "a trace": (f"import sys\nsys.settrace(lambda *a: None){ADD}", "look", "sys.settrace"),
    "a thread that waits": (
        f"import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start(){ADD}",
        "look", "a thread that goes on",
    ),
    "changes the story": ("a = -1\nX.fill_(-1)" + NOTHING, "not yet right", "judged with the course's"),
    "changes a story value in place": (
        "X.fill_(0)\ndef add1(x):\n    return x + 1 if x is a else torch.ones(4)", "not yet right", "own X",
    ),
    "another check": (
        "class C:\n    state = 'passed'\n    def __enter__(s): return s\n    def __exit__(s, *a): return True\n"
        "    def __getattr__(s, n): return lambda *a, **k: None\ndef check(n):\n    return C()" + NOTHING,
        "not yet right", "own check",
    ),
    "an exception that lies": (
        "class E(Exception):\n    def __str__(self):\n        raise KeyboardInterrupt\n" + "def add1(x):\n    raise E",
        "not yet right", "KeyboardInterrupt",
    ),
    "leaves by the door": ("def add1(x):\n    raise SystemExit", "not yet right", "SystemExit"),
    "interrupts": ("def add1(x):\n    raise KeyboardInterrupt", "not yet right", "KeyboardInterrupt"),
    "changes the check by its name": (
        "def add1(x):\n    c._compare = lambda *a: None\n    c.compared = 1\n    return 0",
        "not yet right", "NameError",
    ),
    "finds the check and changes it": (
        "import gc, utils\ndef add1(x):\n    for c in gc.get_objects():\n        if type(c) is utils.Check:\n"
        "            c._compare = lambda *a: None\n            c.compared = 1\n    return 0",
        "look", "the check itself",
    ),
    "ends a check of its own": (
        "import utils\ndef add1(x):\n    utils.Check('mine').attempted(...)", "not yet right", "_Ended",
    ),
    # what it may see and change
    "the answers' folder": (f"told = open('{COURSE}/solutions/00_start_here.ipynb').read(9)", "not yet right", "FileNotFound"),
    "the lessons": (
        f"import os\ntold = {{'solutions', 'tests', '.git'}} & {{*os.listdir('{COURSE}')}}, "
        f"[n for n in os.listdir('{COURSE}/lessons') if n[0] < 'A']" + TELL,
        "not yet right", "ValueError: (set(), [])",
    ),
    "the user's environment": ("import os\ntold = 'A_SECRET_OF_THE_TEACHER' in os.environ" + TELL, "not yet right", "ValueError: False"),
    "the user's home": (f"import os\ntold = os.path.exists('{Path.home()}/.bashrc')" + TELL, "not yet right", "ValueError: False"),
    "writes into the course": (f"open('{COURSE}/utils/__init__.py', 'a')", "not yet right", "Read-only|Permission"),
    "writes into Python": ("import torch\nopen(torch.__file__, 'a')", "not yet right", "Read-only|Permission"),
    "reads the kernel's memory": ("open('/proc/1/mem', 'rb')", "not yet right", "Permission"),
    "a network": (ADD + "\nimport socket\nsocket.create_connection(('127.0.0.1', {port}), 2)", "passed", "refused|unreachable"),
    # limits
    "loop that swallows interrupts": (
        "def add1(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        "stopped", "more than 1 seconds",
    ),
    "loop in C": ("def add1(x):\n    return sum(iter(int, 1))", "stopped", "more than 1 seconds"),
    "loop that ignores signals": (
        "import signal\nfor n in range(1, 60):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass" + LOOP,
        "stopped", "more than 1 seconds",
    ),
    "a stopped process": ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", "stopped", "more than 1 seconds"),
    "waits for input": ("n = input()", "not yet right", "input()"),
    "ends the kernel": ("import os\nos._exit(0)", "stopped", "ended the kernel"),
    "ends it in the check": ("import os\ndef add1(x):\n    os._exit(0)", "stopped", "ended the kernel"),
    "crashes": ("import ctypes\nctypes.string_at(0)", "stopped", "ended the kernel"),
    "all the memory": ("told = bytearray(20 << 30)", "not yet right", "out of memory"),
    "all the disk": (
        "for n in range(9):\n    with open(f'/tmp/{n}', 'wb') as f:\n        for _ in range(2): f.write(bytes(100 << 20))",
        "not yet right", "filled its disk",
    ),
    "one large file": ("with open('x', 'wb') as f:\n    f.write(bytes(300 << 20))", "not yet right", "too large"),
    "a flood of words": ("for _ in range(100): print('x' * 1_000_000)" + ADD, "passed", ""),
    "a flood of replies": (
        "import os\nfor n in range(3, 64):\n    try:\n        for _ in range(50): os.write(n, b'x' * 1_000_000)\n"
        "    except OSError: pass" + NOTHING,
        "not yet right|stopped", "",
    ),
    "too many processes": (
        "import os, time\nwhile True:\n    if not os.fork():\n        time.sleep(60)", "not yet right", "too many processes",
    ),
    "kills its neighbors": (
        "import os\nfor n in (1, -1, os.getppid()):\n    try: os.kill(n, 9)\n    except OSError: pass" + ADD, "passed", "",
    ),
    "leaves a process": (
        "import subprocess\nsubprocess.Popen(['sleep', '{long}'], start_new_session=True)" + ADD, "passed", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", RUN)
def test_what_is_run_is_judged_and_harms_nobody(kind, room):
    source, states, words = RUN[kind]
    seconds = 1 if "1 seconds" in words else 3 if "flood" in kind else 20
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        port = str(listener.getsockname()[1])
        row = room.judge(source.replace("{port}", port).replace("{long}", LONG), seconds)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert row.state in states.split("|"), row
    assert any(word in row.note + row.said for word in words.split("|")), row
    assert row.points == {"passed": "1", "look": ""}.get(row.state, "0")
    assert not running(LONG)


def running(word):
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += [place] if word in place.read_text() else []
    return found


def test_a_right_answer_with_a_mark_waits_for_a_person(room):
    row = room.judge(ADD, looks=["uses eval: eval('1')"])
    assert (row.state, row.points) == ("look", "") and "eval('1')" in row.note
    assert not room.fresh, "what is marked gets a kernel of its own"


def test_one_answer_leaves_nothing_to_the_next(room):
    assert (
        room.judge("open('/tmp/left', 'w').write('x')\nopen('left', 'w')\nmine = 1" + ADD).state
        == "passed"
    )
    assert room.fresh
    made = room.made
    told = "import os\ntold = ({*os.listdir('/tmp/home')} & {'left', 'mine'}, os.path.exists('/tmp/left'), 'mine' in globals())"
    assert "ValueError: (set(), False, False)" in room.judge(told + TELL).said
    assert room.made == made, "in the same kernel"


def test_a_right_answer_passes_after_all_of_this(room):
    row = room.judge(ADD)
    assert (row.state, row.points, row.note) == ("passed", "1", "")
    assert "nothing is added" in room.judge("def add1(x):\n    return x").said


def test_what_libraries_change_or_start_by_themselves_is_nobodys_fault(room):
    late = "torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)\nfrom tqdm import tqdm\nlist(tqdm(range(2)))"
    row = room.judge(late + ADD)
    assert (row.state, row.note) == ("passed", "")


def test_a_kernel_that_is_ended_takes_all_of_its_processes_with_it(room):
    kernel = sandbox.Kernel(room.story, trust=False, memory=2 << 30)
    kernel.begin()
    loop = "import os\nos.fork()\nwhile True:\n    pass"
    with pytest.raises(sandbox.Ended, match="more than 1 seconds"):
        kernel.ask({"do": "run", "cells": [("loop", loop)], "keep": []}, 1)
    until = time.monotonic() + 20
    while len(own := below(kernel.process.pid)) < 3 and time.monotonic() < until:
        time.sleep(0.1)  # a busy machine is late to begin
    kernel.kill()
    assert len(own) >= 3, "the one that tells the story, the answer, and the answer's own"
    until = time.monotonic() + 10
    while time.monotonic() < until and any(map(runs, own)):
        time.sleep(0.1)
    assert not any(map(runs, own)) and kernel not in sandbox.Kernel.alive
