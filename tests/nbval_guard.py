"""For nbval: strict checks in solutions/, no progress bars, and a dead kernel is noticed at once.

nbval waits the whole cell timeout for a kernel that has died, and then reports the rest of the
notebook as expected failures; here the cell fails within a second, and says why.
"""

import os
import time
from queue import Empty

from nbval.kernel import RunningKernel

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


RunningKernel.__init__, RunningKernel.await_reply = start, await_reply
