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

# %% lenet-4 refused: a stride spreads the layers after it
def receptive_field(layers):
    field, apart = 1, 1
    for kernel, stride in layers:
        apart *= stride
        field += (kernel - 1) * apart
    return field

# %% lenet-4 refused: neighbors lie 2 pixels apart
def receptive_field(layers):
    return 1 + sum(kernel - 1 for kernel, _ in layers)

# %% lenet-4 refused: a kernel adds k − 1
def receptive_field(layers):
    field, apart = 1, 1
    for kernel, stride in layers:
        field += kernel * apart
        apart *= stride
    return field

# %% lenet-4 refused: begin with 1
def receptive_field(layers):
    field, apart = 0, 1
    for kernel, stride in layers:
        field += (kernel - 1) * apart
        apart *= stride
    return field

# %% lenet-4 refused: distances multiply
def receptive_field(layers):
    field, apart = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * apart
        apart = stride
    return field

# %% lenet-4 refused: distances multiply
def receptive_field(layers):
    field, apart = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * apart
        apart += stride - 1
    return field

# %% lenet-4 refused: IndexError
def receptive_field(layers):
    field, apart = layers[0]
    for kernel, stride in layers[1:]:
        field += (kernel - 1) * apart
        apart *= stride
    return field

# %% lenet-4 passes
def receptive_field(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field

# %% lenet-5 refused: use classes
def build_lenet(channels, size, classes):
    side = ((size - 4) // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(16 * side**2, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )

# %% lenet-5 refused: mat1 and mat2 shapes cannot be multiplied
def build_lenet(channels, size, classes):
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes),
    )

# %% lenet-5 refused: mat1 and mat2 shapes cannot be multiplied
def build_lenet(channels, size, classes):
    side = round((size - 12) / 4)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(16 * side**2, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes),
    )

# %% lenet-5 refused: ReLU between dense layers as well
def build_lenet(channels, size, classes):
    side = ((size - 4) // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(16 * side**2, 120), nn.Linear(120, 84), nn.Linear(84, classes),
    )

# %% lenet-5 refused: softmax belongs to the loss
def build_lenet(channels, size, classes):
    side = ((size - 4) // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * side**2, 120),
        nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes), nn.Softmax(dim=1),
    )

# %% lenet-5 refused: max pooling, not averages
def build_lenet(channels, size, classes):
    side = ((size - 4) // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(16 * side**2, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes),
    )

# %% lenet-5 refused: everything in its place
def build_lenet(channels, size, classes):
    side = ((size - 4) // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.ReLU(), nn.Linear(16 * side**2, 120), nn.ReLU(), nn.Linear(120, 84), nn.Linear(84, classes),
    )

# %% lenet-5 refused: four: after each convolution, and between dense layers
def build_lenet(channels, size, classes):
    side = ((size - 4) // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(16 * side**2, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes),
    )

# %% lenet-5 refused: between dense layers, not after the last
def build_lenet(channels, size, classes):
    side = ((size - 4) // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(16 * side**2, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes), nn.ReLU(),
    )

# %% lenet-5 refused: every layer has its width
def build_lenet(channels, size, classes):
    side = (size // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(16 * side**2, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes),
    )

# %% lenet-5 passes
def build_lenet(channels, size, classes):
    side, relu = (size - 12) // 4, nn.ReLU
    features = [nn.Conv2d(channels, 6, 5), nn.MaxPool2d(2), relu(), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), relu()]
    head = [nn.Linear(16 * side * side, 120), relu(), nn.Linear(120, 84), relu(), nn.Linear(84, classes)]
    return nn.Sequential(nn.Sequential(*features), nn.Flatten(), nn.Sequential(*head))

# %% lenet-5 passes
def build_lenet(channels, size, classes):
    net = nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.LazyLinear(120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes),
    )
    net(torch.zeros(1, channels, size, size))
    return net

# %% lenet-6 refused: v is forgotten
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v = momentum * v + p.grad
            p -= lr * v

# %% lenet-6 refused: step against v
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += p.grad
            p += lr * v

# %% lenet-6 refused: use -=
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += p.grad
            p = p - lr * v

# %% lenet-6 refused: scale v, then add g
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v += p.grad
            v *= momentum
            p -= lr * v

# %% lenet-6 refused: no learning rate in it
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += lr * p.grad
            p -= v

# %% lenet-6 refused: a leaf Variable that requires grad is being used in an in-place operation
def momentum_step(params, velocities, lr, momentum):
    for p, v in zip(params, velocities):
        v *= momentum
        v += p.grad
        p -= lr * v

# %% lenet-6 refused: first the velocity, then the step
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            p -= lr * v
            v *= momentum
            v += p.grad

# %% lenet-6 refused: add the whole g to v
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += (1 - momentum) * p.grad
            p -= lr * v

# %% lenet-6 refused: add the whole g to v
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += lr * p.grad
            p -= lr * v

# %% lenet-6 refused: leave p.grad as it is
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v *= momentum
            v += p.grad
            p -= lr * v
            p.grad.zero_()

# %% lenet-6 refused: a new tensor in a list
def momentum_step(params, velocities, lr, momentum):
    with torch.no_grad():
        for i, p in enumerate(params):
            velocities[i] = momentum * velocities[i] + p.grad
            p -= lr * velocities[i]

# %% lenet-6 passes
@torch.no_grad()
def momentum_step(params, velocities, lr, momentum):
    for p, v in zip(params, velocities):
        v.mul_(momentum).add_(p.grad)
        p.sub_(v, alpha=lr)

# %% lenet-7 refused: randint's end is exclusive
def shifted(batch, pad, generator):
    down, across = torch.randint(2 * pad, (2,), generator=generator).tolist()
    height, width = batch.shape[2:]
    return F.pad(batch, (pad,) * 4)[..., down : down + height, across : across + width]

# %% lenet-7 refused: draw twice
def shifted(batch, pad, generator):
    start = torch.randint(2 * pad + 1, (1,), generator=generator).item()
    height, width = batch.shape[2:]
    return F.pad(batch, (pad,) * 4)[..., start : start + height, start : start + width]

# %% lenet-7 refused: pass generator
def shifted(batch, pad, generator):
    down, across = torch.randint(2 * pad + 1, (2,)).tolist()
    height, width = batch.shape[2:]
    return F.pad(batch, (pad,) * 4)[..., down : down + height, across : across + width]

# %% lenet-7 refused: a roll, a copied edge
def shifted(batch, pad, generator):
    down, across = torch.randint(-pad, pad + 1, (2,), generator=generator).tolist()
    return batch.roll((down, across), dims=(2, 3))

# %% lenet-7 refused: dtype and shape stay
def shifted(batch, pad, generator):
    down, across = torch.randint(2 * pad + 1, (2,), generator=generator).tolist()
    height, width = batch.shape[2:]
    return F.pad(batch.float(), (pad,) * 4)[..., down : down + height, across : across + width]

# %% lenet-7 refused: dtype and shape stay
def shifted(batch, pad, generator):
    down, across = torch.randint(2 * pad + 1, (2,), generator=generator).tolist()
    return F.pad(batch, (pad,) * 4)[..., down:, across:]

# %% lenet-7 refused: use pad
def shifted(batch, pad, generator):
    down, across = torch.randint(-1, 2, (2,), generator=generator).tolist()
    return F.pad(batch, (across, -across, down, -down))

# %% lenet-7 refused: a move of its own for each picture
def shifted(batch, pad, generator):
    moved = []
    for picture in batch:
        down, across = torch.randint(-pad, pad + 1, (2,), generator=generator).tolist()
        moved.append(F.pad(picture, (across, -across, down, -down)))
    return torch.stack(moved)

# %% lenet-7 refused: a copied edge
def shifted(batch, pad, generator):
    down, across = torch.randint(2 * pad + 1, (2,), generator=generator).tolist()
    height, width = batch.shape[2:]
    wide = F.pad(batch, (pad,) * 4, mode="replicate")
    return wide[..., down : down + height, across : across + width]

# %% lenet-7 passes
def shifted(batch, pad, generator):
    down = torch.randint(-pad, pad + 1, (1,), generator=generator).item()
    across = torch.randint(-pad, pad + 1, (1,), generator=generator).item()
    return F.pad(batch, (across, -across, down, -down))

# %% lenet-8 refused: add the other one
def most_mixed_up(confusion):
    off = confusion.clone().fill_diagonal_(0)
    a, b = divmod(off.argmax().item(), len(off))
    return min(a, b), max(a, b)

# %% lenet-8 refused: leave out the diagonal
def most_mixed_up(confusion):
    both = confusion + confusion.T
    return divmod(both.argmax().item(), len(both))

# %% lenet-8 refused: use it on the sum
def most_mixed_up(confusion):
    confusion.fill_diagonal_(0)
    both = confusion + confusion.T
    return divmod(both.argmax().item(), len(both))

# %% lenet-8 refused: leave out the diagonal
def most_mixed_up(confusion):
    both = confusion + confusion.T
    confusion.fill_diagonal_(0)
    return divmod(both.argmax().item(), len(both))

# %% lenet-8 refused: smaller one first
def most_mixed_up(confusion):
    both = (confusion + confusion.T).fill_diagonal_(0)
    a, b = divmod(both.argmax().item(), len(both))
    return max(a, b), min(a, b)

# %% lenet-8 refused: tensor(1)
def most_mixed_up(confusion):
    both = (confusion + confusion.T).fill_diagonal_(0)
    a, b = both.argmax() // len(both), both.argmax() % len(both)
    return torch.minimum(a, b), torch.maximum(a, b)

# %% lenet-8 refused: expected: (1, 2)
def most_mixed_up(confusion):
    both = (confusion + confusion.T).triu(1)
    return divmod(both.argmax().item(), 10)

# %% lenet-8 refused: not shares of a row
def most_mixed_up(confusion):
    share = confusion / confusion.sum(dim=1, keepdim=True)
    both = (share + share.T).fill_diagonal_(0)
    a, b = divmod(both.argmax().item(), len(both))
    return min(a, b), max(a, b)

# %% lenet-8 passes
def most_mixed_up(confusion):
    pairs = [(i, j) for i in range(len(confusion)) for j in range(i + 1, len(confusion))]
    return max(pairs, key=lambda p: (confusion[p] + confusion[p[::-1]]).item())
