"""The process in which grade.py has answers run: it tells the story once and forks for each answer.

    python -I -X utf8 kernel.py COURSE CONTROL

It reads marshal from stdin and writes one ``repr`` a line to stdout: both are single calls into C, so that
an answer which patches Python's own modules does not sit between a verdict and the grader. What an answer
may not reach is kept in this module's globals. CONTROL is the number of a socket on which the grader asks
for the next answer; the forks don't have it. Without one (-1) there is one answer, and no fork.
"""

from __future__ import annotations

import contextlib
import ctypes
import linecache
import marshal
import os
import pickle
import select
import signal
import sys
import threading
import types
from typing import Any

run, make, text, name_of, write = exec, compile, repr, type, os.write
read, dumps, loads = getattr, pickle.dumps, pickle.loads
GUARDED = {
    "builtins",
    "contextlib",
    "copy",
    "functools",
    "html",
    "IPython",
    "json",
    "math",
    "numpy",
}
GUARDED |= {"operator", "os", "pandas", "pickle", "random", "sklearn", "sys", "time", "torch"}
GUARDED |= {"traceback", "types", "utils"}
PARTS = {"exercise", "state", "lines", "compared"}  # of a check, and nothing else
DUMPABLE = 4  # prctl's PR_SET_DUMPABLE: whether others may look into the memory
NOBODY = 65534


def told(error: BaseException) -> str:
    try:
        return f"{name_of(error).__name__}: {error}"[:2000]
    except BaseException:  # the answer's own class of error may do anything when it is printed
        return "an error that cannot be printed"


def execute(space: dict[str, Any], name: str, source: str) -> str:
    """Run one cell; return what it raised, in words."""
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    try:
        run(make(source, name, "exec"), space)
    except BaseException as error:
        return told(error)
    return ""


Part = tuple[str, Any, str, Any]  # what it is called, where it stands, under which key, its value


def fingerprint() -> tuple[list[Part], list[Part]]:
    """Each function that a check may call, and its code: wherever a patch could be put."""
    found: list[Part] = []
    codes: list[Part] = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in GUARDED:
            continue
        for key, value in list(vars(module).items()):
            if callable(value):
                found.append((f"{name}.{key}", vars(module), key, value))
            if isinstance(value, type) and (
                name.startswith("utils") or key in ("Tensor", "Module")
            ):
                parts = [(k, v) for k, v in vars(value).items() if callable(v)]
                found += [(f"{name}.{key}.{k}", vars(value), k, v) for k, v in parts]
    for label, _, _, value in found:
        if isinstance(value, types.FunctionType):
            for key in ("__code__", "__defaults__", "__kwdefaults__"):
                codes.append((label, value, key, getattr(value, key)))
    return found, codes


def patched(found: list[Part], codes: list[Part]) -> list[str]:
    """What is no longer as it was."""
    changed = [label for label, where, key, value in found if where.get(key) is not value]
    changed += [label for label, f, key, value in codes if read(f, key) is not value]
    if sys.gettrace() or sys.getprofile():
        changed.append("sys.settrace")
    if threading.active_count() > 1:
        changed.append("a thread that goes on")
    return sorted(set(changed))[:20]


class Kept:
    """Story values that the check uses: whatever an answer does to them, the check gets them as told."""

    def __init__(self, space: dict[str, Any], names: list[str]) -> None:
        self.space, self.values, self.bytes = space, {n: space[n] for n in names if n in space}, {}
        for name, value in self.values.items():
            with contextlib.suppress(Exception):  # modules, loaders, lambdas: by identity alone
                self.bytes[name] = dumps(value)

    def restore(self) -> list[str]:
        changed = []
        for name, value in self.values.items():
            same = self.space.get(name) is value
            if name in self.bytes:
                try:
                    same = same and dumps(value) == self.bytes[name]
                except Exception:
                    same = False
                if not same:
                    value = self.values[name] = loads(self.bytes[name])
            if not same:
                changed.append(name)
                self.space[name] = value
        return changed


def serve(space: dict[str, Any], requests: Any, replies: int, before: Any) -> None:
    """Do what the grader asks, in one answer's life. A verdict repeats the secret that asks for it."""
    builtins, kept, failed, changed = space["__builtins__"], Kept(space, []), "", []
    check: Any = None
    while request := marshal.load(requests):
        said: Any = ()
        if request["do"] == "run":
            kept = Kept(space, request["keep"])
            said = [execute(space, name, source) for name, source in request["cells"]]
        elif request["do"] == "check":
            space["__builtins__"] = builtins
            changed = kept.restore()
            failed = execute(space, "check", request["source"])
            check = space.pop(request["name"], None)  # under a name that no answer knows
        elif request["do"] == "verdict":
            state, words = ("not yet right", failed) if failed else (check.state, str(check))
            touched = patched(*before) if request["compare"] else []
            if not failed and vars(check).keys() != PARTS:
                touched.append("the check itself")
            said = (str(state), str(words)[:20_000], changed, touched)
        write(replies, (text((request["secret"], said)) + "\n").encode("utf-8", "replace"))


def limit(memory: int) -> None:
    """Limits that a process without privileges cannot lift again."""
    import resource

    with contextlib.suppress(OSError, ValueError):  # macOS has no /proc and not all of them
        with open("/proc/self/statm") as f:
            used = int(f.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    wanted = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 256 << 20, "RLIMIT_NOFILE": 1024}
    release = [int(n) for n in os.uname().release.split(".")[:2]]
    if os.getppid() == 1 and release >= [5, 14]:  # in the sandbox, which counts its own alone
        wanted["RLIMIT_NPROC"] = 64
    for name, most in wanted.items():
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(getattr(resource, name), (most, most))


def listing() -> dict[str, tuple[int, ...]]:
    """Every file in the folders that can be written, with what changes when it does."""
    found = {}
    for top in ("/tmp", "/dev/shm") if os.getpid() == 1 else (os.environ["HOME"],):
        device = os.lstat(top).st_dev
        for folder, folders, files in os.walk(top):
            folders[:] = [f for f in folders if os.lstat(os.path.join(folder, f)).st_dev == device]
            for name in (*folders, *files):
                seen = os.lstat(path := os.path.join(folder, name))
                found[path] = (seen.st_mode, seen.st_ino, seen.st_size) + (
                    () if name in folders else (seen.st_ctime_ns,)
                )
    return found


def tidy(before: dict[str, tuple[int, ...]]) -> bool:
    """Remove what an answer has left; False if the story's own files are not as they were."""
    for path in sorted(listing().keys() - before.keys(), reverse=True):
        with contextlib.suppress(OSError):
            os.rmdir(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
    return listing() == before


def prctl(what: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)


def fork_each(
    space: dict[str, Any], requests: Any, replies: int, control: int, memory: int
) -> None:
    """One fork for each answer; after it, nothing of it is left, or the grader is told so."""
    alone = os.getpid() == 1  # in the sandbox: signals from within cannot end this process
    signal.signal(signal.SIGINT, signal.SIG_DFL if alone else signal.SIG_IGN)
    before, parts = listing(), fingerprint()
    while os.read(control, 1):
        child = os.fork()
        if not child:
            os.close(control)
            if not alone:
                os.setpgid(0, 0)
            prctl(DUMPABLE, 1)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            limit(memory)
            serve(space, requests, replies, parts)
            os._exit(0)
        gone, status = False, (0, 0)
        while not (gone or status[0]):  # what comes while an answer lives is the grader's own end
            gone = bool(select.select([control], [], [], 0.02)[0])
            status = os.waitpid(child, os.WNOHANG)
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL) if alone else os.killpg(child, signal.SIGKILL)
        if gone:
            return
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, 0):
                pass
        ended = os.waitstatus_to_exitcode(status[1])
        write(control, f"{(ended, tidy(before))}\n".encode())


def main() -> None:
    course, control = sys.argv[1], int(sys.argv[2])
    sys.argv[1:] = []
    requests, replies = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    if os.name == "posix" and os.getpid() == 1 and os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    if control >= 0:
        prctl(DUMPABLE, 0)
    sys.path.insert(0, course)
    import torch._dynamo  # noqa: F401  replaces functions of torch when the first optimizer is made
    from IPython.display import display
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # else the first bar starts a thread that goes on

    main_module = types.ModuleType("__main__")
    sys.modules["__main__"] = main_module
    space = vars(main_module) | {"display": display}
    vars(main_module).update(space)
    space = vars(main_module)
    space["__builtins__"] = __builtins__ if isinstance(__builtins__, dict) else vars(__builtins__)
    first = marshal.load(requests)
    failed = [
        f"{name}: {said}"
        for name, source in first["story"]
        if (said := execute(space, name, source))
    ]
    write(replies, (text((first["secret"], failed)) + "\n").encode())
    if failed:
        return
    if control >= 0:
        fork_each(space, requests, replies, control, first["memory"])
    else:
        if os.name == "posix":
            limit(first["memory"])
        serve(space, requests, replies, fingerprint())


if __name__ == "__main__":
    main()
