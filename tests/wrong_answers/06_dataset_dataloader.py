# %% loader-1 refused: no value follows the last one
class Windows(Dataset):
    def __init__(self, series, size):
        self.series, self.size = series, size

    def __len__(self):
        return len(self.series) - self.size + 1

    def __getitem__(self, i):
        return self.series[i : i + self.size], self.series[i + self.size]

# %% loader-1 refused: 16 is in the window
class Windows(Dataset):
    def __init__(self, series, size):
        self.series, self.size = series, size

    def __len__(self):
        return len(self.series) - self.size

    def __getitem__(self, i):
        return self.series[i : i + self.size], self.series[i + self.size - 1]

# %% loader-1 refused: that counts values
class Windows(Dataset):
    def __init__(self, series, size):
        self.series, self.size = series, size

    def __len__(self):
        return len(self.series)

    def __getitem__(self, i):
        return self.series[i : i + self.size], self.series[i + self.size]

# %% loader-1 refused: leave out .item()
class Windows(Dataset):
    def __init__(self, series, size):
        self.series, self.size = series, size

    def __len__(self):
        return len(self.series) - self.size

    def __getitem__(self, i):
        return self.series[i : i + self.size], self.series[i + self.size].item()

# %% loader-1 refused: size values from position 4
class Windows(Dataset):
    def __init__(self, series, size):
        self.series, self.size = series, size

    def __len__(self):
        return len(self.series) - 3

    def __getitem__(self, i):
        return self.series[i : i + 3], self.series[i + 3]

# %% loader-1 refused: [17.0], shape (1,)
class Windows(Dataset):
    def __init__(self, series, size):
        self.series, self.size = series, size

    def __len__(self):
        return len(self.series) - self.size

    def __getitem__(self, i):
        end = i + self.size
        return self.series[i:end], self.series[end : end + 1]

# %% loader-1 refused: expected: 7
class Windows(Dataset):
    def __init__(self, series, size):
        self.series, self.size = series, size

    def __len__(self):
        return len(self.series) // self.size

    def __getitem__(self, i):
        return self.series[i : i + self.size], self.series[i + self.size]

# %% loader-1 passes
class Windows(Dataset):
    def __init__(self, series, size):
        self.rows = series.unfold(0, size + 1, 1)

    def __len__(self):
        return self.rows.shape[0]

    def __getitem__(self, i):
        return self.rows[i, :-1], self.rows[i, -1]

# %% loader-2 refused: a batch ends where its epoch ends
def steps(n, batch_size, epochs, drop_last=False):
    return -(-n * epochs // batch_size)

# %% loader-2 refused: the short batch counts as well
def steps(n, batch_size, epochs, drop_last=False):
    return epochs * (n // batch_size)

# %% loader-2 refused: drop_last made no difference
def steps(n, batch_size, epochs, drop_last=False):
    return epochs * -(-n // batch_size)

# %% loader-2 refused: there is no fourth, empty batch
def steps(n, batch_size, epochs, drop_last=False):
    return epochs * (n // batch_size + (0 if drop_last else 1))

# %% loader-2 refused: a float
def steps(n, batch_size, epochs, drop_last=False):
    return epochs * float(np.floor(n / batch_size) if drop_last else np.ceil(n / batch_size))

# %% loader-2 refused: 18 rows leave no short batch to drop
def steps(n, batch_size, epochs, drop_last=False):
    return epochs * (-(-n // batch_size) - (1 if drop_last else 0))

# %% loader-2 passes
def steps(n, batch_size, epochs, drop_last=False):
    return len(DataLoader(range(n), batch_size=batch_size, drop_last=drop_last)) * epochs

# %% loader-3 refused: a weight for each class
def row_weights(labels):
    return 1 / labels.bincount().float()

# %% loader-3 refused: common classes get commoner
def row_weights(labels):
    return labels.bincount()[labels].float()

# %% loader-3 refused: an ordinary draw
def row_weights(labels):
    return torch.ones(len(labels))

# %% loader-3 refused: return a tensor, not a list
def row_weights(labels):
    return [1 / (labels == k).sum().item() for k in labels]

# %% loader-3 refused: each class weighs the same
def row_weights(labels):
    return 1 - labels.bincount()[labels] / len(labels)

# %% loader-3 passes
def row_weights(labels):
    portions = torch.stack([(labels == k).float().mean() for k in labels.tolist()])
    return 7 / portions.double()

# %% loader-4 refused: batch_size=None is missing
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=False))

# %% loader-4 refused: row by row: give the BatchSampler as sampler=
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    return DataLoader(dataset, batch_sampler=BatchSampler(order, batch_size, drop_last=False))

# %% loader-4 refused: row by row
def whole_batches(dataset, batch_size, shuffle, generator):
    return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle, generator=generator)

# %% loader-4 refused: the short one too
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=True), batch_size=None)

# %% loader-4 refused: each row once, order from generator
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=False), batch_size=None)

# %% loader-4 refused: each row once, order from generator
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
    bundles = BatchSampler(order, batch_size, drop_last=False)
    return DataLoader(dataset, sampler=bundles, batch_size=None, generator=generator)

# %% loader-4 refused: pass on the sampler
def whole_batches(dataset, batch_size, shuffle, generator):
    order = list(RandomSampler(dataset, generator=generator)) if shuffle else range(len(dataset))
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=False), batch_size=None)

# %% loader-4 refused: in order
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset, generator=generator)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=False), batch_size=None)

# %% loader-4 refused: each row once, order from generator
def whole_batches(dataset, batch_size, shuffle, generator):
    order = SequentialSampler(dataset)
    if shuffle:
        order = RandomSampler(dataset, replacement=True, generator=generator)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, False), batch_size=None)

# %% loader-4 refused: no attribute
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    fetched = [dataset[rows] for rows in BatchSampler(order, batch_size, drop_last=False)]
    return DataLoader(fetched, batch_size=None, shuffle=shuffle, generator=generator)

# %% loader-4 passes
def whole_batches(dataset, batch_size, shuffle, generator):
    order = SequentialSampler(dataset)
    if shuffle:
        order = RandomSampler(dataset, generator=generator)
    return DataLoader(dataset, None, sampler=BatchSampler(order, batch_size, False))

# %% loader-5 refused: the step is missing
def epoch_seconds(batches, fetch, step, workers):
    return batches * max(fetch / max(workers, 1), step)

# %% loader-5 refused: the slower side counts, not the sum
def epoch_seconds(batches, fetch, step, workers):
    return batches * (fetch / workers + step) if workers > 1 else batches * (max(fetch, step) if workers else fetch + step)

# %% loader-5 refused: fetch and step overlap
def epoch_seconds(batches, fetch, step, workers):
    return batches * (fetch / max(workers, 1) + step)

# %% loader-5 refused: the model needs 15
def epoch_seconds(batches, fetch, step, workers):
    return batches * fetch / workers if workers else batches * (fetch + step)

# %% loader-5 refused: // cuts: use /
def epoch_seconds(batches, fetch, step, workers):
    return batches * max(fetch // workers, step) if workers else batches * (fetch + step)

# %% loader-5 refused: count no rounds
def epoch_seconds(batches, fetch, step, workers):
    return max(-(-batches // workers) * fetch, batches * step) if workers else batches * (fetch + step)

# %% loader-5 refused: index out of range
def epoch_seconds(batches, fetch, step, workers):
    return batches * [fetch + step, fetch, step][workers]

# %% loader-5 refused: leave out the start
def epoch_seconds(batches, fetch, step, workers):
    return fetch + batches * max(fetch / workers, step) if workers else batches * (fetch + step)

# %% loader-5 refused: they share only the fetching
def epoch_seconds(batches, fetch, step, workers):
    return batches * (fetch + step) / (workers + 1)

# %% loader-5 passes
def epoch_seconds(batches, fetch, step, workers):
    slower = step + fetch if not workers else step if step > fetch / workers else fetch / workers
    return sum(slower for _ in range(batches))

# %% loader-6 refused: 63 items held
def shuffled_stream(items, size, generator):
    items = list(items)
    for k in torch.randperm(len(items), generator=generator).tolist():
        yield items[k]

# %% loader-6 refused: every item once
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        k = torch.randint(size, (), generator=generator).item()
        yield buffer[k]
        buffer[k] = item

# %% loader-6 refused: 0 items held
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        buffer = [*buffer, item][-size:]
        yield buffer[torch.randint(len(buffer), (), generator=generator).item()]

# %% loader-6 refused: random picks
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        buffer.append(item)
        if len(buffer) > size:
            yield buffer.pop(0)
    yield from buffer

# %% loader-6 refused: random picks
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
        else:
            yield item
    for k in torch.randperm(len(buffer), generator=generator).tolist():
        yield buffer[k]

# %% loader-6 refused: random picks
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        yield buffer[0]
        buffer[0] = item
    for k in torch.randperm(len(buffer), generator=generator).tolist():
        yield buffer[k]

# %% loader-6 refused: one in, one out
def shuffled_stream(items, size, generator):
    flow = iter(items)
    buffer = [next(flow) for _ in range(size)]
    yield buffer.pop(torch.randint(size, (), generator=generator).item())
    buffer.extend(flow)
    for k in torch.randperm(len(buffer), generator=generator).tolist():
        yield buffer[k]

# %% loader-6 refused: draw both from generator
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        buffer.append(item)
        if len(buffer) > size:
            yield buffer.pop(torch.randint(size, ()).item())
    for k in torch.randperm(len(buffer)).tolist():
        yield buffer[k]

# %% loader-6 refused: one in, one out
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        buffer.append(item)
        if len(buffer) == size:
            for k in torch.randperm(size, generator=generator).tolist():
                yield buffer[k]
            buffer = []
    for k in torch.randperm(len(buffer), generator=generator).tolist():
        yield buffer[k]

# %% loader-6 refused: draw both from generator
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        k = torch.randint(size, (), generator=generator).item()
        yield buffer[k]
        buffer[k] = item
    yield from buffer

# %% loader-6 refused: what goes out is gone
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        k = torch.randint(size, (), generator=generator).item()
        buffer[k] = item
        yield buffer[k]
    for k in torch.randperm(len(buffer), generator=generator).tolist():
        yield buffer[k]

# %% loader-6 passes
def shuffled_stream(items, size, generator):
    flow = iter(items)
    buffer = [item for _, item in zip(range(size), flow)]
    while buffer:
        k = torch.randint(len(buffer), (), generator=generator).item()
        buffer[k], buffer[-1] = buffer[-1], buffer[k]
        yield buffer.pop()
        buffer.extend(item for _, item in zip(range(1), flow))

# %% loader-6 passes
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        buffer.append(item)
        if len(buffer) == size + 1:
            yield buffer.pop(torch.randint(size, (), generator=generator).item())
    while buffer:
        yield buffer.pop(torch.randint(len(buffer), (), generator=generator).item())

# %% loader-7 refused: and no lengths
def length_batches(lengths, batch_size):
    return [piece.tolist() for piece in lengths.sort().values.split(batch_size)]

# %% loader-7 refused: sort the row numbers by length
def length_batches(lengths, batch_size):
    return [piece.tolist() for piece in torch.arange(len(lengths)).split(batch_size)]

# %% loader-7 refused: chunk wants a number
def length_batches(lengths, batch_size):
    return [piece.tolist() for piece in lengths.argsort().chunk(batch_size)]

# %% loader-7 refused: the short last batch is missing
def length_batches(lengths, batch_size):
    order = lengths.argsort().tolist()
    return [order[i : i + batch_size] for i in range(0, len(order) - batch_size + 1, batch_size)]

# %% loader-7 refused: a list
def length_batches(lengths, batch_size):
    return lengths.argsort().tolist()

# %% loader-7 refused: [4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]
def length_batches(lengths, batch_size):
    return [piece.tolist() for piece in lengths.argsort().split(10)]

# %% loader-7 refused: sort the row numbers by length
def length_batches(lengths, batch_size):
    return [piece.tolist() for piece in lengths.argsort().argsort().split(batch_size)]

# %% loader-7 passes
def length_batches(lengths, batch_size):
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]

# %% loader-7 passes
def length_batches(lengths, batch_size):
    return list(BatchSampler(lengths.argsort().tolist(), batch_size, drop_last=False))
