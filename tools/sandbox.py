"""A kernel for answers: a process of its own, behind bubblewrap's walls, with limits from outside."""

from __future__ import annotations

import ast
import contextlib
import marshal
import os
import queue
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/sys/devices/system/cpu"]
SYSTEM += [
    f"/etc/{name}" for name in ("alternatives", "fonts", "ld.so.cache", "localtime", "passwd")
]
SIZE = 512 << 20  # bytes that /tmp and /dev/shm may hold each
HOW_TO = """No sandbox: {}.
Answers are programs. Without a sandbox they could read and change all that you can.
  Debian, Ubuntu:  sudo apt install bubblewrap        Fedora:  sudo dnf install bubblewrap
  Windows:         grade inside of WSL                macOS:   grade inside of a Linux machine or container
--trust runs them without: only for answers that you have read, or in an account without anything you would miss."""


class Ended(Exception):
    """The kernel gave no answer: it took too long or is gone; the message says which."""


def no_sandbox() -> str:
    """Why there is no sandbox here; "" if there is one."""
    if not sys.platform.startswith("linux"):
        return "bubblewrap, which makes it, exists for Linux only"
    if not shutil.which("bwrap"):
        return "the program bwrap (bubblewrap) is not installed"
    tried = subprocess.run(
        [*walls(Path("/"), []), "true"], capture_output=True, text=True, errors="replace"
    )
    if not tried.returncode:
        return ""
    why = f"bubblewrap does not work here ({tried.stderr.strip()[:300]})"
    if "uid map" in why:  # Ubuntu since 23.10
        why += """. This system keeps namespaces from ordinary users; to allow them until its next start:
  sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
Or another sandbox"""
    return why


def walls(python: Path, folders: list[Path]) -> list[str]:
    """The command that puts what follows it behind walls: it sees the system, Python and ``folders``."""
    seen = [p for p in (python, Path(sys.base_prefix).resolve()) if p != Path("/")]
    command = ["bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--as-pid-1"]
    command += ["--hostname", "sandbox", "--cap-drop", "ALL"]
    if os.getuid():
        command += ["--unshare-user"]
    else:  # the kernel then becomes nobody, whose processes can be counted
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    for place in SYSTEM:
        command += ["--ro-bind-try", place, place]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for place in ("/tmp", "/dev/shm"):
        command += ["--perms", "1777", "--size", str(SIZE), "--tmpfs", place]
    command += ["--perms", "0777", "--dir", "/tmp/home"]
    above = {p: None for folder in (*seen, *folders) for p in reversed(folder.parents[:-1])}
    for parent in (p for p in above if str(p) not in ("/tmp", "/usr", "/opt")):
        command += ["--perms", "0755", "--dir", str(parent)]  # bubblewrap's own are its user's only
    for folder in (*seen, *folders):
        command += ["--ro-bind", str(folder), str(folder)]
    return [*command, "--chdir", "/tmp/home", "--remount-ro", "/dev", "--remount-ro", "/"]


class Kernel:
    """One lesson's story up to an exercise, and its answers one after the other, each in a fork of it."""

    alive: set[Kernel] = set()

    def __init__(self, story: list[tuple[str, str]], *, trust: bool, memory: int) -> None:
        self.forks = hasattr(os, "fork")
        self.used = False
        self.lines: queue.Queue[tuple[str, bytes]] = queue.Queue(8)
        self.box = tempfile.TemporaryDirectory() if trust else None
        home = self.box.name if self.box else "/tmp/home"
        data = os.environ.get("COURSE_DATA", "")
        env = {
            "HOME": home,
            "TMPDIR": home,
            "LANG": "C.UTF-8",
            "MPLBACKEND": "agg",
            "PATH": os.defpath,
        }
        env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "COURSE_PICTURES": "provided"}
        env |= {"TQDM_DISABLE": "1", "COURSE_DATA": data and str((ROOT / data).resolve())}
        if os.name == "nt":
            env |= {n: os.environ[n] for n in ("SYSTEMROOT", "TEMP", "TMP") if n in os.environ}
        python, kernel = Path(sys.prefix).resolve(), Path(__file__).with_name("kernel.py")
        command = [str(python / Path(sys.executable).relative_to(sys.prefix)), "-I", "-X", "utf8"]
        ours, theirs = socket.socketpair() if self.forks else (None, None)
        command += [str(kernel), str(ROOT), str(theirs.fileno() if theirs else -1)]
        if not trust:
            folders = [
                ROOT / "utils",
                ROOT / "data",
                ROOT / "project",
                ROOT / "tools" / "project.py",
                kernel,
                *(ROOT / "lessons").glob("[!0-9]*.py"),
            ]
            folders += [Path(env["COURSE_DATA"])] if data else []
            command = walls(python, [f for f in folders if f.exists()]) + command
        more: dict[str, Any] = {"start_new_session": True} if self.forks else {}
        if theirs:
            more["pass_fds"] = [theirs.fileno()]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=env, cwd=home if trust else None, **more,
        )  # fmt: skip
        Kernel.alive.add(self)
        if theirs:
            theirs.close()
        self.control = ours
        self._read("reply", self.process.stdout)
        if ours:
            self._read("end", ours.makefile("rb"))
        self.story_failed = self.ask({"story": story, "memory": memory}, 900)

    def _read(self, kind: str, stream: Any) -> None:
        def lines() -> None:
            with contextlib.suppress(OSError, ValueError):
                while line := stream.readline(1 << 20):
                    self.lines.put((kind, line))
            self.lines.put(("gone", b""))

        threading.Thread(target=lines, daemon=True).start()

    def begin(self) -> None:
        """A new answer."""
        self.used = True
        if self.control:
            self.control.send(b"g")

    def ask(self, request: dict[str, Any], seconds: float) -> Any:
        """What the kernel replies; raises Ended if it does not do so in time."""
        secret = secrets.token_hex(16)
        assert self.process.stdin
        try:
            self.process.stdin.write(marshal.dumps(request | {"secret": secret}))
            self.process.stdin.flush()
        except OSError:
            raise Ended("ended the kernel") from None
        until = time.monotonic() + seconds
        while True:
            try:
                kind, line = self.lines.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                raise Ended(f"took more than {seconds:.0f} seconds") from None
            if kind != "reply":
                raise Ended("ended the kernel")
            try:
                told, said = ast.literal_eval(line.decode())
            except Exception:  # an answer has written here
                continue
            if secrets.compare_digest(str(told), secret):
                return said

    def end(self) -> bool:
        """End the answer; False if another kernel is needed, as something of it might be left here."""
        if not self.control:
            return False
        assert self.process.stdin
        with contextlib.suppress(OSError, queue.Empty, ValueError, SyntaxError):
            self.process.stdin.write(marshal.dumps(None))
            self.process.stdin.flush()
            kind, line = self.lines.get(timeout=30)
            return kind == "end" and ast.literal_eval(line.decode()) == (0, True)
        return False

    def kill(self) -> None:
        """End it and all that it has started, whatever it is doing."""
        Kernel.alive.discard(self)
        pid = self.process.pid
        if self.process.poll() is None:  # else its number may be another's by now
            with contextlib.suppress(
                OSError
            ):  # the sandbox's first process takes the others with it
                for inside in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                    os.kill(int(inside), signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL) if self.forks else self.process.kill()
        self.process.wait()
        if self.control:
            self.control.close()
        if self.box:
            with contextlib.suppress(OSError):
                self.box.cleanup()
