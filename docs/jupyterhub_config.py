"""JupyterHub's settings for a class (see docs/one_server.md), and what starts a student's server."""

import os
import resource
import sys
from pathlib import Path

COURSE, HUB = Path(__file__).resolve().parents[1], sys.prefix
PROXY = f"{HUB}/node_modules/.bin/configurable-http-proxy"
OWN, GROUP, IDLE = "pytorch", "students", 3600  # copies in each home; who signs in; idle seconds
MEMORY, PROCESSES = 4 * 2**30, 500  # bytes for each process; processes and threads for each student
sys.path.insert(0, str(COURSE / "tools"))
from course import copy, lessons  # noqa: E402


def configure(c):
    c.JupyterHub.bind_url = "http://127.0.0.1:8000"  # for the https server on this machine
    c.ConfigurableHTTPProxy.command = [f"{HUB}/bin/node", PROXY]
    c.PAMAuthenticator.allowed_groups = {GROUP}
    c.Spawner.cmd = [sys.executable, str(COURSE / "docs" / "jupyterhub_config.py")]
    c.Spawner.environment = environment()
    c.Spawner.start_timeout = c.Spawner.http_timeout = 180  # thirty at once
    culler = [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE}"]
    c.JupyterHub.services = [{"name": "culler", "command": culler}]
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    c.JupyterHub.load_roles = [{"name": "culler", "scopes": scopes, "services": ["culler"]}]


def environment():
    ones = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONNOUSERSITE")
    return dict.fromkeys(ones, "1") | {"PATH": f"{COURSE}/.venv/bin:/usr/local/bin:/usr/bin:/bin"}


def lay_copies(own, course=COURSE):
    """Copy each notebook that the folder does not have yet; what is there is never touched."""
    own.mkdir(exist_ok=True)
    for name in (n for n in lessons(course) if not os.path.lexists(own / n)):
        copy(course / "notebooks" / name, own / name)


def start(own):
    os.umask(0o077)  # nobody else reads what a student makes
    try:
        lay_copies(own)
    except OSError as error:  # a full disk, say: the server opens all the same, to make room
        print(f"{own}: not all copies could be laid ({error})", file=sys.stderr)
    if (own / "pictures").is_dir():
        os.environ["COURSE_PICTURES"] = str(own / "pictures")
    os.environ["GRADIO_TEMP_DIR"] = f"{own.parent}/.cache/gradio"  # or the first student's in /tmp
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    root = f"--ServerApp.root_dir={own if own.is_dir() else own.parent}"
    secret = "--KernelManager.transport_encryption=required"  # else neighbors could read outputs
    os.execv(f"{HUB}/bin/jupyterhub-singleuser", ["jupyterhub", root, secret, *sys.argv[1:]])


if __name__ == "__main__":
    start(Path.home() / OWN)
elif "get_config" in globals():  # JupyterHub has put it there
    configure(globals()["get_config"]())
