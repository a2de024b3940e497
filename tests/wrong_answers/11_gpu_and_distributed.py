# %% gpu-1 refused: tensor.to returns a copy
def to_device(batch, device):
    if torch.is_tensor(batch):
        batch.to(device)
        return batch
    return batch

# %% gpu-1 refused: the structure stays
def to_device(batch, device):
    if torch.is_tensor(batch):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: to_device(part, device) for key, part in batch.items()}
    if isinstance(batch, (tuple, list)):
        return [to_device(part, device) for part in batch]
    return batch

# %% gpu-1 refused: a container may hold containers
def to_device(batch, device):
    move = lambda part: part.to(device) if torch.is_tensor(part) else part
    if isinstance(batch, dict):
        return {key: tuple(map(move, part)) if isinstance(part, tuple) else move(part) for key, part in batch.items()}
    return move(batch)

# %% gpu-1 refused: changing the given one surprises its owner
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

# %% gpu-1 refused: changing the given one surprises its owner
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

# %% gpu-1 refused: the structure stays
def to_device(batch, device):
    if isinstance(batch, str):
        return batch
    if isinstance(batch, dict):
        return {key: to_device(part, device) for key, part in batch.items()}
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(part, device) for part in batch)
    return torch.as_tensor(batch).to(device)

# %% gpu-1 passes
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

# %% gpu-2 refused: wait before you stop the watch
def timed(work, gpu, repeats=3):
    best = float("inf")
    for _ in range(repeats):
        gpu.synchronize()
        begin = gpu.now
        work()
        best = min(best, gpu.now - begin)
    return best

# %% gpu-2 refused: wait before you start the watch
def timed(work, gpu, repeats=3):
    runs = []
    for _ in range(1):
        begin = gpu.now
        work()
        gpu.synchronize()
        runs.append(gpu.now - begin)
    return min(runs)

# %% gpu-2 refused: work ran once
def timed(work, gpu, repeats=3):
    gpu.synchronize()
    begin = gpu.now
    work()
    gpu.synchronize()
    return gpu.now - begin

# %% gpu-2 refused: that is the mean
def timed(work, gpu, repeats=3):
    gpu.synchronize()
    begin = gpu.now
    for _ in range(repeats):
        work()
        gpu.synchronize()
    return (gpu.now - begin) / repeats

# %% gpu-2 refused: the sum of all runs
def timed(work, gpu, repeats=3):
    gpu.synchronize()
    begin = gpu.now
    for _ in range(repeats):
        work()
        gpu.synchronize()
    return gpu.now - begin

# %% gpu-2 refused: wait before you stop the watch
def timed(work, gpu, repeats=3):
    begin = gpu.now
    for _ in range(repeats):
        work()
    return (gpu.now - begin) / repeats

# %% gpu-2 refused: synchronize only waits
def timed(work, gpu, repeats=3):
    runs = []
    for _ in range(repeats):
        gpu.item()
        begin = gpu.now
        work()
        gpu.item()
        runs.append(gpu.now - begin)
    return min(runs)

# %% gpu-2 refused: launching counts, too
def timed(work, gpu, repeats=3):
    runs = []
    for _ in range(repeats):
        begin = gpu.free_at
        work()
        runs.append(gpu.free_at - begin)
    return min(runs)

# %% gpu-2 passes
def timed(work, gpu, repeats=3):
    def once():
        gpu.synchronize()
        begin = -gpu.now
        work()
        gpu.synchronize()
        return begin + gpu.now

    return sorted(once() for _ in range(repeats))[0]

# %% gpu-3 refused: the parameters alone
def training_bytes(model, states):
    return sum(p.nbytes for p in model.parameters())

# %% gpu-3 refused: the gradients are missing
def training_bytes(model, states):
    return sum(p.nbytes * (1 + states if p.requires_grad else 1) for p in model.parameters())

# %% gpu-3 refused: a frozen weight has no gradient and no state
def training_bytes(model, states):
    return sum(p.nbytes * (2 + states) for p in model.parameters())

# %% gpu-3 refused: a frozen weight takes up its room
def training_bytes(model, states):
    return sum(p.nbytes * (2 + states) for p in model.parameters() if p.requires_grad)

# %% gpu-3 refused: bfloat16 has 2 bytes
def training_bytes(model, states):
    return sum(p.numel() * 4 * (2 + states if p.requires_grad else 1) for p in model.parameters())

# %% gpu-3 refused: numbers were counted, not bytes
def training_bytes(model, states):
    return sum(p.numel() * (2 + states if p.requires_grad else 1) for p in model.parameters())

# %% gpu-3 refused: a frozen weight has no state either
def training_bytes(model, states):
    return sum(p.nbytes * (1 + p.requires_grad + states) for p in model.parameters())

# %% gpu-3 refused: states have their parameter's dtype
def training_bytes(model, states):
    return sum(p.nbytes * (1 + p.requires_grad) + 4 * p.numel() * states * p.requires_grad for p in model.parameters())

# %% gpu-3 passes
def training_bytes(model, states):
    total = 0
    for p in model.parameters():
        copies = 1 + p.requires_grad * (1 + states)
        total += copies * p.numel() * p.element_size()
    return total

# %% gpu-4 refused: an older gradient leaked in
def accumulate(model, loss_fn, X, y, size):
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        loss = loss_fn(model(xb), yb) * len(xb) / len(X)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-4 refused: weight by its rows
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total, pieces = 0.0, X.split(size)
    for xb, yb in zip(pieces, y.split(size)):
        loss = loss_fn(model(xb), yb) / len(pieces)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-4 refused: each loss is a mean
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        loss = loss_fn(model(xb), yb)
        loss.backward()
        total += loss.item() * len(xb) / len(X)
    return total

# %% gpu-4 refused: the last piece only
def accumulate(model, loss_fn, X, y, size):
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        model.zero_grad()
        loss = loss_fn(model(xb), yb) * len(xb) / len(X)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-4 refused: all rows went through at once
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    loss = loss_fn(model(X), y)
    loss.backward()
    return loss.item()

# %% gpu-4 refused: expected: a float
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        loss = loss_fn(model(xb), yb) * len(xb) / len(X)
        loss.backward()
        total = total + loss
    return total

# %% gpu-4 refused: keeps the graph of every piece
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    losses = [loss_fn(model(xb), yb) * len(xb) / len(X) for xb, yb in zip(X.split(size), y.split(size))]
    for loss in losses:
        loss.backward()
    return sum(loss.item() for loss in losses)

# %% gpu-4 refused: a sum or list of losses keeps the graph
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        total = total + loss_fn(model(xb), yb) * len(xb) / len(X)
    total.backward()
    return total.item()

# %% gpu-4 refused: chunk takes the number of pieces
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for xb, yb in zip(X.chunk(size), y.chunk(size)):
        loss = loss_fn(model(xb), yb) * len(xb) / len(X)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-4 refused: the last piece is shorter
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size)):
        loss = loss_fn(model(xb), yb) * size / len(X)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-4 refused: the last piece is missing
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    total = 0.0
    for at in range(0, len(X) - size + 1, size):
        loss = loss_fn(model(X[at : at + size]), y[at : at + size]) * size / len(X)
        loss.backward()
        total += loss.item()
    return total

# %% gpu-4 refused: the losses are weighted as well
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    losses = []
    for xb, yb in zip(X.split(size), y.split(size)):
        loss = loss_fn(model(xb), yb)
        (loss * len(xb) / len(X)).backward()
        losses.append(loss.item())
    return sum(losses) / len(losses)

# %% gpu-4 passes
def accumulate(model, loss_fn, X, y, size):
    model.zero_grad()
    count, total = -(-len(X) // size), 0.0
    for xb, yb in zip(X.tensor_split(count), y.tensor_split(count)):
        loss = loss_fn(model(xb), yb) * (len(xb) / len(X))
        loss.backward()
        total += loss.item()
    return total

# %% gpu-4 passes
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

# %% gpu-5 refused: that is the mean
def reduce_scatter(tensors):
    return list(torch.stack(tensors).mean(dim=0).chunk(len(tensors)))

# %% gpu-5 refused: that is all_reduce
def reduce_scatter(tensors):
    return [torch.stack(tensors).sum(dim=0) for _ in tensors]

# %% gpu-5 refused: split takes the length of a piece
def reduce_scatter(tensors):
    return list(torch.stack(tensors).sum(dim=0).split(len(tensors)))

# %% gpu-5 refused: nobody has added
def reduce_scatter(tensors):
    return [t.chunk(len(tensors))[p] for p, t in enumerate(tensors)]

# %% gpu-5 refused: += is in place
def reduce_scatter(tensors):
    total = tensors[0]
    for t in tensors[1:]:
        total += t
    return list(total.chunk(len(tensors)))

# %% gpu-5 refused: here it is 3
def reduce_scatter(tensors):
    return list(sum(tensors).chunk(2))

# %% gpu-5 refused: here p owns chunk p
def reduce_scatter(tensors):
    n = len(tensors)
    chunks = torch.stack(tensors).sum(dim=0).chunk(n)
    return [chunks[(p + 1) % n] for p in range(n)]

# %% gpu-5 refused: not every third number
def reduce_scatter(tensors):
    total = torch.stack(tensors).sum(dim=0)
    return [total[p :: len(tensors)] for p in range(len(tensors))]

# %% gpu-5 passes
def reduce_scatter(tensors):
    n, width = len(tensors), len(tensors[0]) // len(tensors)
    return [sum(t[p * width : (p + 1) * width] for t in tensors) for p in range(n)]

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

# %% gpu-6 refused: expected: an int
def my_rows(n, rank, world, epoch, seed):
    deck = torch.randperm(n, generator=torch.Generator().manual_seed(seed + epoch))
    return deck[: n // world * world][rank::world]

# %% gpu-6 refused: shuffle first, then deal
def my_rows(n, rank, world, epoch, seed):
    share = torch.randperm(n // world, generator=torch.Generator().manual_seed(seed + epoch))
    return (share * world + rank).tolist()

# %% gpu-6 refused: a shuffled order
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
