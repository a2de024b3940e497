"""Train a small network with several processes; any of them may die, and the run goes on.

    torchrun --standalone --nproc-per-node 2 lessons/train_distributed.py --checkpoint run.pt

Every process runs this file from top to bottom, on the GPU that has its number (NCCL), or on the CPU
(gloo; COURSE_DEVICE=cpu asks for it). torchrun tells each one who it is, in environment variables:
RANK, its number among all; LOCAL_RANK, its number on this machine; WORLD_SIZE, how many there are.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from utils import get_device, load_checkpoint, save_checkpoint


def make_data(seed: int, n: int = 1024) -> TensorDataset:
    """Made-up regression: n points X (n, 8), and targets (n, 1) that bend with them."""
    g = torch.Generator().manual_seed(seed)
    X = torch.randn(n, 8, generator=g)
    return TensorDataset(X, torch.sin(X[:, :1]) + 0.5 * X[:, 1:2] * X[:, 2:3])


def make_model(seed: int) -> nn.Module:
    """8 inputs, 1 output; the same weights in every process that asks with the same seed."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1))


def my_device(local_rank: int) -> torch.device:
    """The GPU with my number, or the CPU if there is none."""
    if get_device().type != "cuda":
        return torch.device("cpu")
    if local_rank >= torch.cuda.device_count():
        raise SystemExit(
            f"process {local_rank} finds {torch.cuda.device_count()} GPU(s) on this machine. Start as many "
            "processes as there are GPUs (--nproc-per-node), or set COURSE_DEVICE=cpu."
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def starts() -> int:
    """How often torchrun has begun anew because a process of this machine died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))


def say(line: str) -> None:
    """Print in one piece: print writes the line's end for itself, and another process may cut in."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def train(options: argparse.Namespace, rank: int, world: int, device: torch.device) -> None:
    """Train, from the checkpoint on if there is one; rank 0 talks and writes."""
    data, loss_fn = make_data(options.seed), nn.MSELoss()
    sampler = DistributedSampler(data, world, rank, shuffle=True, seed=options.seed, drop_last=True)
    loader = DataLoader(data, options.batch_size // world, sampler=sampler, drop_last=True)
    model = make_model(options.seed).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    done = {"epoch": 0, "losses": [], "seed": options.seed, "batch_size": options.batch_size}
    if options.checkpoint.exists():
        saved = load_checkpoint(options.checkpoint, model, optimizer)
        if any(saved.get(name) != done[name] for name in ("seed", "batch_size")):
            raise SystemExit(f"{options.checkpoint} is of another run: {saved}. Name another file.")
        done = saved
    parallel = DistributedDataParallel(model)  # from here on, backward() averages the gradients
    start = starts()
    who = f"rank {rank} of {world}, process {os.getpid()}, port {os.environ['MASTER_PORT']}"
    say(f"start {start}: {who}, goes on after epoch {done['epoch']}")

    for epoch in range(done["epoch"] + 1, options.epochs + 1):
        sampler.set_epoch(epoch)  # or every epoch has the same order
        for step, (X, y) in enumerate(loader):
            if (rank, epoch, step, start) == (options.kill_rank, options.kill_epoch, 5, 0):
                os.kill(os.getpid(), signal.SIGKILL)  # as a failing machine would: no goodbye
            loss = loss_fn(parallel(X.to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if rank == 0:
            with torch.inference_mode():
                X, y = (part.to(device) for part in data.tensors)
                whole = loss_fn(model(X), y).item()
            done |= {"epoch": epoch, "losses": [*done["losses"], whole]}
            save_checkpoint(options.checkpoint, model, optimizer, **done)
            say(f"epoch {epoch}: loss {whole:.6f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--checkpoint", type=Path, required=True, help="written after each epoch, and resumed from"
    )
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=64, help="of all processes together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kill-rank", type=int, help="for practice: this rank dies …")
    parser.add_argument(
        "--kill-epoch", type=int, default=2, help="… in the middle of this epoch, once"
    )
    options = parser.parse_args()
    if "RANK" not in os.environ:
        parser.error("start me with torchrun, which tells me who I am: see the top of this file")
    rank, local_rank, world = (
        int(os.environ[name]) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE")
    )
    if options.batch_size < world or options.batch_size % world:
        parser.error(
            f"a batch of {options.batch_size} cannot be shared equally by {world} processes"
        )
    device = my_device(local_rank)
    store, rank, world = next(dist.rendezvous("env://"))  # the notice board
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":  # torchrun's own, which stays up …
        store = dist.PrefixStore(f"start {starts()}", store)  # … so skip the addresses of the dead
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=world)
    try:
        train(options, rank, world, device)
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
    # All is written, and the group is left. Ending Python in the usual way still ends PyTorch's own
    # threads, and now and then (torch 2.15 with gloo: one run in twenty) that aborts a process whose
    # work is done: torchrun would count the run as failed. So leave without further ado.
    sys.stdout.flush()
    os._exit(0)
