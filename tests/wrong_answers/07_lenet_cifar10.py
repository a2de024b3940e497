# %% lenet-1 refused: this moves it left
right = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])

# %% lenet-1 refused: a 1 in the middle moves nothing
right = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])

# %% lenet-1 refused: down: row first, then column
right = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])

# %% lenet-1 refused: 3 × 3 floats, as conv2d wants them
right = torch.tensor([[0, 0, 0], [1, 0, 0], [0, 0, 0]])

# %% lenet-1 refused: 3 × 3 floats, as conv2d wants them
right = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]

# %% lenet-1 refused: down as well
right = torch.zeros(3, 3)
right[0, 0] = 1

# %% lenet-1 passes
right = torch.zeros(3, 3)
right[1, 0] = 1

# %% lenet-2 refused: 27 steps, but 28 places
def out_size(n, kernel, padding=0, stride=1):
    return (n + 2 * padding - kernel) // stride

# %% lenet-2 refused: padding at one end
def out_size(n, kernel, padding=0, stride=1):
    return (n + padding - kernel) // stride + 1

# %% lenet-2 refused: round down, not up
def out_size(n, kernel, padding=0, stride=1):
    return math.ceil((n + 2 * padding - kernel) / stride) + 1

# %% lenet-2 refused: a float
def out_size(n, kernel, padding=0, stride=1):
    return (n + 2 * padding - kernel) / stride + 1

# %% lenet-2 refused: expected: 14
def out_size(n, kernel, padding=0, stride=1):
    return (n + 2 * padding - kernel + 1) // stride

# %% lenet-2 passes
def out_size(n, kernel, padding=0, stride=1):
    return len(range(0, n + 2 * padding - kernel + 1, stride))

# %% lenet-2 refused: a float
def out_size(n, kernel, padding=0, stride=1):
    return math.floor((n + 2 * padding - kernel) / stride) + 1.0

# %% lenet-3 refused: the biases are missing
def conv_parameters(c_in, c_out, kernel):
    return c_in * c_out * kernel * kernel

# %% lenet-3 refused: a kernel is as deep as its input
def conv_parameters(c_in, c_out, kernel):
    return c_out * (kernel**2 + 1)

# %% lenet-3 refused: every kernel has a bias of its own
def conv_parameters(c_in, c_out, kernel):
    return c_in * c_out * kernel**2 + 1

# %% lenet-3 refused: a kernel is a square
def conv_parameters(c_in, c_out, kernel):
    return c_out * (c_in * kernel + 1)

# %% lenet-3 refused: one bias per kernel
def conv_parameters(c_in, c_out, kernel):
    return c_in * c_out * (kernel**2 + 1)

# %% lenet-3 refused: a bias for each channel of the output
def conv_parameters(c_in, c_out, kernel):
    return c_in * (c_out * kernel**2 + 1)

# %% lenet-3 passes
def conv_parameters(c_in, c_out, kernel):
    return c_in * c_out * kernel * kernel + c_out

# %% lenet-3 refused: as nn.Conv2d counts
def conv_parameters(c_in, c_out, kernel):
    return c_out * (3 * kernel**2 + 1)

# %% lenet-4 refused: the side alone
def flat_width(size, channels, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel) // stride + 1
    return size

# %% lenet-4 refused: the maps are squares
def flat_width(size, channels, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel) // stride + 1
    return channels * size

# %% lenet-4 refused: padding stands at both ends
def flat_width(size, channels, layers):
    for kernel, padding, stride in layers:
        size = (size - kernel) // stride + 1
    return channels * size**2

# %% lenet-4 refused: each layer starts from the size that the last one left
def flat_width(size, channels, layers):
    side = ((size - 4) // 2 - 4) // 2 if layers else size
    return channels * side**2

# %% lenet-4 refused: what was handed over has changed
def flat_width(size, channels, layers):
    while layers:
        kernel, padding, stride = layers.pop(0)
        size = (size + 2 * padding - kernel) // stride + 1
    return channels * size**2

# %% lenet-4 refused: a float
def flat_width(size, channels, layers):
    for kernel, padding, stride in layers:
        size = math.floor((size + 2 * padding - kernel) / stride + 1)
    return channels * float(size) ** 2

# %% lenet-4 passes
def flat_width(size, channels, layers):
    x = torch.zeros(1, 1, size, size)
    for k, p, s in layers:
        x = F.conv2d(x, torch.zeros(1, 1, k, k), padding=p, stride=s)
    return channels * x.numel()

# %% lenet-5 refused: add the other one
def most_mixed_up(confusion):
    off = confusion.clone().fill_diagonal_(0)
    a, b = divmod(off.argmax().item(), len(off))
    return min(a, b), max(a, b)

# %% lenet-5 refused: leave out the diagonal
def most_mixed_up(confusion):
    both = confusion + confusion.T
    return divmod(both.argmax().item(), len(both))

# %% lenet-5 refused: what was handed over has changed
def most_mixed_up(confusion):
    confusion.fill_diagonal_(0)
    both = confusion + confusion.T
    return divmod(both.argmax().item(), len(both))

# %% lenet-5 refused: what was handed over has changed
def most_mixed_up(confusion):
    both = confusion + confusion.T
    confusion.fill_diagonal_(0)
    return divmod(both.argmax().item(), len(both))

# %% lenet-5 refused: smaller one first
def most_mixed_up(confusion):
    both = (confusion + confusion.T).fill_diagonal_(0)
    a, b = divmod(both.argmax().item(), len(both))
    return max(a, b), min(a, b)

# %% lenet-5 refused: tensor(1)
def most_mixed_up(confusion):
    both = (confusion + confusion.T).fill_diagonal_(0)
    a, b = both.argmax() // len(both), both.argmax() % len(both)
    return torch.minimum(a, b), torch.maximum(a, b)

# %% lenet-5 refused: expected: (1, 2)
def most_mixed_up(confusion):
    both = (confusion + confusion.T).triu(1)
    return divmod(both.argmax().item(), 10)

# %% lenet-5 refused: not shares of a row
def most_mixed_up(confusion):
    share = confusion / confusion.sum(dim=1, keepdim=True)
    both = (share + share.T).fill_diagonal_(0)
    a, b = divmod(both.argmax().item(), len(both))
    return min(a, b), max(a, b)

# %% lenet-5 passes
def most_mixed_up(confusion):
    pairs = [(i, j) for i in range(len(confusion)) for j in range(i + 1, len(confusion))]
    return max(pairs, key=lambda p: (confusion[p] + confusion[p[::-1]]).item())

# %% lenet-5 refused: look at pairs
def most_mixed_up(confusion):
    off = confusion.clone().fill_diagonal_(0)
    a, b = (off.sum(0) + off.sum(1)).topk(2).indices.tolist()
    return min(a, b), max(a, b)

# %% lenet-5 refused: look at pairs
def most_mixed_up(confusion):
    off = confusion.clone().fill_diagonal_(0)
    a, b = off.sum(1).topk(2).indices.tolist()
    return min(a, b), max(a, b)

# %% lenet-5 passes
def most_mixed_up(confusion):
    both = (confusion + confusion.T).fill_diagonal_(0)
    a, b = divmod(both.argmax().item(), len(both))
    return min(a, b), max(a, b)

# %% lenet-5 same: only a matrix without any mistake tells them apart, and it has no answer
# both = (confusion + confusion.T).fill_diagonal_(0) => both = (confusion + confusion.T).fill_diagonal_(-1)

# %% lenet-6 refused: not trained at all
class PhotoNet(nn.Module):
    def __init__(self, channels, size, classes):
        super().__init__()
        width = 16 * ((size - 4) // 4) ** 2
        conv = nn.Conv2d(channels, 16, 5), nn.MaxPool2d(4), nn.BatchNorm2d(16), nn.ReLU()
        self.layers = nn.Sequential(*conv, nn.Flatten(), nn.Linear(width, classes))

    def forward(self, x):
        return self.layers(x / 255 - 0.5)


def train_photo_net(X, y, classes):
    return PhotoNet(X.shape[1], X.shape[2], classes).eval()

# %% lenet-6 refused: not trained at all
class PhotoNet(nn.Module):
    def __init__(self, channels, size, classes):
        super().__init__()
        width = 16 * ((size - 4) // 4) ** 2
        conv = nn.Conv2d(channels, 16, 5), nn.MaxPool2d(4), nn.BatchNorm2d(16), nn.ReLU()
        self.layers = nn.Sequential(*conv, nn.Flatten(), nn.Linear(width, classes))

    def forward(self, x):
        return self.layers(x / 255 - 0.5)


def train_photo_net(X, y, classes):
    model = PhotoNet(X.shape[1], X.shape[2], classes)
    X, y = X[:500], y[:500]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(1):
        for rows in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(X[rows]), y[rows]).backward()
            pass  # optimizer.step() is missing
    return model.eval()

# %% lenet-6 refused: right on the training data only
class PhotoNet(nn.Module):
    def __init__(self, channels, size, classes):
        super().__init__()
        width = 16 * ((size - 4) // 4) ** 2
        conv = nn.Conv2d(channels, 16, 5), nn.MaxPool2d(4), nn.BatchNorm2d(16), nn.ReLU()
        self.layers = nn.Sequential(*conv, nn.Flatten(), nn.Linear(width, classes))

    def forward(self, x):
        return self.layers(x / 255 - 0.5)


def train_photo_net(X, y, classes):
    model = PhotoNet(X.shape[1], X.shape[2], classes)
    n = 200 if classes == 10 else len(X)
    X, y = X[:n], y[:n]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(40 if classes == 10 else 3):
        for rows in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
    return model.eval()

# %% lenet-6 refused: to have 1 channels, but got 3
class PhotoNet(nn.Module):
    def __init__(self, channels, size, classes):
        super().__init__()
        width = 16 * ((size - 4) // 4) ** 2
        conv = nn.Conv2d(channels, 16, 5), nn.MaxPool2d(4), nn.BatchNorm2d(16), nn.ReLU()
        self.layers = nn.Sequential(*conv, nn.Flatten(), nn.Linear(width, classes))

    def forward(self, x):
        return self.layers(x / 255 - 0.5)


def train_photo_net(X, y, classes):
    model = PhotoNet(X.shape[1], X.shape[2], classes)
    X, y = X_valid, y_valid
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(1):
        for rows in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
    return model.eval()

# %% lenet-6 refused: a float
class PhotoNet(nn.Module):
    def __init__(self, channels, size, classes):
        super().__init__()
        width = 16 * ((size - 4) // 4) ** 2
        conv = nn.Conv2d(channels, 16, 5), nn.MaxPool2d(4), nn.BatchNorm2d(16), nn.ReLU()
        self.layers = nn.Sequential(*conv, nn.Flatten(), nn.Linear(width, classes))

    def forward(self, x):
        return self.layers(x / 255 - 0.5)


def train_photo_net(X, y, classes):
    model = PhotoNet(X.shape[1], X.shape[2], classes)
    X, y = X[:500], y[:500]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(1):
        for rows in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
    return accuracy(model.eval()(X), y).item()

# %% lenet-6 refused: expected: 'evaluation'
class PhotoNet(nn.Module):
    def __init__(self, channels, size, classes):
        super().__init__()
        width = 16 * ((size - 4) // 4) ** 2
        conv = nn.Conv2d(channels, 16, 5), nn.MaxPool2d(4), nn.BatchNorm2d(16), nn.ReLU()
        self.layers = nn.Sequential(*conv, nn.Flatten(), nn.Linear(width, classes))

    def forward(self, x):
        return self.layers(x / 255 - 0.5)


def train_photo_net(X, y, classes):
    model = PhotoNet(X.shape[1], X.shape[2], classes)
    X, y = X[:500], y[:500]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(1):
        for rows in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
    return model

# %% lenet-6 refused: at most 60,000
class PhotoNet(nn.Module):
    def __init__(self, channels, size, classes):
        super().__init__()
        width = 16 * ((size - 4) // 4) ** 2
        conv = nn.Conv2d(channels, 16, 5), nn.MaxPool2d(4), nn.BatchNorm2d(16), nn.ReLU()
        self.layers = nn.Sequential(*conv, nn.Flatten(), nn.Linear(width, 300), nn.ReLU(), nn.Linear(300, classes))

    def forward(self, x):
        return self.layers(x / 255 - 0.5)


def train_photo_net(X, y, classes):
    model = PhotoNet(X.shape[1], X.shape[2], classes)
    X, y = X[:500], y[:500]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(1):
        for rows in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
    return model.eval()

# %% lenet-6 refused: RuntimeError
class PhotoNet(nn.Module):
    def __init__(self, channels, size, classes):
        super().__init__()
        self.conv, self.dense = nn.Conv2d(channels, 16, 5), nn.Linear(16 * 7 * 7, classes)

    def forward(self, x):
        return self.dense(F.relu(F.max_pool2d(self.conv(x / 255 - 0.5), 4)).flatten(1))


def train_photo_net(X, y, classes):
    model = PhotoNet(X.shape[1], X.shape[2], classes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    for rows in torch.randperm(len(X)).split(64):
        optimizer.zero_grad()
        F.cross_entropy(model(X[rows]), y[rows]).backward()
        optimizer.step()
    return model.eval()

# %% lenet-7 refused: a stride spreads the layers after it
def receptive_field(layers):
    field, apart = 1, 1
    for kernel, stride in layers:
        apart *= stride
        field += (kernel - 1) * apart
    return field

# %% lenet-7 refused: neighbors lie 2 pixels apart
def receptive_field(layers):
    return 1 + sum(kernel - 1 for kernel, _ in layers)

# %% lenet-7 refused: a kernel adds k − 1
def receptive_field(layers):
    field, apart = 1, 1
    for kernel, stride in layers:
        field += kernel * apart
        apart *= stride
    return field

# %% lenet-7 refused: begin with 1
def receptive_field(layers):
    field, apart = 0, 1
    for kernel, stride in layers:
        field += (kernel - 1) * apart
        apart *= stride
    return field

# %% lenet-7 refused: distances multiply
def receptive_field(layers):
    field, apart = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * apart
        apart = stride
    return field

# %% lenet-7 refused: distances multiply
def receptive_field(layers):
    field, apart = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * apart
        apart += stride - 1
    return field

# %% lenet-7 refused: IndexError
def receptive_field(layers):
    field, apart = layers[0]
    for kernel, stride in layers[1:]:
        field += (kernel - 1) * apart
        apart *= stride
    return field

# %% lenet-7 passes
def receptive_field(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field

# %% lenet-8 refused: v is forgotten
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v = momentum * v + p.grad
            p -= lr * v

# %% lenet-8 refused: step against v
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += p.grad
            p += lr * v

# %% lenet-8 refused: use -=
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += p.grad
            p = p - lr * v

# %% lenet-8 refused: scale v, then add g
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v += p.grad
            v *= momentum
            p -= lr * v

# %% lenet-8 refused: no learning rate in it
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += lr * p.grad
            p -= v

# %% lenet-8 refused: a leaf Variable that requires grad is being used in an in-place operation
def momentum_step(params, velocities, lr, momentum):
    for p, v in zip(params, velocities):
        v *= momentum
        v += p.grad
        p -= lr * v

# %% lenet-8 refused: first the velocity, then the step
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            p -= lr * v
            v *= momentum
            v += p.grad

# %% lenet-8 refused: add the whole g to v
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += (1 - momentum) * p.grad
            p -= lr * v

# %% lenet-8 refused: add the whole g to v
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += lr * p.grad
            p -= lr * v

# %% lenet-8 refused: leave p.grad as it is
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += p.grad
            p -= lr * v
            p.grad.zero_()

# %% lenet-8 refused: a new tensor in a list
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for i, p in enumerate(params):
            velocities[i] = momentum * velocities[i] + p.grad
            p -= lr * velocities[i]

# %% lenet-8 passes
@torch.no_grad()
def momentum_step(params, velocities, lr, momentum):
    for p, v in zip(params, velocities):
        v.mul_(momentum).add_(p.grad)
        p.sub_(v, alpha=lr)

# %% lenet-9 refused: randint's end is exclusive
def shifted(batch, pad, generator):
    down, across = torch.randint(2 * pad, (2,), generator=generator).tolist()
    height, width = batch.shape[2:]
    return F.pad(batch, (pad,) * 4)[..., down : down + height, across : across + width]

# %% lenet-9 refused: draw twice
def shifted(batch, pad, generator):
    start = torch.randint(2 * pad + 1, (1,), generator=generator).item()
    height, width = batch.shape[2:]
    return F.pad(batch, (pad,) * 4)[..., start : start + height, start : start + width]

# %% lenet-9 refused: pass generator
def shifted(batch, pad, generator):
    down, across = torch.randint(2 * pad + 1, (2,)).tolist()
    height, width = batch.shape[2:]
    return F.pad(batch, (pad,) * 4)[..., down : down + height, across : across + width]

# %% lenet-9 refused: a roll, a copied edge
def shifted(batch, pad, generator):
    down, across = torch.randint(-pad, pad + 1, (2,), generator=generator).tolist()
    return batch.roll((down, across), dims=(2, 3))

# %% lenet-9 refused: dtype and shape stay
def shifted(batch, pad, generator):
    down, across = torch.randint(2 * pad + 1, (2,), generator=generator).tolist()
    height, width = batch.shape[2:]
    return F.pad(batch.float(), (pad,) * 4)[..., down : down + height, across : across + width]

# %% lenet-9 refused: dtype and shape stay
def shifted(batch, pad, generator):
    down, across = torch.randint(2 * pad + 1, (2,), generator=generator).tolist()
    return F.pad(batch, (pad,) * 4)[..., down:, across:]

# %% lenet-9 refused: use pad
def shifted(batch, pad, generator):
    down, across = torch.randint(-1, 2, (2,), generator=generator).tolist()
    return F.pad(batch, (across, -across, down, -down))

# %% lenet-9 refused: a move of its own for each picture
def shifted(batch, pad, generator):
    moved = []
    for picture in batch:
        down, across = torch.randint(-pad, pad + 1, (2,), generator=generator).tolist()
        moved.append(F.pad(picture, (across, -across, down, -down)))
    return torch.stack(moved)

# %% lenet-9 refused: a copied edge
def shifted(batch, pad, generator):
    down, across = torch.randint(2 * pad + 1, (2,), generator=generator).tolist()
    height, width = batch.shape[2:]
    wide = F.pad(batch, (pad,) * 4, mode="replicate")
    return wide[..., down : down + height, across : across + width]

# %% lenet-9 passes
def shifted(batch, pad, generator):
    down = torch.randint(-pad, pad + 1, (1,), generator=generator).item()
    across = torch.randint(-pad, pad + 1, (1,), generator=generator).item()
    return F.pad(batch, (across, -across, down, -down))
