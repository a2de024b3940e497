"""For nbval: strict checks in solutions/, no progress bars, numbers with room, no wait for the dead.

nbval waits the whole cell timeout for a kernel that has died, and then reports the rest of the
notebook as expected failures; here the cell fails within a second, and says why.

With ``COURSE_PATH=1`` the side doors are left out: no cell of the path may notice.
A cell with ``within="0.02"`` may print other numbers than the stored ones, each at most that far away.
"""

import os
import re
import sys
import time
from pathlib import Path
from queue import Empty

from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
from lesson import NUMBER

VERDICT = re.compile(r"\b(?:True|False)\b")
_start, _await_reply = RunningKernel.__init__, RunningKernel.await_reply


def start(self, kernel_name, cwd=None, *args, **kwargs):
    os.environ["TQDM_DISABLE"] = "1"
    os.environ["COURSE_STRICT"] = "1" if os.path.basename(str(cwd)) == "solutions" else ""
    os.environ.pop("COURSE_RESULTS", None)
    _start(self, kernel_name, cwd, *args, **kwargs)


def await_reply(self, msg_id, timeout=None):
    end = time.monotonic() + (timeout or 60)
    while True:
        try:
            return _await_reply(self, msg_id, timeout=1)
        except Empty:
            if not self.is_alive():
                raise RuntimeError("the kernel process died (out of memory?)") from None
            if time.monotonic() > end:
                raise


def collect(self):
    """nbval's cells, without those of the side doors if only the path is wanted."""
    behind, items = set(), list(_collect(self))
    inside = False
    for cell in self.nb.cells:
        if cell.source.startswith("## "):
            inside = "deeper" in cell.metadata.get("tags", [])
        if inside:
            behind.add(cell.id)
    return [i for i in items if os.environ.get("COURSE_PATH") != "1" or i.cell.id not in behind]


_collect, IPyNbFile.collect = IPyNbFile.collect, collect
RunningKernel.__init__, RunningKernel.await_reply = start, await_reply


def with_room(text, stored, room):
    """``stored`` if ``text`` is the same but for numbers at most ``room`` away, else ``text``."""
    pairs = list(zip(NUMBER.findall(text), NUMBER.findall(stored)))
    same = NUMBER.sub("#", text) == NUMBER.sub("#", stored)
    near = all(abs(_value(a) - _value(b)) <= room * (1 + 1e-9) for a, b in pairs)
    return stored if same and near else text


def _value(number):
    return float(number.replace(",", "").replace("−", "-"))


def compare_outputs(self, test, ref, skip_compare=None):
    """nbval's comparison, after numbers that have room and use it were put back.

    With ``COURSE_VERDICTS=1``, as on a GPU, only what is True and what is False is compared.
    """
    if os.environ.get("COURSE_VERDICTS") == "1":
        said, stored = (
            [VERDICT.findall(t) for o in out for _, _, t in _texts(o)] for out in (test, ref)
        )
        self.comparison_traceback = [f"verdicts: {said}, stored on the CPU: {stored}"]
        return said == stored
    if room := self.cell.metadata.get("within"):
        before = [text for out in ref for text in _texts(out)]
        now = [text for out in test for text in _texts(out)]
        if len(before) == len(now):
            for (out, key, text), (_, _, stored) in zip(now, before):
                out[key] = with_room(text, stored, float(room))
    return _compare_outputs(self, test, ref, skip_compare)


def _texts(out):
    """(where, key, text) of what one output prints or shows as text."""
    if "text" in out:
        yield out, "text", out["text"]
    if "text/plain" in out.get("data", {}):
        yield out["data"], "text/plain", out["data"]["text/plain"]


_compare_outputs, IPyNbCell.compare_outputs = IPyNbCell.compare_outputs, compare_outputs
