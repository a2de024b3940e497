"""Two processes train what one would, and a killed one does not change the result.

Everything runs on the CPU and is heard on the loopback alone. Each run of torchrun takes a few seconds,
because every process imports PyTorch for itself.
"""

import argparse
import datetime
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel

if sys.platform == "win32" or not dist.is_available() or not dist.is_gloo_available():
    why = "killing and restarting processes needs SIGKILL and gloo, which are not here"
    pytest.skip(why, allow_module_level=True)

LESSONS = Path(__file__).resolve().parent.parent / "lessons"
sys.path.insert(0, str(LESSONS))
import torchrun_here  # noqa: E402
import train_distributed as script  # noqa: E402

sys.path.remove(str(LESSONS))
PATHS = os.pathsep.join([*sys.path, str(LESSONS.parent)])
CHILD = {"OMP_NUM_THREADS": "1", "PYTHONPATH": PATHS}
STARTED = r"start (\d): rank (\d) of (\d), process (\d+), port (\d+), goes on after epoch (\d)"
PARTNER = """
import os, sys
from test_distributed import averaged_gradients

averaged_gradients(sys.argv[1], rank=1)
os._exit(0)  # as the script does, and for its reason
"""
# torchrun of one of two machines, and what it runs; both listen on the loopback alone
MACHINE = """
import sys
import torch.distributed as dist
import torchrun_here

dist.TCPStore = torchrun_here.NoticeBoard
from torch.distributed import run

run.main(sys.argv[1:])
"""
ON_A_MACHINE = """
import runpy, sys
import torch.distributed.rendezvous as rendezvous
import torchrun_here

def board(**given):
    return torchrun_here.NoticeBoard(**{k: v for k, v in given.items() if k != "multi_tenant"})

rendezvous.TCPStore = board
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def averaged_gradients(board, rank):
    """Gradients of one of two processes, after DistributedDataParallel's backward."""
    store, minute = dist.FileStore(board, 2), datetime.timedelta(minutes=1)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2, timeout=minute)
    try:
        model, (X, y) = DistributedDataParallel(script.make_model(0)), script.make_data(0).tensors
        F.mse_loss(model(X[rank:64:2]), y[rank:64:2]).backward()
        return [p.grad for p in model.parameters()]
    finally:
        dist.destroy_process_group()


def torchrun(*words, restarts=0):
    """What two processes printed; they are ended politely if they take too long."""
    options = ["--nproc-per-node", 2, "--max-restarts", restarts, script.__file__, *words]
    command = [sys.executable, torchrun_here.__file__, *map(str, options)]
    env = os.environ | CHILD | {"COURSE_DEVICE": "cpu"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, env=env, text=True, **pipes)
    try:
        out, err = process.communicate(timeout=300)
    except BaseException:
        process.terminate()  # torchrun ends its workers before itself; a kill would orphan them
        process.communicate(timeout=60)
        raise
    assert process.returncode == 0, err[-4000:]
    return out


def alone(path, **changed):
    """The losses after training as the only process, in this one."""
    given = {"checkpoint": path, "epochs": 4, "batch_size": 64, "seed": 0}
    options = argparse.Namespace(**given, kill_rank=None, kill_epoch=2)
    vars(options).update(changed)
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        script.train(options, 0, 1, torch.device("cpu"))
    finally:
        dist.destroy_process_group()
    return losses(path)


def losses(path):
    return torch.load(path, weights_only=True)["extra"]["losses"]


def assert_nothing_is_left(out, processes):
    """No worker is alive or a zombie, and nobody listens where they met."""
    told = re.findall(STARTED, out)
    assert len(told) == processes, out
    for _, _, _, pid, port, _ in told:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)  # only asks; a zombie would answer
        with socket.socket() as s:
            assert s.connect_ex(("127.0.0.1", int(port))) != 0, f"port {port} is still served"


@pytest.fixture(autouse=True)
def on_the_loopback(monkeypatch):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
    monkeypatch.setenv("MASTER_PORT", "none")  # the script tells it; alone it needs none


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """(losses by epoch, output) of four epochs in two processes."""
    path = tmp_path_factory.mktemp("undisturbed") / "run.pt"
    out = torchrun("--checkpoint", path)
    return losses(path), out


def test_averaged_gradients_are_those_of_the_double_batch(tmp_path):
    command = [sys.executable, "-c", PARTNER, str(tmp_path / "board")]
    partner = subprocess.Popen(command, env=os.environ | CHILD)
    try:
        averaged = averaged_gradients(str(tmp_path / "board"), rank=0)
        assert partner.wait(timeout=60) == 0
    finally:
        partner.kill()  # nothing happens to one that has ended
        partner.wait()
    (X, y), model = script.make_data(0).tensors, script.make_model(0)
    F.mse_loss(model(X[:64]), y[:64]).backward()
    for got, p in zip(averaged, model.parameters(), strict=True):
        assert (got - p.grad).abs().max() <= 1e-6


def test_two_processes_train_what_one_does(undisturbed, tmp_path):
    two, out = undisturbed
    assert_nothing_is_left(out, 2)
    one = alone(tmp_path / "one.pt")
    assert len(one) == 4 and one[-1] < one[0]
    assert one == pytest.approx(two, abs=1e-6, rel=0)


def test_a_killed_process_does_not_change_the_result(undisturbed, tmp_path):
    path = tmp_path / "run.pt"
    out = torchrun("--checkpoint", path, "--kill-rank", 0, restarts=1)  # 0 is the one that writes
    begun = sorted((n, rank, epoch) for n, rank, _, _, _, epoch in re.findall(STARTED, out))
    assert begun == [("0", "0", "0"), ("0", "1", "0"), ("1", "0", "1"), ("1", "1", "1")]
    assert losses(path) == pytest.approx(undisturbed[0], abs=1e-6, rel=0)
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"], "a half-written file was left"
    assert_nothing_is_left(out, 4)


@pytest.mark.parametrize("dies", [0, 1])
def test_two_machines_begin_anew_together(dies, undisturbed, tmp_path):
    """Each torchrun counts only the deaths of its own processes; the lesson's command bears that."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    worker = tmp_path / "worker.py"
    worker.write_text(ON_A_MACHINE)
    options = "--nnodes 2 --nproc-per-node 1 --max-restarts 1 --rdzv-backend c10d --rdzv-id test"
    options += f" --rdzv-endpoint 127.0.0.1:{port} --local-addr 127.0.0.1 --rdzv-conf is_host="
    words = [worker, script.__file__, "--checkpoint", tmp_path / "run.pt", "--kill-rank", dies]
    paths = os.pathsep.join([str(LESSONS), PATHS])
    env = os.environ | CHILD | {"COURSE_DEVICE": "cpu", "PYTHONPATH": paths}
    env["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    machines = [
        subprocess.Popen(
            [sys.executable, "-c", MACHINE, *f"{options}{host}".split(), *map(str, words)],
            env=env, text=True, **pipes,
        )
        for host in (1, 0)
    ]  # fmt: skip
    try:
        said = [machine.communicate(timeout=200)[0] for machine in machines]
    finally:
        for machine in machines:
            machine.terminate()  # nothing happens to one that has ended
            machine.communicate(timeout=60)
    assert [machine.returncode for machine in machines] == [0, 0], "\n".join(said)[-4000:]
    assert losses(tmp_path / "run.pt") == pytest.approx(undisturbed[0], abs=1e-6, rel=0)
    told = re.findall(STARTED, "".join(said))
    assert sorted(epoch for *_, epoch in told) == ["0", "0", "1", "1"]
    # the survivor counts a death, too, if its process has noticed before its torchrun has
    assert sorted(start for start, *_ in told) in (["0", "0", "0", "1"], ["0", "0", "1", "1"])
    assert_nothing_is_left("".join(said), 4)


def test_another_run_goes_on_where_one_has_ended(undisturbed, tmp_path, capsys):
    path = tmp_path / "run.pt"
    assert len(alone(path, epochs=2)) == 2
    assert alone(path) == pytest.approx(undisturbed[0], abs=1e-6, rel=0)
    assert "after epoch 2" in capsys.readouterr().out
    assert len(alone(path)) == 4
    assert "loss" not in capsys.readouterr().out, "there was nothing left to do"


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    alone(tmp_path / "run.pt", epochs=1)
    for changed in ({"seed": 1}, {"batch_size": 32}):
        with pytest.raises(SystemExit, match="is of another run"):
            alone(tmp_path / "run.pt", **changed)


def test_what_cannot_work_is_said(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_distributed.py", "--checkpoint", "never-written.pt"])
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(SystemExit):
        script.main()
    assert "start me with torchrun" in capsys.readouterr().err
    for name, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "3"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        script.main()
    assert "a batch of 64 cannot be shared equally by 3 processes" in capsys.readouterr().err


def test_the_notice_board_is_heard_on_the_loopback_only():
    board = torchrun_here.NoticeBoard("localhost", 0, is_master=True, wait_for_workers=False)
    dist.TCPStore("127.0.0.1", board.port).set("note", "here")
    assert board.get("note") == b"here"
    with socket.socket() as s:  # all of 127.… is this machine, but only one address is listened on
        s.settimeout(2)
        assert s.connect_ex(("127.0.0.2", board.port)) != 0
