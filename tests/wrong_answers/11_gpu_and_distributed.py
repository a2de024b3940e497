# %% gpu-4 refused: tensor.to returns a copy
def to_device(batch, device):
    if torch.is_tensor(batch):
        batch.to(device)
        return batch
    return batch

# %% gpu-4 refused: the structure stays
def to_device(batch, device):
    if torch.is_tensor(batch):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: to_device(part, device) for key, part in batch.items()}
    if isinstance(batch, (tuple, list)):
        return [to_device(part, device) for part in batch]
    return batch

# %% gpu-4 refused: a container may hold containers
def to_device(batch, device):
    move = lambda part: part.to(device) if torch.is_tensor(part) else part
    if isinstance(batch, dict):
        return {key: tuple(map(move, part)) if isinstance(part, tuple) else move(part) for key, part in batch.items()}
    return move(batch)

# %% gpu-4 refused: changing the given one surprises its owner
def to_device(batch, device):
    if torch.is_tensor(batch):
        return batch.to(device)
    if isinstance(batch, dict):
        for key in batch:
            batch[key] = to_device(batch[key], device)
        return batch
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(part, device) for part in batch)
    return batch

# %% gpu-4 refused: changing the given one surprises its owner
def to_device(batch, device):
    if torch.is_tensor(batch):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: to_device(part, device) for key, part in batch.items()}
    if isinstance(batch, tuple):
        return tuple(to_device(part, device) for part in batch)
    if isinstance(batch, list):
        for at, part in enumerate(batch):
            batch[at] = to_device(part, device)
    return batch

# %% gpu-4 refused: the structure stays
def to_device(batch, device):
    if isinstance(batch, str):
        return batch
    if isinstance(batch, dict):
        return {key: to_device(part, device) for key, part in batch.items()}
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(part, device) for part in batch)
    return torch.as_tensor(batch).to(device)

# %% gpu-4 passes
def to_device(batch, device):
    match batch:
        case torch.Tensor():
            return batch.to(device, non_blocking=True)
        case dict():
            return dict(zip(batch, (to_device(v, device) for v in batch.values())))
        case tuple():
            return tuple(to_device(v, device) for v in batch)
        case list():
            return [to_device(v, device) for v in batch]
    return batch

# %% gpu-1 refused: wait before you stop the watch
def timed(work, gpu, repeats=3):
    best = float("inf")
    for _ in range(repeats):
        gpu.synchronize()
        begin = gpu.now
        work()
        best = min(best, gpu.now - begin)
    return best

# %% gpu-1 refused: wait before you start the watch
def timed(work, gpu, repeats=3):
    runs = []
    for _ in range(1):
        begin = gpu.now
        work()
        gpu.synchronize()
        runs.append(gpu.now - begin)
    return min(runs)

# %% gpu-1 refused: work ran once
def timed(work, gpu, repeats=3):
    gpu.synchronize()
    begin = gpu.now
    work()
    gpu.synchronize()
    return gpu.now - begin

# %% gpu-1 refused: that is the mean
def timed(work, gpu, repeats=3):
    gpu.synchronize()
    begin = gpu.now
    for _ in range(repeats):
        work()
        gpu.synchronize()
    return (gpu.now - begin) / repeats

# %% gpu-1 refused: the sum of all runs
def timed(work, gpu, repeats=3):
    gpu.synchronize()
    begin = gpu.now
    for _ in range(repeats):
        work()
        gpu.synchronize()
    return gpu.now - begin

# %% gpu-1 refused: wait before you stop the watch
def timed(work, gpu, repeats=3):
    begin = gpu.now
    for _ in range(repeats):
        work()
    return (gpu.now - begin) / repeats

# %% gpu-1 refused: synchronize only waits
def timed(work, gpu, repeats=3):
    runs = []
    for _ in range(repeats):
        gpu.item()
        begin = gpu.now
        work()
        gpu.item()
        runs.append(gpu.now - begin)
    return min(runs)

# %% gpu-1 refused: launching counts, too
def timed(work, gpu, repeats=3):
    runs = []
    for _ in range(repeats):
        begin = gpu.free_at
        work()
        runs.append(gpu.free_at - begin)
    return min(runs)

# %% gpu-1 passes
def timed(work, gpu, repeats=3):
    def once():
        gpu.synchronize()
        begin = -gpu.now
        work()
        gpu.synchronize()
        return begin + gpu.now

    return sorted(once() for _ in range(repeats))[0]

# %% gpu-2 refused: the parameters alone
def training_bytes(model, states):
    return sum(p.nbytes for p in model.parameters())

# %% gpu-2 refused: the gradients are missing
def training_bytes(model, states):
    return sum(p.nbytes * (1 + states if p.requires_grad else 1) for p in model.parameters())

# %% gpu-2 refused: a frozen weight has no gradient and no state
def training_bytes(model, states):
    return sum(p.nbytes * (2 + states) for p in model.parameters())

# %% gpu-2 refused: a frozen weight takes up its room
def training_bytes(model, states):
    return sum(p.nbytes * (2 + states) for p in model.parameters() if p.requires_grad)

# %% gpu-2 refused: bfloat16 has 2 bytes
def training_bytes(model, states):
    return sum(p.numel() * 4 * (2 + states if p.requires_grad else 1) for p in model.parameters())

# %% gpu-2 refused: numbers were counted, not bytes
def training_bytes(model, states):
    return sum(p.numel() * (2 + states if p.requires_grad else 1) for p in model.parameters())

# %% gpu-2 refused: a frozen weight has no state either
def training_bytes(model, states):
    return sum(p.nbytes * (1 + p.requires_grad + states) for p in model.parameters())

# %% gpu-2 refused: states have their parameter's dtype
def training_bytes(model, states):
    return sum(p.nbytes * (1 + p.requires_grad) + 4 * p.numel() * states * p.requires_grad for p in model.parameters())

# %% gpu-2 passes
def training_bytes(model, states):
    total = 0
    for p in model.parameters():
        copies = 1 + p.requires_grad * (1 + states)
        total += copies * p.numel() * p.element_size()
    return total

# %% gpu-5 refused: an older gradient leaked in
def accumulate(model, loss_fn, X, y, size):
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        loss = loss_fn(model(xb), yb) * len(xb) / len(X)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-5 refused: weight by its rows
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total, pieces = 0.0, X.split(size)
    for xb, yb in zip(pieces, y.split(size)):
        loss = loss_fn(model(xb), yb) / len(pieces)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-5 refused: each loss is a mean
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        loss = loss_fn(model(xb), yb)
        loss.backward()
        total += loss.item() * len(xb) / len(X)
    return total

# %% gpu-5 refused: the last piece only
def accumulate(model, loss_fn, X, y, size):
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        model.zero_grad()
        loss = loss_fn(model(xb), yb) * len(xb) / len(X)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-5 refused: all rows went through at once
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    loss = loss_fn(model(X), y)
    loss.backward()
    return loss.item()

# %% gpu-5 refused: expected: a float
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        loss = loss_fn(model(xb), yb) * len(xb) / len(X)
        loss.backward()
        total = total + loss
    return total

# %% gpu-5 refused: keeps the graph of every piece
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    losses = [loss_fn(model(xb), yb) * len(xb) / len(X) for xb, yb in zip(X.split(size), y.split(size))]
    for loss in losses:
        loss.backward()
    return sum(loss.item() for loss in losses)

# %% gpu-5 refused: a sum or list of losses keeps the graph
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        total = total + loss_fn(model(xb), yb) * len(xb) / len(X)
    total.backward()
    return total.item()

# %% gpu-5 refused: chunk takes the number of pieces
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for xb, yb in zip(X.chunk(size), y.chunk(size)):
        loss = loss_fn(model(xb), yb) * len(xb) / len(X)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-5 refused: the last piece is shorter
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        loss = loss_fn(model(xb), yb) * size / len(X)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-5 refused: the last piece is missing
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for at in range(0, len(X) - size + 1, size):
        loss = loss_fn(model(X[at : at + size]), y[at : at + size]) * size / len(X)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-5 refused: the losses are weighted as well
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    losses = []
    for xb, yb in zip(X.split(size), y.split(size)):
        loss = loss_fn(model(xb), yb)
        (loss * len(xb) / len(X)).backward()
        losses.append(loss.item())
    return sum(losses) / len(losses)

# %% gpu-5 passes
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    count, total = -(-len(X) // size), 0.0
    for xb, yb in zip(X.tensor_split(count), y.tensor_split(count)):
        loss = loss_fn(model(xb), yb) * (len(xb) / len(X))
        loss.backward()
        total += loss.item()
    return total

# %% gpu-5 passes
def accumulate(model, loss_fn, X, y, size):
    for p in model.parameters():
        p.grad = None
    total = 0.0
    for at in range(0, len(X), size):
        rows = slice(at, min(at + size, len(X)))
        loss = loss_fn(model(X[rows]), y[rows])
        (loss * (rows.stop - at)).backward()
        total += loss.item() * (rows.stop - at)
    for p in model.parameters():
        p.grad /= len(X)
    return total / len(X)

# %% gpu-6 refused: no overlap
def my_rows(n, rank, world, epoch, seed):
    deck = torch.randperm(n, generator=torch.Generator().manual_seed(seed + epoch + 100 * rank))
    return deck[: n // world * world][rank::world].tolist()

# %% gpu-6 refused: all ranks read the same rows
def my_rows(n, rank, world, epoch, seed):
    deck = torch.randperm(n, generator=torch.Generator().manual_seed(seed + epoch))
    return deck[: n // world].tolist()

# %% gpu-6 refused: set_epoch was forgotten
def my_rows(n, rank, world, epoch, seed):
    deck = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return deck[: n // world * world][rank::world].tolist()

# %% gpu-6 refused: cut the rest off
def my_rows(n, rank, world, epoch, seed):
    deck = torch.randperm(n, generator=torch.Generator().manual_seed(seed + epoch))
    return deck[rank::world].tolist()

# %% gpu-6 refused: shuffle the rows
def my_rows(n, rank, world, epoch, seed):
    return list(range(n // world * world))[rank::world]

# %% gpu-6 refused: the global generator was seeded or used
def my_rows(n, rank, world, epoch, seed):
    torch.manual_seed(seed + epoch)
    return torch.randperm(n)[: n // world * world][rank::world].tolist()

# %% gpu-6 refused: expected: a list[int]
def my_rows(n, rank, world, epoch, seed):
    deck = torch.randperm(n, generator=torch.Generator().manual_seed(seed + epoch))
    return deck[: n // world * world][rank::world]

# %% gpu-6 refused: shuffle first, then deal
def my_rows(n, rank, world, epoch, seed):
    share = torch.randperm(n // world, generator=torch.Generator().manual_seed(seed + epoch))
    return (share * world + rank).tolist()

# %% gpu-6 refused: shuffled rows
def my_rows(n, rank, world, epoch, seed):
    return [(step * world + rank + seed + epoch) % n for step in range(n // world)]

# %% gpu-6 passes
def my_rows(n, rank, world, epoch, seed):
    import random

    deck = list(range(n))
    random.Random(f"{seed} {epoch}").shuffle(deck)
    share = n // world
    return deck[rank * share : (rank + 1) * share]

# %% gpu-6 passes
def my_rows(n, rank, world, epoch, seed):
    sampler = DistributedSampler(range(n), world, rank, shuffle=True, seed=seed, drop_last=True)
    sampler.set_epoch(epoch)
    return list(sampler)

# %% gpu-7 refused: the share that can be divided
def serial_share(n, ratio):
    return 1 - (n / ratio - 1) / (n - 1)


def limit(n, ratio):
    return 1 / (1 - serial_share(n, ratio))

# %% gpu-7 refused: lost efficiency
def serial_share(n, ratio):
    return 1 - ratio / n


def limit(n, ratio):
    return 1 / serial_share(n, ratio) if ratio < n else float("inf")

# %% gpu-7 refused: right for n = 2 only
def serial_share(n, ratio):
    return 2 / ratio - 1


def limit(n, ratio):
    return 1 / serial_share(n, ratio)

# %% gpu-7 refused: divide by n - 1 as well
def serial_share(n, ratio):
    return n / ratio - 1


def limit(n, ratio):
    return 1 / serial_share(n, ratio)

# %% gpu-7 refused: the share was divided by n as well
def serial_share(n, ratio):
    return 1 / ratio - 1 / n


def limit(n, ratio):
    return 1 / serial_share(n, ratio)

# %% gpu-7 refused: that is what you measured
def serial_share(n, ratio):
    return (1 / ratio - 1 / n) / (1 - 1 / n)


def limit(n, ratio):
    return ratio

# %% gpu-7 refused: division
def serial_share(n, ratio):
    return (1 / ratio - 1 / n) / (1 - 1 / n)


def limit(n, ratio):
    return 1 / serial_share(n, ratio)

# %% gpu-7 passes
def serial_share(n, ratio):
    return (1 / ratio - 1 / n) / (1 - 1 / n)


def limit(n, ratio):
    return float("inf") if ratio >= n else (n - 1) / (n / ratio - 1)

# %% gpu-4 refused: a container may hold containers
def to_device(batch, device):
    if torch.is_tensor(batch):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: to_device(part, device) for key, part in batch.items()}
    if isinstance(batch, (tuple, list)):
        move = lambda part: part if isinstance(part, dict) else to_device(part, device)
        return type(batch)(move(part) for part in batch)
    return batch

# %% gpu-4 refused: use the device that is asked for
def to_device(batch, device):
    if torch.is_tensor(batch):
        return batch.to("meta")
    if isinstance(batch, dict):
        return {key: to_device(part, device) for key, part in batch.items()}
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(part, device) for part in batch)
    return batch

# %% gpu-2 refused: the bias takes up room, too
def training_bytes(model, states):
    total = 0
    for name, p in model.named_parameters():
        if name.endswith("weight"):
            total += p.nbytes * (2 + states if p.requires_grad else 1)
    return total

# %% gpu-6 refused: the last rows never come
def my_rows(n, rank, world, epoch, seed):
    deck = torch.randperm(n // world * world, generator=torch.Generator().manual_seed(seed + epoch))
    return deck[rank::world].tolist()

# %% gpu-3 refused: expected: a str
from pathlib import Path

my_script = Path("my_script.py")


# %% gpu-3 refused: 41 lines
my_script = """
import sys
# one more line
# one more line
# one more line
# one more line
# one more line
# one more line
# one more line
# one more line
# one more line
# one more line
# one more line
# one more line
# one more line
# one more line
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
given = torch.load(sys.argv[1])
data = TensorDataset(given["X"], given["y"])
sampler = DistributedSampler(data, world, rank, shuffle=True, seed=0)
loader = DataLoader(data, batch_size=64 // world, sampler=sampler)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(given["X"].shape[1], 16), nn.Tanh(), nn.Linear(16, 1))
parallel = DistributedDataParallel(model)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(3):
    sampler.set_epoch(epoch)
    for X, y in loader:
        loss = nn.functional.mse_loss(parallel(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
if rank == 0:
    torch.save(model.state_dict(), sys.argv[2])
dist.destroy_process_group()
"""


# %% gpu-3 refused: set_epoch was forgotten
my_script = """
import sys
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
given = torch.load(sys.argv[1])
data = TensorDataset(given["X"], given["y"])
sampler = DistributedSampler(data, world, rank, shuffle=True, seed=0)
loader = DataLoader(data, batch_size=64 // world, sampler=sampler)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(given["X"].shape[1], 16), nn.Tanh(), nn.Linear(16, 1))
parallel = DistributedDataParallel(model)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(3):
    for X, y in loader:
        loss = nn.functional.mse_loss(parallel(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
if rank == 0:
    torch.save(model.state_dict(), sys.argv[2])
dist.destroy_process_group()
"""


# %% gpu-3 refused: DDP averages gradients
my_script = """
import sys
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
given = torch.load(sys.argv[1])
data = TensorDataset(given["X"], given["y"])
sampler = DistributedSampler(data, world, rank, shuffle=True, seed=0)
loader = DataLoader(data, batch_size=64 // world, sampler=sampler)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(given["X"].shape[1], 16), nn.Tanh(), nn.Linear(16, 1))
parallel = model
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(3):
    sampler.set_epoch(epoch)
    for X, y in loader:
        loss = nn.functional.mse_loss(parallel(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
if rank == 0:
    torch.save(model.state_dict(), sys.argv[2])
dist.destroy_process_group()
"""


# %% gpu-3 refused: take .module
my_script = """
import sys
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
given = torch.load(sys.argv[1])
data = TensorDataset(given["X"], given["y"])
sampler = DistributedSampler(data, world, rank, shuffle=True, seed=0)
loader = DataLoader(data, batch_size=64 // world, sampler=sampler)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(given["X"].shape[1], 16), nn.Tanh(), nn.Linear(16, 1))
parallel = DistributedDataParallel(model)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(3):
    sampler.set_epoch(epoch)
    for X, y in loader:
        loss = nn.functional.mse_loss(parallel(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
if rank == 0:
    torch.save(parallel.state_dict(), sys.argv[2])
dist.destroy_process_group()
"""


# %% gpu-3 refused: FileNotFoundError
my_script = """
import sys
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
given = torch.load(sys.argv[1])
data = TensorDataset(given["X"], given["y"])
sampler = DistributedSampler(data, world, rank, shuffle=True, seed=0)
loader = DataLoader(data, batch_size=64 // world, sampler=sampler)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(given["X"].shape[1], 16), nn.Tanh(), nn.Linear(16, 1))
parallel = DistributedDataParallel(model)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(3):
    sampler.set_epoch(epoch)
    for X, y in loader:
        loss = nn.functional.mse_loss(parallel(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
dist.destroy_process_group()
"""

# %% gpu-6 same: the order has to depend on both, in whatever way
# deck = torch.randperm(n, generator=torch.Generator().manual_seed(seed + epoch)) => deck = torch.randperm(n, generator=torch.Generator().manual_seed(seed - epoch))
