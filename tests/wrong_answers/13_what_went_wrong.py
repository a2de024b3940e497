# %% wrong-1 refused: have a sum without a slope
def depends(model, X):
    X = X.clone().requires_grad_()
    rows = [torch.autograd.grad(model(X)[i].sum(), X)[0] for i in range(len(X))]
    return torch.stack([row.flatten(1).norm(dim=1) > 1e-6 for row in rows])

# %% wrong-1 refused: one output at a time
def depends(model, X):
    X = X.clone().requires_grad_()
    (slopes,) = torch.autograd.grad((model(X) ** 2).sum(), X)
    return (slopes.flatten(1).norm(dim=1) > 0).expand(len(X), len(X))

# %% wrong-1 refused: BatchNorm, in both modes
def depends(model, X):
    model.train()
    X = X.clone().requires_grad_()
    rows = [torch.autograd.grad((model(X)[i] ** 2).sum(), X)[0] for i in range(len(X))]
    return torch.stack([row.flatten(1).norm(dim=1) > 0 for row in rows])

# %% wrong-1 refused: BatchNorm, in both modes
def depends(model, X):
    mode = model.training
    model.eval()
    X = X.clone().requires_grad_()
    rows = [torch.autograd.grad((model(X)[i] ** 2).sum(), X)[0] for i in range(len(X))]
    model.train(mode)
    return torch.stack([row.flatten(1).norm(dim=1) > 0 for row in rows])

# %% wrong-1 refused: no gradient is left behind
def depends(model, X):
    X, rows = X.clone().requires_grad_(), []
    for i in range(len(X)):
        X.grad = None
        (model(X)[i] ** 2).sum().backward()
        rows.append(X.grad.flatten(1).norm(dim=1) > 0)
    return torch.stack(rows)

# %% wrong-1 refused: [i, j] is output i, sample j
def depends(model, X):
    X = X.clone().requires_grad_()
    rows = [torch.autograd.grad((model(X)[i] ** 2).sum(), X)[0] for i in range(len(X))]
    return torch.stack([row.flatten(1).norm(dim=1) > 0 for row in rows]).T

# %% wrong-1 refused: compare with 0
def depends(model, X):
    X = X.clone().requires_grad_()
    rows = [torch.autograd.grad((model(X)[i] ** 2).sum(), X)[0] for i in range(len(X))]
    return torch.stack([row.flatten(1).norm(dim=1) for row in rows])

# %% wrong-1 passes
def depends(model, X):
    slopes = torch.autograd.functional.jacobian(lambda x: (model(x).flatten(1) ** 3).sum(1), X)
    return slopes.flatten(2).ne(0).any(dim=2)

# %% wrong-2 refused: weight and bias both move
caught_by = "moved"


def mended_loss(logits, y):
    return F.binary_cross_entropy_with_logits(logits[:, 0], y)

# %% wrong-2 refused: something is wrong, but not what
caught_by = "one batch"


def mended_loss(logits, y):
    return F.binary_cross_entropy_with_logits(logits[:, 0], y)

# %% wrong-2 refused: still the square
caught_by = "shapes"


def mended_loss(logits, y):
    chance = logits.sigmoid()
    return -torch.where(y.bool(), chance, 1 - chance).log().mean()

# %% wrong-2 refused: finite
caught_by = "shapes"


def mended_loss(logits, y):
    chance = logits.squeeze(1).sigmoid()
    return -torch.where(y == 1, chance, 1 - chance).log().mean()

# %% wrong-2 refused: a float
caught_by = "shapes"


def mended_loss(logits, y):
    return F.binary_cross_entropy_with_logits(logits.squeeze(1), y).item()

# %% wrong-2 refused: Target size
caught_by = "shapes"


def mended_loss(logits, y):
    return F.binary_cross_entropy_with_logits(logits.squeeze(), y)

# %% wrong-2 passes
caught_by = "shapes"


def mended_loss(logits, y):
    return F.softplus(logits * (1 - 2 * y[:, None])).mean()

# %% wrong-3 refused: each row counts once
found_by = "regroup"


def fair_score(model, X, y, batch_size):
    mode, scores = model.training, []
    model.eval()
    with torch.no_grad():
        for rows in torch.arange(len(y)).split(batch_size):
            scores.append(accuracy(model(X[rows]), y[rows]).item())
    model.train(mode)
    return sum(scores) / len(scores)

# %% wrong-3 refused: in evaluation mode
found_by = "regroup"


def fair_score(model, X, y, batch_size):
    with torch.no_grad():
        right = sum((model(x).argmax(1) == t).sum().item() for x, t in zip(X.split(batch_size), y.split(batch_size)))
    return right / len(y)

# %% wrong-3 refused: mode as it was
found_by = "regroup"


def fair_score(model, X, y, batch_size):
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == t).sum().item() for x, t in zip(X.split(batch_size), y.split(batch_size)))
    model.train()
    return right / len(y)

# %% wrong-3 refused: no graph
found_by = "regroup"


def fair_score(model, X, y, batch_size):
    mode = model.training
    model.eval()
    right = sum((model(x).argmax(1) == t).sum().item() for x, t in zip(X.split(batch_size), y.split(batch_size)))
    model.train(mode)
    return right / len(y)

# %% wrong-3 refused: no larger than asked
found_by = "regroup"


def fair_score(model, X, y, batch_size):
    mode = model.training
    model.eval()
    with torch.no_grad():
        right = (model(X).argmax(dim=1) == y).sum().item()
    model.train(mode)
    return right / len(y)

# %% wrong-3 refused: it reads the rows, not the judge
found_by = "twins"


def fair_score(model, X, y, batch_size):
    return accuracy(predict(model, X, batch_size=batch_size), y).item()

# %% wrong-3 refused: a float
found_by = "regroup"


def fair_score(model, X, y, batch_size):
    return accuracy(predict(model, X, batch_size=batch_size), y)

# %% wrong-3 passes
found_by = "regroup"


@torch.inference_mode()
def fair_score(model, X, y, batch_size):
    mode = model.training
    model.eval()
    logits = torch.cat([model(x) for x in X.split(batch_size)])
    model.train(mode)
    return (logits.argmax(dim=1) == y).float().mean().item()

# %% wrong-5 refused: 0.01 at every step
caught_head = "pace"


def new_head(model, classes, lr):
    new = copy.deepcopy(model).requires_grad_(False)
    new[-1] = nn.Linear(new[-1].in_features, classes)
    return new, torch.optim.Adam(new[-1].parameters(), lr=lr)

# %% wrong-5 refused: the optimizer holds the new layer
caught_head = "moved"


def new_head(model, classes, lr):
    new = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.Adam(new.parameters(), lr=lr)
    new[-1] = nn.Linear(new[-1].in_features, classes)
    return new, optimizer

# %% wrong-5 refused: the optimizer holds the new layer
caught_head = "moved"


def new_head(model, classes, lr):
    new = copy.deepcopy(model).requires_grad_(False)
    new[-1] = nn.Linear(new[-1].in_features, classes)
    return new, torch.optim.Adam(new.parameters(), lr=lr)

# %% wrong-5 refused: a copy
caught_head = "moved"


def new_head(model, classes, lr):
    model.requires_grad_(False)
    model[-1] = nn.Linear(model[-1].in_features, classes)
    return model, torch.optim.Adam(model[-1].parameters(), lr=lr)

# %% wrong-5 refused: expected: [False, False, True, True]
caught_head = "moved"


def new_head(model, classes, lr):
    new = copy.deepcopy(model)
    new[-1] = nn.Linear(new[-1].in_features, classes)
    new.requires_grad_(False)
    return new, torch.optim.Adam(new[-1].parameters(), lr=lr)

# %% wrong-6 refused: that counts zeros
def dead_shares(model, X):
    shares, hooks = {}, []
    for name, layer in model.named_modules():
        if isinstance(layer, nn.ReLU):
            note = lambda _, x, out, name=name: shares.update({name: (out == 0).float().mean().item()})
            hooks.append(layer.register_forward_hook(note))
    predict(model, X, batch_size=len(X))
    for hook in hooks:
        hook.remove()
    return shares

# %% wrong-6 refused: '3.1': 0.2
def dead_shares(model, X):
    outputs, hooks = {}, []
    for name, layer in model.named_children():
        if isinstance(layer, nn.ReLU):
            keep = lambda _, x, out, name=name: outputs.update({name: out})
            hooks.append(layer.register_forward_hook(keep))
    predict(model, X, batch_size=len(X))
    for hook in hooks:
        hook.remove()
    return {name: (out.amax(dim=0) == 0).float().mean().item() for name, out in outputs.items()}

# %% wrong-6 refused: finally: removes them
def dead_shares(model, X):
    outputs, hooks = {}, []
    for name, layer in model.named_modules():
        if isinstance(layer, nn.ReLU):
            keep = lambda _, x, out, name=name: outputs.update({name: out})
            hooks.append(layer.register_forward_hook(keep))
    predict(model, X, batch_size=len(X))
    for hook in hooks:
        hook.remove()
    return {name: (out.amax(dim=0) == 0).float().mean().item() for name, out in outputs.items()}

# %% wrong-6 refused: judge in evaluation mode
def dead_shares(model, X):
    outputs, hooks = {}, []
    for name, layer in model.named_modules():
        if isinstance(layer, nn.ReLU):
            keep = lambda _, x, out, name=name: outputs.update({name: out})
            hooks.append(layer.register_forward_hook(keep))
    try:
        torch.manual_seed(0)
        with torch.no_grad():
            model(X)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: (out.amax(dim=0) == 0).float().mean().item() for name, out in outputs.items()}

# %% wrong-6 passes
def dead_shares(model, X):
    shares = {}

    def watch(name):
        return lambda layer, given, out: shares.update({name: 1 - float((out > 0).any(dim=0).float().mean())})

    hooks = [m.register_forward_hook(watch(n)) for n, m in model.named_modules() if isinstance(m, nn.ReLU)]
    modes = [(m, m.training) for m in model.modules()]
    try:
        with torch.inference_mode():
            model.eval()(X)
    finally:
        [hook.remove() for hook in hooks]
        for m, mode in modes:
            m.training = mode
    return shares

# %% wrong-4 passes
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 200)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": scaled, "C": spelling}

# %% wrong-4 refused: what shows the fault itself
found, mended = {"A": "pace", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 200)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": scaled, "C": spelling}

# %% wrong-4 refused: A: loss
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            F.cross_entropy(net(batch), y[rows])
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 200)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": scaled, "C": spelling}

# %% wrong-4 refused: A: loss
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 200)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": scaled, "C": spelling}

# %% wrong-4 refused: A: loss
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 200)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": train_mirrored, "B": scaled, "C": spelling}

# %% wrong-4 refused: B: loss
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 200)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": train_clinic, "C": spelling}

# %% wrong-4 refused: C: loss
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 200)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": scaled, "C": train_speller}

# %% wrong-4 refused: networks in evaluation mode
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return lambda X: net.eval()(X)


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 200)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": scaled, "C": spelling}

# %% wrong-4 refused: a sick one passes, too
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 200)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1] * 6] * 32)
    net = train(text, 2, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": scaled, "C": spelling}

# %% wrong-4 refused: ['passes', 'passes', 'passes'
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert train(X, y, 3, 200)(X).shape == (12, 3)


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": scaled, "C": spelling}

# %% wrong-4 refused: is your mend healthy?
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 1)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": scaled, "C": spelling}

# %% wrong-4 refused: a sick one passes, too
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 200)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - net(X)).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": scaled, "C": spelling}

# %% wrong-4 refused: a logit for each class
found, mended = {"A": "one batch", "B": "depends", "C": "look"}, {}


def flipping(X, y, classes, epochs=8):
    net = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(16):
            batch = X[rows].flip(-1) if torch.rand(()) < 0.5 else X[rows]
            optimizer.zero_grad()
            F.cross_entropy(net(batch), y[rows]).backward()
            optimizer.step()
    return net.eval()


def scaled(X, y, epochs=20):
    net = nn.Sequential(nn.BatchNorm1d(X.shape[1]), nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in [r for _ in range(epochs) for r in torch.randperm(len(X)).split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net.eval()


def spelling(tokens, size, epochs=3):
    net = Speller(26)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for rows in [r for _ in range(epochs) for r in tokens[torch.randperm(len(tokens))].split(32)]:
        optimizer.zero_grad()
        F.cross_entropy(net(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
    return net.eval()


def test_mirrored(train):
    X, y = torch.rand(12, 1, 10, 10), torch.tensor([0, 1, 2] * 4)
    assert F.cross_entropy(train(X, y, 3, 200)(X), y) < 0.2


def test_clinic(train):
    X = torch.randn(64, 4) * 20
    net = train(X, (X[:, 2] > 0).long(), 5)
    assert (net(X) - torch.cat([net(x[None]) for x in X])).abs().max() < 1e-3


def test_speller(train):
    text = torch.tensor([[0, 1, 2] * 4] * 32)
    net = train(text, 3, 60)
    assert net(text)[0, :-1].argmax(1).tolist() == text[0, 1:].tolist()


mended = {"A": flipping, "B": scaled, "C": spelling}

# %% wrong-1 same: a mean moves where a sum does
# sizes = (model(X).flatten(1) ** 2).sum(dim=1) => sizes = (model(X).flatten(1) ** 2).mean(dim=1)
# return torch.stack([row.flatten(1).abs().sum(dim=1) > 0 for row in rows]) => return torch.stack([row.flatten(1).abs().mean(dim=1) > 0 for row in rows])

# %% wrong-1 same: any curved function of the outputs moves where the sum of squares does
# sizes = (model(X).flatten(1) ** 2).sum(dim=1) => sizes = (2 ** model(X).flatten(1)).sum(dim=1)
