# %% loader-1 refused: upside down
class Mirrored(Dataset):
    def __init__(self, photos):
        self.photos = photos

    def __len__(self):
        return 2 * len(self.photos)

    def __getitem__(self, i):
        n = len(self.photos)
        picture, label = self.photos[i % n]
        return (picture if i < n else picture.flip(1)), label

# %% loader-1 refused: the mirrored ones count as well
class Mirrored(Dataset):
    def __init__(self, photos):
        self.photos = photos

    def __len__(self):
        return len(self.photos)

    def __getitem__(self, i):
        n = len(self.photos)
        picture, label = self.photos[i % n]
        return (picture if i < n else picture.flip(2)), label

# %% loader-1 refused: it is not mirrored
class Mirrored(Dataset):
    def __init__(self, photos):
        self.photos = photos

    def __len__(self):
        return 2 * len(self.photos)

    def __getitem__(self, i):
        n = len(self.photos)
        return self.photos[i % n]

# %% loader-1 refused: leave the first half
class Mirrored(Dataset):
    def __init__(self, photos):
        self.photos = photos

    def __len__(self):
        return 2 * len(self.photos)

    def __getitem__(self, i):
        n = len(self.photos)
        picture, label = self.photos[i % n]
        return picture.flip(-1), label

# %% loader-1 refused: the second half is mirrored
class Mirrored(Dataset):
    def __init__(self, photos):
        self.photos = photos

    def __len__(self):
        return 2 * len(self.photos)

    def __getitem__(self, i):
        n = len(self.photos)
        picture, label = self.photos[i // 2]
        return (picture.flip(-1) if i % 2 else picture), label

# %% loader-1 refused: read when asked
class Mirrored(Dataset):
    def __init__(self, photos):
        self.all = [photos[i] for i in range(len(photos))]
        self.all += [(picture.flip(-1), label) for picture, label in self.all]

    def __len__(self):
        return len(self.all)

    def __getitem__(self, i):
        return self.all[i]

# %% loader-1 passes
class Mirrored(Dataset):
    def __init__(self, photos):
        self.photos = photos

    def __len__(self):
        return 2 * len(self.photos)

    def __getitem__(self, i):
        n = len(self.photos)
        half, k = divmod(i, n)
        picture, label = self.photos[k]
        return (picture[:, :, range(picture.shape[2] - 1, -1, -1)] if half else picture), label

# %% loader-2 refused: without drop_last the short one stays
def bundles(n, batch_size, generator, drop_last=False):
    rows = torch.randperm(n, generator=generator).tolist()
    return [rows[k * batch_size : (k + 1) * batch_size] for k in range(n // batch_size)]

# %% loader-2 refused: there is no empty bundle
def bundles(n, batch_size, generator, drop_last=False):
    rows = torch.randperm(n, generator=generator).tolist()
    count = n // batch_size + (0 if drop_last else 1)
    return [rows[k * batch_size : (k + 1) * batch_size] for k in range(count)]

# %% loader-2 refused: drop_last made no difference
def bundles(n, batch_size, generator, drop_last=False):
    return [rows.tolist() for rows in torch.randperm(n, generator=generator).split(batch_size)]

# %% loader-2 refused: a full last bundle stays
def bundles(n, batch_size, generator, drop_last=False):
    parts = [rows.tolist() for rows in torch.randperm(n, generator=generator).split(batch_size)]
    return parts[:-1] if drop_last else parts

# %% loader-2 refused: draw it from generator: torch.randperm
def bundles(n, batch_size, generator, drop_last=False):
    parts = [rows.tolist() for rows in torch.arange(n).split(batch_size)]
    return [rows for rows in parts if len(rows) == batch_size or not drop_last]

# %% loader-2 refused: the same seed, the same order
def bundles(n, batch_size, generator, drop_last=False):
    parts = [rows.tolist() for rows in torch.randperm(n).split(batch_size)]
    return [rows for rows in parts if len(rows) == batch_size or not drop_last]

# %% loader-2 refused: a list of Tensor
def bundles(n, batch_size, generator, drop_last=False):
    parts = torch.randperm(n, generator=generator).split(batch_size)
    return [rows for rows in parts if len(rows) == batch_size or not drop_last]

# %% loader-2 refused: each row once, counted from 0
def bundles(n, batch_size, generator, drop_last=False):
    parts = torch.randint(n, (n,), generator=generator).split(batch_size)
    return [rows.tolist() for rows in parts if len(rows) == batch_size or not drop_last]

# %% loader-2 refused: cut the order into bundles
def bundles(n, batch_size, generator, drop_last=False):
    return [torch.randperm(n, generator=generator).tolist()]

# %% loader-2 passes
def bundles(n, batch_size, generator, drop_last=False):
    sampler = RandomSampler(range(n), generator=generator)
    return list(BatchSampler(sampler, batch_size, drop_last))

# %% loader-3 refused: the batch dimension is missing
def as_batch(picture, mean, std, device="cpu"):
    return scaled(picture, mean, std).to(device)

# %% loader-3 refused: mean and std are missing
def as_batch(picture, mean, std, device="cpu"):
    return (picture / 255).unsqueeze(0).to(device)

# %% loader-3 refused: bytes as they are
def as_batch(picture, mean, std, device="cpu"):
    return picture.float().unsqueeze(0).to(device)

# %% loader-3 refused: the division by 255 is missing
def as_batch(picture, mean, std, device="cpu"):
    return ((picture - mean) / std).unsqueeze(0).to(device)

# %% loader-3 refused: it stayed on the CPU
def as_batch(picture, mean, std, device="cpu"):
    return scaled(picture, mean, std).unsqueeze(0)

# %% loader-3 refused: the weights' own dtype
def as_batch(picture, mean, std, device="cpu"):
    return scaled(picture, mean, std).double().unsqueeze(0).to(device)

# %% loader-3 refused: divide by the spread
def as_batch(picture, mean, std, device="cpu"):
    return (picture / 255 - mean).unsqueeze(0).to(device)

# %% loader-3 refused: scaled as in training
def as_batch(picture, mean, std, device="cpu"):
    return scaled(picture.flip(0), mean, std)[None].to(device)

# %% loader-3 passes
def as_batch(picture, mean, std, device="cpu"):
    return v2.Normalize(mean.flatten().tolist(), std.flatten().tolist())(picture / 255)[None].to(device)

# %% loader-4 refused: at least 0.850
class PictureFolder(Dataset):
    def __init__(self, folder: str | Path, size: int = 32):
        self.paths, self.labels, self.classes = pictures(folder)
        self.size = size

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        x = read_picture(self.paths[i], self.size)
        return x.float() / 255, self.labels[i]


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 64)
        self.last = nn.Linear(64, classes)

    def forward(self, x):
        return self.last(self.first(x.flatten(1)).relu())


def learn(folder: str | Path):
    data = PictureFolder(folder)
    X, y = (torch.cat(parts) for parts in zip(*DataLoader(data, batch_size=64)))
    mean, std = X.mean(), X.std()
    loader = DataLoader(TensorDataset((X - mean) / std, y), batch_size=16, shuffle=True)
    net = Net(len(data.classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(40):
        for inputs, targets in loader:
            loss = nn.functional.cross_entropy(net(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
    net.eval()

    @torch.inference_mode()
    def name_of(path):
        x = read_picture(path, size=32) / 255
        return data.classes[net((x[None] - mean) / std).argmax().item()]

    return name_of

# %% loader-4 refused: at least 0.850
class PictureFolder(Dataset):
    def __init__(self, folder: str | Path, size: int = 32):
        self.paths, self.labels, self.classes = pictures(folder)
        self.size = size

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        x = read_picture(self.paths[i], self.size)
        return x.float() / 255, self.labels[i]


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 64)
        self.last = nn.Linear(64, classes)

    def forward(self, x):
        return self.last(self.first(x.flatten(1)).relu())


def learn(folder: str | Path):
    data = PictureFolder(folder)
    X, y = (torch.cat(parts) for parts in zip(*DataLoader(data, batch_size=64)))
    mean, std = X.mean(), X.std()
    loader = DataLoader(TensorDataset((X - mean) / std, y), batch_size=16, shuffle=True)
    net = Net(len(data.classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(20):
        for inputs, targets in loader:
            loss = nn.functional.cross_entropy(net(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()

    @torch.inference_mode()
    def name_of(path):
        x = read_picture(path, size=32) / 255
        return data.classes[net(x[None]).argmax().item()]

    return name_of

# %% loader-4 refused: learned the rows by heart
class PictureFolder(Dataset):
    def __init__(self, folder: str | Path, size: int = 32):
        self.paths, self.labels, self.classes = pictures(folder)
        self.size = size

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        x = read_picture(self.paths[i], self.size)
        return x.float() / 255, self.labels[i]


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 64)
        self.last = nn.Linear(64, classes)

    def forward(self, x):
        return self.last(self.first(x.flatten(1)).relu())


def learn(folder):
    paths, labels, classes = pictures(folder)
    seen = {path.read_bytes(): classes[k] for path, k in zip(paths, labels, strict=True)}
    return lambda path: seen.get(Path(path).read_bytes(), classes[0])

# %% loader-4 refused: of int
class PictureFolder(Dataset):
    def __init__(self, folder: str | Path, size: int = 32):
        self.paths, self.labels, self.classes = pictures(folder)
        self.size = size

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        x = read_picture(self.paths[i], self.size)
        return x.float() / 255, self.labels[i]


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 64)
        self.last = nn.Linear(64, classes)

    def forward(self, x):
        return self.last(self.first(x.flatten(1)).relu())


def learn(folder: str | Path):
    data = PictureFolder(folder)
    X, y = (torch.cat(parts) for parts in zip(*DataLoader(data, batch_size=64)))
    mean, std = X.mean(), X.std()
    loader = DataLoader(TensorDataset((X - mean) / std, y), batch_size=16, shuffle=True)
    net = Net(len(data.classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(2):
        for inputs, targets in loader:
            loss = nn.functional.cross_entropy(net(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()

    @torch.inference_mode()
    def name_of(path):
        x = read_picture(path, size=32) / 255
        return net((x[None] - mean) / std).argmax().item()

    return name_of

# %% loader-4 refused: (2, 3)
class PictureFolder(Dataset):
    def __init__(self, folder: str | Path, size: int = 32):
        self.paths, self.labels, self.classes = pictures(folder)
        self.size = size

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        x = read_picture(self.paths[i], self.size)
        return x.float() / 255, self.labels[i]


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 64)
        self.last = nn.Linear(64, 3)

    def forward(self, x):
        return self.last(self.first(x.flatten(1)).relu())


def learn(folder: str | Path):
    data = PictureFolder(folder)
    X, y = (torch.cat(parts) for parts in zip(*DataLoader(data, batch_size=64)))
    mean, std = X.mean(), X.std()
    loader = DataLoader(TensorDataset((X - mean) / std, y), batch_size=16, shuffle=True)
    net = Net(3)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(20):
        for inputs, targets in loader:
            loss = nn.functional.cross_entropy(net(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()

    @torch.inference_mode()
    def name_of(path):
        x = read_picture(path, size=32) / 255
        return data.classes[net((x[None] - mean) / std).argmax().item()]

    return name_of

# %% loader-4 refused: a tensor of shape (3, 32, 32)
class PictureFolder(Dataset):
    def __init__(self, folder: str | Path, size: int = 32):
        self.paths, self.labels, self.classes = pictures(folder)
        self.size = size

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        x = read_picture(self.paths[i], 32)
        return x.float() / 255, self.labels[i]


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 64)
        self.last = nn.Linear(64, classes)

    def forward(self, x):
        return self.last(self.first(x.flatten(1)).relu())


def learn(folder: str | Path):
    data = PictureFolder(folder)
    X, y = (torch.cat(parts) for parts in zip(*DataLoader(data, batch_size=64)))
    mean, std = X.mean(), X.std()
    loader = DataLoader(TensorDataset((X - mean) / std, y), batch_size=16, shuffle=True)
    net = Net(len(data.classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(40):
        for inputs, targets in loader:
            loss = nn.functional.cross_entropy(net(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()

    @torch.inference_mode()
    def name_of(path):
        x = read_picture(path, size=32) / 255
        return data.classes[net((x[None] - mean) / std).argmax().item()]

    return name_of

# %% loader-4 refused: a tensor of shape (3, 20, 20), uint8
class PictureFolder(Dataset):
    def __init__(self, folder: str | Path, size: int = 32):
        self.paths, self.labels, self.classes = pictures(folder)
        self.size = size

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        x = read_picture(self.paths[i], self.size)
        return x, self.labels[i]


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 64)
        self.last = nn.Linear(64, classes)

    def forward(self, x):
        return self.last(self.first(x.flatten(1)).relu())


def learn(folder: str | Path):
    data = PictureFolder(folder)
    X, y = (torch.cat(parts) for parts in zip(*DataLoader(data, batch_size=64)))
    mean, std = X.mean(), X.std()
    loader = DataLoader(TensorDataset((X - mean) / std, y), batch_size=16, shuffle=True)
    net = Net(len(data.classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(40):
        for inputs, targets in loader:
            loss = nn.functional.cross_entropy(net(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()

    @torch.inference_mode()
    def name_of(path):
        x = read_picture(path, size=32) / 255
        return data.classes[net((x[None] - mean) / std).argmax().item()]

    return name_of

# %% loader-4 refused: one sample a file
class PictureFolder(Dataset):
    def __init__(self, folder: str | Path, size: int = 32):
        self.paths, self.labels, self.classes = pictures(folder)
        self.size = size

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        x = read_picture(self.paths[i], self.size)
        return x.float() / 255, self.labels[i]


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 64)
        self.last = nn.Linear(64, classes)

    def forward(self, x):
        return self.last(self.first(x.flatten(1)).relu())


def learn(folder: str | Path):
    data = PictureFolder(folder)
    X, y = (torch.cat(parts) for parts in zip(*DataLoader(data, batch_size=64)))
    mean, std = X.mean(), X.std()
    loader = DataLoader(TensorDataset((X - mean) / std, y), batch_size=16, shuffle=True)
    net = Net(len(data.classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(40):
        for inputs, targets in loader:
            loss = nn.functional.cross_entropy(net(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()

    @torch.inference_mode()
    def name_of(path):
        x = read_picture(path, size=32) / 255
        return data.classes[net((x[None] - mean) / std).argmax().item()]

    return name_of

# %% loader-4 passes
class PictureFolder(Dataset):
    def __init__(self, folder: str | Path, size: int = 32):
        self.paths, self.labels, self.classes = pictures(folder)
        self.size = size

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        x = read_picture(self.paths[i], self.size)
        return x.float() / 255, self.labels[i]


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(3072, classes))

    def forward(self, x):
        return self.body(x)


def learn(folder):
    data = PictureFolder(folder, 32)
    samples = [data[i] for i in range(len(data))]
    X = torch.stack([x for x, _ in samples])
    mean, std = X.mean(dim=(0, 2, 3), keepdim=True), X.std(dim=(0, 2, 3), keepdim=True)
    pairs = [((x - mean[0]) / std[0], k) for x, k in samples]
    net = Net(len(data.classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(15):
        for inputs, targets in DataLoader(pairs, batch_size=8, shuffle=True):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(net(inputs), targets).backward()
            optimizer.step()

    def name_of(path):
        x = read_picture(path, 32)[None].float() / 255
        return data.classes[int(net((x - mean) / std).argmax())]

    return name_of

# %% loader-5 refused: a weight for each class
def row_weights(labels):
    return 1 / labels.bincount().float()

# %% loader-5 refused: common classes get commoner
def row_weights(labels):
    return labels.bincount()[labels].float()

# %% loader-5 refused: an ordinary draw
def row_weights(labels):
    return torch.ones(len(labels))

# %% loader-5 refused: return a tensor, not a list
def row_weights(labels):
    return [1 / (labels == k).sum().item() for k in labels]

# %% loader-5 refused: each class weighs the same
def row_weights(labels):
    return 1 - labels.bincount()[labels] / len(labels)

# %% loader-5 passes
def row_weights(labels):
    portions = torch.stack([(labels == k).float().mean() for k in labels.tolist()])
    return 7 / portions.double()

# %% loader-5 same: only the proportions of the weights matter
# return 1 / labels.bincount()[labels] => return 2 / labels.bincount()[labels]

# %% loader-6 refused: batch_size=None is missing
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=False))

# %% loader-6 refused: row by row: give the BatchSampler as sampler=
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    return DataLoader(dataset, batch_sampler=BatchSampler(order, batch_size, drop_last=False))

# %% loader-6 refused: row by row
def whole_batches(dataset, batch_size, shuffle, generator):
    return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle, generator=generator)

# %% loader-6 refused: the short one too
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=True), batch_size=None)

# %% loader-6 refused: each row once, order from generator
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=False), batch_size=None)

# %% loader-6 refused: each row once, order from generator
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
    bundles = BatchSampler(order, batch_size, drop_last=False)
    return DataLoader(dataset, sampler=bundles, batch_size=None, generator=generator)

# %% loader-6 refused: pass on the sampler
def whole_batches(dataset, batch_size, shuffle, generator):
    order = list(RandomSampler(dataset, generator=generator)) if shuffle else range(len(dataset))
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=False), batch_size=None)

# %% loader-6 refused: in order
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset, generator=generator)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=False), batch_size=None)

# %% loader-6 refused: each row once, order from generator
def whole_batches(dataset, batch_size, shuffle, generator):
    order = SequentialSampler(dataset)
    if shuffle:
        order = RandomSampler(dataset, replacement=True, generator=generator)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, False), batch_size=None)

# %% loader-6 refused: no attribute
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    fetched = [dataset[rows] for rows in BatchSampler(order, batch_size, drop_last=False)]
    return DataLoader(fetched, batch_size=None, shuffle=shuffle, generator=generator)

# %% loader-6 passes
def whole_batches(dataset, batch_size, shuffle, generator):
    order = SequentialSampler(dataset)
    if shuffle:
        order = RandomSampler(dataset, generator=generator)
    return DataLoader(dataset, None, sampler=BatchSampler(order, batch_size, False))

# %% loader-6 refused: shuffle the rows, not the bundles
def whole_batches(dataset, batch_size, shuffle, generator):
    bundles = list(BatchSampler(range(len(dataset)), batch_size, drop_last=False))
    order = torch.utils.data.SubsetRandomSampler(bundles, generator=generator) if shuffle else bundles
    return DataLoader(dataset, sampler=order, batch_size=None)

# %% loader-6 refused: a dimension too many
def whole_batches(dataset, batch_size, shuffle, generator):
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    return DataLoader(dataset, sampler=BatchSampler(order, batch_size, drop_last=False), batch_size=1)

# %% loader-7 refused: 60 items held
def shuffled_stream(items, size, generator):
    items = list(items)
    for k in torch.randperm(len(items), generator=generator).tolist():
        yield items[k]

# %% loader-7 refused: every item once
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        k = torch.randint(size, (), generator=generator).item()
        yield buffer[k]
        buffer[k] = item

# %% loader-7 refused: 0 items held
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        buffer = [*buffer, item][-size:]
        yield buffer[torch.randint(len(buffer), (), generator=generator).item()]

# %% loader-7 refused: random picks
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        buffer.append(item)
        if len(buffer) > size:
            yield buffer.pop(0)
    yield from buffer

# %% loader-7 refused: random picks
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
        else:
            yield item
    for k in torch.randperm(len(buffer), generator=generator).tolist():
        yield buffer[k]

# %% loader-7 refused: random picks
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

# %% loader-7 refused: one in, one out
def shuffled_stream(items, size, generator):
    flow = iter(items)
    buffer = [next(flow) for _ in range(size)]
    yield buffer.pop(torch.randint(size, (), generator=generator).item())
    buffer.extend(flow)
    for k in torch.randperm(len(buffer), generator=generator).tolist():
        yield buffer[k]

# %% loader-7 refused: draw both from generator
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        buffer.append(item)
        if len(buffer) > size:
            yield buffer.pop(torch.randint(size, ()).item())
    for k in torch.randperm(len(buffer)).tolist():
        yield buffer[k]

# %% loader-7 refused: one in, one out
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

# %% loader-7 refused: draw both from generator
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

# %% loader-7 refused: what goes out is gone
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

# %% loader-7 passes
def shuffled_stream(items, size, generator):
    flow = iter(items)
    buffer = [item for _, item in zip(range(size), flow)]
    while buffer:
        k = torch.randint(len(buffer), (), generator=generator).item()
        buffer[k], buffer[-1] = buffer[-1], buffer[k]
        yield buffer.pop()
        buffer.extend(item for _, item in zip(range(1), flow))

# %% loader-7 passes
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        buffer.append(item)
        if len(buffer) == size + 1:
            yield buffer.pop(torch.randint(size, (), generator=generator).item())
    while buffer:
        yield buffer.pop(torch.randint(len(buffer), (), generator=generator).item())

# %% loader-7 refused: 11 items held
def shuffled_stream(items, size, generator):
    buffer = []
    for item in items:
        if len(buffer) <= size:
            buffer.append(item)
            continue
        k = torch.randint(size, (), generator=generator).item()
        yield buffer[k]
        buffer[k] = item
    for k in torch.randperm(len(buffer), generator=generator).tolist():
        yield buffer[k]

# %% loader-8 refused: and no lengths
def length_batches(lengths, batch_size):
    return [piece.tolist() for piece in lengths.sort().values.split(batch_size)]

# %% loader-8 refused: sort the row numbers by length
def length_batches(lengths, batch_size):
    return [piece.tolist() for piece in torch.arange(len(lengths)).split(batch_size)]

# %% loader-8 refused: chunk wants a number
def length_batches(lengths, batch_size):
    return [piece.tolist() for piece in lengths.argsort().chunk(batch_size)]

# %% loader-8 refused: the short last batch is missing
def length_batches(lengths, batch_size):
    order = lengths.argsort().tolist()
    return [order[i : i + batch_size] for i in range(0, len(order) - batch_size + 1, batch_size)]

# %% loader-8 refused: of int
def length_batches(lengths, batch_size):
    return lengths.argsort().tolist()

# %% loader-8 refused: [3, 5, 5, 5, 5, 5, 5, 5, 5]
def length_batches(lengths, batch_size):
    return [piece.tolist() for piece in lengths.argsort().split(10)]

# %% loader-8 refused: sort the row numbers by length
def length_batches(lengths, batch_size):
    return [piece.tolist() for piece in lengths.argsort().argsort().split(batch_size)]

# %% loader-8 passes
def length_batches(lengths, batch_size):
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]

# %% loader-8 passes
def length_batches(lengths, batch_size):
    return list(BatchSampler(lengths.argsort().tolist(), batch_size, drop_last=False))

# %% loader-8 refused: of Tensor
def length_batches(lengths, batch_size):
    return list(lengths.argsort().split(batch_size))
