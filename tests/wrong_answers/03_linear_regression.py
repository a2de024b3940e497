# %% linear-1 refused: the 2 of the square's derivative is missing
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return (e * x).mean().item(), e.mean().item()

# %% linear-1 refused: the loss is a mean
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return (2 * e * x).sum().item(), (2 * e).sum().item()

# %% linear-1 refused: the sign is turned
def line_gradient(w, b, x, y):
    e = y - (w * x + b)
    return (2 * e * x).mean().item(), (2 * e).mean().item()

# %% linear-1 refused: x is missing
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return (2 * e).mean().item(), (2 * e).mean().item()

# %% linear-1 passes
def line_gradient(w, b, x, y):
    e = [w * i + b - j for i, j in zip(x.tolist(), y.tolist())]
    return 2 * sum(k * i for k, i in zip(e, x.tolist())) / len(e), 2 * sum(e) / len(e)

# %% linear-1 passes
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return float(2 * (e @ x) / len(x)), float(2 * e.mean())

# %% linear-1 refused: the 2 and the mean are missing
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return (e * x).sum().item(), e.sum().item()

# %% linear-1 refused: the pair is swapped
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return (2 * e).mean().item(), (2 * e * x).mean().item()

# %% linear-1 refused: the mean is missing
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return 2 * e * x, 2 * e

# %% linear-7 refused: a sum
def smooth_l1(prediction, target, beta=1.0):
    e = (prediction - target).abs()
    return torch.where(e < beta, e**2 / (2 * beta), e - beta / 2).sum()

# %% linear-7 refused: beta was taken as 1
def smooth_l1(prediction, target, beta=1.0):
    e = (prediction - target).abs()
    return torch.where(e < 1, e**2 / 2, e - 0.5).mean()

# %% linear-7 refused: the pieces do not meet
def smooth_l1(prediction, target, beta=1.0):
    e = (prediction - target).abs()
    return torch.where(e < beta, e**2 / (2 * beta), e).mean()

# %% linear-7 refused: Huber's loss
def smooth_l1(prediction, target, beta=1.0):
    return F.huber_loss(prediction, target, delta=beta)

# %% linear-7 refused: compare |e|
def smooth_l1(prediction, target, beta=1.0):
    e = prediction - target
    return torch.where(e < beta, e**2 / (2 * beta), e.abs() - beta / 2).mean()

# %% linear-7 refused: divide by 2·beta
def smooth_l1(prediction, target, beta=1.0):
    e = (prediction - target).abs()
    return torch.where(e < beta, e**2 / 2, e - beta / 2).mean()

# %% linear-7 passes
def smooth_l1(prediction, target, beta=1.0):
    e = (prediction - target).abs()
    near = (e < beta).float()
    return (near * e**2 / (2 * beta) + (1 - near) * (e - beta / 2)).mean()

# %% linear-7 refused: no mean
def smooth_l1(prediction, target, beta=1.0):
    e = (prediction - target).abs()
    return torch.where(e < beta, e**2 / (2 * beta), e - beta / 2)

# %% linear-7 refused: the absolute value is missing
def smooth_l1(prediction, target, beta=1.0):
    e = prediction - target
    return torch.where(e.abs() < beta, e**2 / (2 * beta), e - beta / 2).mean()

# %% linear-7 refused: beta/2 was taken as 0.5
def smooth_l1(prediction, target, beta=1.0):
    e = (prediction - target).abs()
    return torch.where(e < beta, e**2 / (2 * beta), e - 0.5).mean()

# %% linear-7 refused: pieces swapped
def smooth_l1(prediction, target, beta=1.0):
    e = (prediction - target).abs()
    return torch.where(e < beta, e - beta / 2, e**2 / (2 * beta)).mean()

# %% linear-7 refused: brackets
def smooth_l1(prediction, target, beta=1.0):
    e = (prediction - target).abs()
    return torch.where(e < beta, e**2 / 2 * beta, e - beta / 2).mean()

# %% linear-2 refused: the short batch is an update too
updates, updates_dropped = 70, 70

# %% linear-2 refused: round up each epoch
updates, updates_dropped = math.ceil(7 * 103 / 10), 70

# %% linear-2 refused: round up each epoch
updates, updates_dropped = 7 * 103 / 10, 70

# %% linear-2 refused: that counts rows
updates, updates_dropped = 7 * 103, 70

# %% linear-2 refused: the short one counts here
updates, updates_dropped = 77, 77

# %% linear-2 passes
updates = 7 * len(make_loader(torch.zeros(103), batch_size=10))
updates_dropped = 7 * len(make_loader(torch.zeros(103), batch_size=10, drop_last=True))

# %% linear-2 refused: the 3 rows left over are a batch
updates, updates_dropped = 7 * 103 // 10, 70

# %% linear-2 refused: that is one epoch
updates, updates_dropped = 11, 10

# %% linear-2 refused: not once at the end
updates, updates_dropped = 77, 7 * 103 // 10

# %% linear-3 refused: asleep
def train_epoch(model, batches, loss_fn, optimizer):
    total, rows = 0.0, 0
    for X, y in batches:
        loss = loss_fn(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        rows += len(y)
    return total / rows

# %% linear-3 refused: zero_grad is missing
def train_epoch(model, batches, loss_fn, optimizer):
    model.train()
    total, rows = 0.0, 0
    for X, y in batches:
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        rows += len(y)
    return total / rows

# %% linear-3 refused: nothing moves
def train_epoch(model, batches, loss_fn, optimizer):
    model.train()
    total, rows = 0.0, 0
    for X, y in batches:
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        total += loss.item() * len(y)
        rows += len(y)
    return total / rows

# %% linear-3 refused: weigh batches by rows
def train_epoch(model, batches, loss_fn, optimizer):
    model.train()
    losses = []
    for X, y in batches:
        loss = loss_fn(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)

# %% linear-3 passes
def train_epoch(model, batches, loss_fn, optimizer):
    model.train(True)
    losses = []
    for X, y in batches:
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        model.zero_grad()
        losses += [loss.detach()] * len(y)
    return torch.stack(losses).mean().item()

# %% linear-3 refused: a Tensor
def train_epoch(model, batches, loss_fn, optimizer):
    model.train()
    total, rows = 0.0, 0
    for X, y in batches:
        loss = loss_fn(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss * len(y)
        rows += len(y)
    return total / rows

# %% linear-3 refused: not divided
def train_epoch(model, batches, loss_fn, optimizer):
    model.train()
    total, rows = 0.0, 0
    for X, y in batches:
        loss = loss_fn(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        rows += len(y)
    return total

# %% linear-3 refused: last batch
def train_epoch(model, batches, loss_fn, optimizer):
    model.train()
    total, rows = 0.0, 0
    for X, y in batches:
        loss = loss_fn(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total = loss.item()
        rows += len(y)
    return total

# %% linear-3 passes
def train_epoch(model, batches, loss_fn, optimizer):
    model.train()
    total, rows = 0.0, 0
    for X, y in batches:
        loss = loss_fn(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        rows += len(y)
    model.eval()
    return total / rows

# %% linear-4 refused: training mode: model.eval()
def test_loss(model, batches, loss_fn):
    total, rows = 0.0, 0
    with torch.inference_mode():
        for X, y in batches:
            total += loss_fn(model(X), y).item() * len(y)
            rows += len(y)
    return total / rows

# %% linear-4 refused: a graph: inference_mode()
def test_loss(model, batches, loss_fn):
    model.eval()
    total, rows = 0.0, 0
    for X, y in batches:
        total += loss_fn(model(X), y).item() * len(y)
        rows += len(y)
    model.train()
    return total / rows

# %% linear-4 refused: weigh by rows
def test_loss(model, batches, loss_fn):
    was = model.training
    model.eval()
    with torch.inference_mode():
        losses = [loss_fn(model(X), y).item() for X, y in batches]
    model.train(was)
    return sum(losses) / len(losses)

# %% linear-4 refused: left in evaluation mode
def test_loss(model, batches, loss_fn):
    model.eval()
    total, rows = 0.0, 0
    with torch.no_grad():
        for X, y in batches:
            total += loss_fn(model(X), y).item() * len(y)
            rows += len(y)
    return total / rows

# %% linear-4 passes
@torch.no_grad()
def test_loss(model, batches, loss_fn):
    was = model.training
    model.train(False)
    pairs = [(loss_fn(model(X), y) * len(y), len(y)) for X, y in batches]
    model.train(was)
    return float(sum(p[0] for p in pairs) / sum(p[1] for p in pairs))

# %% linear-4 refused: a Tensor
def test_loss(model, batches, loss_fn):
    was = model.training
    model.eval()
    total, rows = 0.0, 0
    with torch.inference_mode():
        for X, y in batches:
            total += loss_fn(model(X), y) * len(y)
            rows += len(y)
    model.train(was)
    return total / rows

# %% linear-4 refused: not divided
def test_loss(model, batches, loss_fn):
    was = model.training
    model.eval()
    total, rows = 0.0, 0
    with torch.inference_mode():
        for X, y in batches:
            total += loss_fn(model(X), y).item() * len(y)
            rows += len(y)
    model.train(was)
    return total

# %% linear-4 refused: left in training mode
def test_loss(model, batches, loss_fn):
    was = model.training
    model.eval()
    total, rows = 0.0, 0
    with torch.inference_mode():
        for X, y in batches:
            total += loss_fn(model(X), y).item() * len(y)
            rows += len(y)
    model.train()
    return total / rows

# %% linear-4 refused: a graph
def test_loss(model, batches, loss_fn):
    total, rows = 0.0, 0
    for X, y in batches:
        total += loss_fn(model(X), y).item() * len(y)
        rows += len(y)
    return total / rows

# %% linear-5 refused: fit on train alone
def best_degree(train, valid, degrees):
    told = {d: poly_error(fit_poly(*train, d), *train) for d in degrees}
    return min(told, key=told.get)

# %% linear-5 refused: fit on train alone
def best_degree(train, valid, degrees):
    both = [torch.cat(parts) for parts in zip(train, valid)]
    told = {d: poly_error(fit_poly(*both, d), *valid) for d in degrees}
    return min(told, key=told.get)

# %% linear-5 refused: return the degree
def best_degree(train, valid, degrees):
    return min(poly_error(fit_poly(*train, d), *valid) for d in degrees)

# %% linear-5 refused: a place in the list
def best_degree(train, valid, degrees):
    errors = [poly_error(fit_poly(*train, d), *valid) for d in degrees]
    return errors.index(min(errors))

# %% linear-5 passes
def best_degree(train, valid, degrees):
    best, least = None, math.inf
    for degree in degrees:
        powers = train[0] ** torch.arange(degree + 1)
        c = torch.linalg.lstsq(powers, train[1]).solution
        error = ((valid[0] ** torch.arange(degree + 1) @ c - valid[1]) ** 2).mean()
        if error < least:
            best, least = degree, error
    return best

# %% linear-5 refused: fit on train, judge on valid
def best_degree(train, valid, degrees):
    told = {d: poly_error(fit_poly(*valid, d), *train) for d in degrees}
    return min(told, key=told.get)

# %% linear-5 refused: valid alone decides
def best_degree(train, valid, degrees):
    told = {d: poly_error(fit_poly(*train, d), *train) + poly_error(fit_poly(*train, d), *valid) for d in degrees}
    return min(told, key=told.get)

# %% linear-5 refused: expected: 6
def best_degree(train, valid, degrees):
    told = {d: poly_error(fit_poly(kg - 1, cm, d), kg_valid - 1, cm_valid) for d in degrees}
    return min(told, key=told.get)

# %% linear-5 refused: fit on train alone
def best_degree(train, valid, degrees):
    told = {d: poly_error(fit_poly(*valid, d), *valid) for d in degrees}
    return min(told, key=told.get)

# %% linear-5 refused: 3 is not given
def best_degree(train, valid, degrees):
    told = {d: poly_error(fit_poly(*train, d), *valid) for d in range(len(degrees))}
    return min(told, key=told.get)

# %% linear-5 refused: 3 is not given
def best_degree(train, valid, degrees):
    told = {d: poly_error(fit_poly(*train, d), *valid) for d in range(9)}
    return min(told, key=told.get)

# %% linear-5 refused: .item()
def best_degree(train, valid, degrees):
    told = {d: poly_error(fit_poly(*train, d), *valid) for d in degrees}
    return torch.tensor(min(told, key=told.get))

# %% linear-5 refused: try them all
def best_degree(train, valid, degrees):
    best, least = None, math.inf
    for d in degrees:
        error = poly_error(fit_poly(*train, d), *valid)
        if error > least:
            break
        best, least = d, error
    return best

# %% linear-8 refused: rows twice
def three_way(n, shares, seed):
    rng = torch.Generator().manual_seed(seed)
    a, b = int(n * shares[0]), int(n * shares[1])
    return (
        torch.randperm(n, generator=rng)[:a],
        torch.randperm(n, generator=rng)[:b],
        torch.randperm(n, generator=rng)[: n - a - b],
    )

# %% linear-8 refused: [73, 15, 17]
def three_way(n, shares, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    a, b = int(n * shares[0]), int(n * shares[1])
    return order[:a], order[a : a + b], order[a + b : a + b + b]

# %% linear-8 refused: not shuffled
def three_way(n, shares, seed):
    order = torch.arange(n)
    a, b = int(n * shares[0]), int(n * shares[1])
    return order[:a], order[a : a + b], order[a + b :]

# %% linear-8 refused: another split with the same seed
def three_way(n, shares, seed):
    order = torch.randperm(n)
    a, b = int(n * shares[0]), int(n * shares[1])
    return order[:a], order[a : a + b], order[a + b :]

# %% linear-8 passes
def three_way(n, shares, seed):
    order = torch.from_numpy(np.random.default_rng(seed).permutation(n))
    a, b = int(n * shares[0]), int(n * shares[1])
    return torch.split(order, [a, b, n - a - b])

# %% linear-8 passes
def three_way(n, shares, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    a, b = math.floor(n * shares[0]), math.floor(n * shares[1])
    return [order[:a], order[a : a + b], order[a + b :]]

# %% linear-8 refused: one split for two seeds
def three_way(n, shares, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    a, b = int(n * shares[0]), int(n * shares[1])
    return order[:a], order[a : a + b], order[a + b :]

# %% linear-8 refused: not shuffled
def three_way(n, shares, seed):
    order = torch.randperm(int(n * 0.7) + int(n * 0.15), generator=torch.Generator().manual_seed(seed))
    a, b = int(n * shares[0]), int(n * shares[1])
    return order[:a], order[a:], torch.arange(a + b, n)

# %% linear-8 refused: the second slice ends at a + b
def three_way(n, shares, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    a, b = int(n * shares[0]), int(n * shares[1])
    return order[:a], order[a:b], order[b:]

# %% linear-8 refused: round down
def three_way(n, shares, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    a, b = round(n * shares[0]), round(n * shares[1])
    return order[:a], order[a : a + b], order[a + b :]

# %% linear-9 refused: a whole model
def save_and_reload(model, fresh, path):
    torch.save(model, path)
    fresh.load_state_dict(torch.load(path, weights_only=False).state_dict())
    return fresh

# %% linear-9 refused: no file
def save_and_reload(model, fresh, path):
    fresh.load_state_dict(model.state_dict())
    return fresh

# %% linear-9 refused: not fresh
def save_and_reload(model, fresh, path):
    torch.save(model.state_dict(), path)
    return fresh.load_state_dict(torch.load(path, weights_only=True))

# %% linear-9 refused: not fresh
def save_and_reload(model, fresh, path):
    torch.save(model.state_dict(), path)
    return model

# %% linear-9 passes
def save_and_reload(model, fresh, path):
    with open(path, "wb") as file:
        torch.save(dict(model.named_parameters()), file)
    fresh.load_state_dict(torch.load(str(path)))
    return fresh

# %% linear-9 refused: unsafe
def save_and_reload(model, fresh, path):
    torch.save(model.state_dict(), path)
    fresh.load_state_dict(torch.load(path, weights_only=False))
    return fresh

# %% linear-9 refused: not read
def save_and_reload(model, fresh, path):
    torch.save(model.state_dict(), path)
    fresh.load_state_dict(model.state_dict())
    return fresh

# %% linear-9 refused: other weights
def save_and_reload(model, fresh, path):
    torch.save(model.state_dict(), path)
    with torch.no_grad():
        fresh.weight.copy_(torch.load(path, weights_only=True)["weight"])
    return fresh

# %% linear-9 refused: other weights
def save_and_reload(model, fresh, path):
    torch.save(model.state_dict(), path)
    return fresh

# %% linear-9 refused: other weights
def save_and_reload(model, fresh, path):
    torch.save(model.state_dict(), path)
    torch.load(path, weights_only=True)
    return fresh

# %% linear-9 refused: Unsupported global
def save_and_reload(model, fresh, path):
    torch.save(model.state_dict, path)
    fresh.load_state_dict(torch.load(path, weights_only=True))
    return fresh

# %% linear-1 refused: average
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return 2 * e.mean() * x.mean(), 2 * e.mean()

# %% linear-1 refused: the 2 of the square's derivative is missing
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return (e * x).mean(), (2 * e).mean()

# %% linear-1 refused: a sum
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return (2 * e * x).mean(), 2 * e.sum()

# %% linear-1 refused: b is missing
def line_gradient(w, b, x, y):
    e = w * x - y
    return (2 * e * x).mean(), (2 * e).mean()

# %% linear-1 refused: does not require grad
def line_gradient(w, b, x, y):
    w, b = torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True)
    return torch.autograd.grad(((w * x + b - y) ** 2).mean(), (w, b))

# %% linear-7 refused: the target is missing
def smooth_l1(prediction, target, beta=1.0):
    e = prediction.abs()
    return torch.where(e < beta, e**2 / (2 * beta), e - beta / 2).mean()

# %% linear-7 refused: choose for each element
def smooth_l1(prediction, target, beta=1.0):
    e = (prediction - target).abs()
    if e.mean() < beta:
        return (e**2 / (2 * beta)).mean()
    return (e - beta / 2).mean()

# %% linear-3 refused: not len(kg)
def train_epoch(model, batches, loss_fn, optimizer):
    model.train()
    total = 0.0
    for inputs, targets in batches:
        loss = loss_fn(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(targets)
    return total / len(kg)

# %% linear-3 refused: one step a batch
def train_epoch(model, batches, loss_fn, optimizer):
    model.train()
    optimizer.zero_grad()
    total, rows = 0.0, 0
    for inputs, targets in batches:
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        total += loss.item() * len(targets)
        rows += len(targets)
    optimizer.step()
    return total / rows

# %% linear-4 refused: not len(kg)
def test_loss(model, batches, loss_fn):
    was = model.training
    model.eval()
    total = 0.0
    with torch.inference_mode():
        for inputs, targets in batches:
            total += loss_fn(model(inputs), targets).item() * len(targets)
    model.train(was)
    return total / len(kg)

# %% linear-4 refused: training mode: model.eval()
def test_loss(model, batches, loss_fn):
    was = model.training
    total, rows = 0.0, 0
    with torch.inference_mode():
        for inputs, targets in batches:
            total += loss_fn(model(inputs), targets).item() * len(targets)
            rows += len(targets)
            model.eval()
    model.train(was)
    return total / rows

# %% linear-8 refused: round down both sizes
def three_way(n, shares, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    a, b = int(n * shares[0]), int(n * (shares[0] + shares[1]))
    return order[:a], order[a:b], order[b:]

# %% linear-1 refused: next to b stands 1
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return (2 * e * x).mean(), (2 * e * b).mean()

# %% linear-1 refused: next to w stands x alone
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return (2 * e * w * x).mean(), (2 * e).mean()

# %% linear-5 refused: the least error starts too low
def best_degree(train, valid, degrees):
    best, least = 0, 1.0
    for d in degrees:
        error = poly_error(fit_poly(*train, d), *valid)
        if error < least:
            best, least = d, error
    return best

# %% linear-5 refused: expected: 2
def best_degree(train, valid, degrees):
    best, least = None, 1000
    for d in degrees:
        error = poly_error(fit_poly(*train, d), *valid)
        if error < least:
            best, least = d, error
    return best

# %% linear-8 refused: the rest is missing
def three_way(n, shares, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    a, b = int(n * shares[0]), int(n * shares[1])
    return order[:a], order[a : a + b], order[a + b : a + b + b]

# %% linear-6 passes
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, inputs))
        self.register_parameter("bias", nn.Parameter(torch.tensor([0.0])))

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


def train_and_judge(model, X, y, seed):
    torch.manual_seed(seed)
    kept = torch.zeros(len(X), dtype=torch.bool)
    kept[torch.randperm(len(X))[: len(X) // 4]] = True
    x, t = X[~kept], y[~kept]
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        model.train()
        order = torch.randperm(len(x))
        for start in range(0, len(x), 8):
            rows = order[start : start + 8]
            loss = ((model(x[rows]) - t[rows]) ** 2).mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        return float(F.mse_loss(model(x), t)), float(F.mse_loss(model(X[kept]), y[kept]))

# %% linear-6 refused: learns, training True
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    model.train()
    model.eval()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: not trained at all?
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    model.train()
    for _ in range(100):
        for rows in train.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
    model.eval()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: on its way
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.02)
    model.train()
    for _ in range(4):
        for rows in train.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: trained on validation rows
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    model.train()
    for _ in range(100):
        for rows in order.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: the wrong part
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    model.train()
    for _ in range(100):
        for rows in valid.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: a tuple of Tensor
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    model.train()
    for _ in range(100):
        for rows in train.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]) for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: 'weight': (1, 1)
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, 1))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    model.train()
    for _ in range(100):
        for rows in train.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: observed: {}
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = torch.zeros(1, inputs, requires_grad=True)
        self.bias = torch.zeros(1, requires_grad=True)

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    model.train()
    for _ in range(100):
        for rows in train.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: (2000,)
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return (x @ self.weight.T + self.bias).flatten()


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    model.train()
    for _ in range(100):
        for rows in train.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: learns, training False
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    for _ in range(100):
        for rows in train.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: tests, training True
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    model.train()
    for _ in range(100):
        for rows in train.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: 'learns, training False'
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    model.train()
    for _ in range(100):
        for rows in train.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    if True:
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-6 refused: not the seed
class Line(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


def train_and_judge(model, X, y, seed):
    rng = torch.Generator().manual_seed(0)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    model.train()
    for _ in range(100):
        for rows in train.split(16):
            optimizer.zero_grad()
            F.mse_loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        errors = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return tuple(errors)

# %% linear-1 refused: a tuple of Tensor
def line_gradient(w, b, x, y):
    e = w * x + b - y
    return (2 * e * x).mean(), (2 * e).mean()

# %% linear-3 passes
def train_epoch(model, batches, loss_fn, optimizer):
    model.train()
    total = 0.0
    for inputs, targets in batches:
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(inputs)
    return total / len(batches.dataset)

# %% linear-4 passes
def test_loss(model, batches, loss_fn):
    was, total = model.training, 0.0
    model.eval()
    with torch.no_grad():
        for inputs, targets in batches:
            total += loss_fn(model(inputs), targets).item() * len(targets)
    if was:
        model.train()
    return total / len(batches.dataset)

# %% linear-5 refused: expected: 6
def best_degree(train, valid, degrees):
    gaps = {}
    for d in degrees:
        coefs = fit_poly(*train, d)
        gaps[d] = abs(poly_error(coefs, *valid) - poly_error(coefs, *train))
    return min(gaps, key=gaps.get)

# %% linear-5 refused: expected: 6
def best_degree(train, valid, degrees):
    gaps = {}
    for d in degrees:
        coefs = fit_poly(*train, d)
        gaps[d] = poly_error(coefs, *valid) - poly_error(coefs, *train)
    return min(gaps, key=gaps.get)

# %% linear-7 passes
def smooth_l1(prediction, target, beta=1.0):
    e = (prediction - target).abs()
    inner = e.clamp(max=beta)
    return (inner**2 / (2 * beta) + e - inner).mean()

# %% linear-7 refused: beta was taken as 1
def smooth_l1(prediction, target, beta=1.0):
    return F.smooth_l1_loss(prediction, target)

# %% linear-8 refused: use shares
def three_way(n, shares, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    a, b = int(n * 0.7), int(n * 0.15)
    return order[:a], order[a : a + b], order[a + b :]

# %% linear-2 same: 102 and 104 rows make eleven batches, and 104 // 10 is 10
# updates = math.ceil(103 / 10) * 7 => updates = math.ceil(104 / 10) * 7
# updates = math.ceil(103 / 10) * 7 => updates = math.ceil(102 / 10) * 7
# updates_dropped = 103 // 10 * 7 => updates_dropped = 104 // 10 * 7

# %% linear-3 same: the loss is a number before the step and after it
# optimizer.step(); total += loss.item() * len(y) => total += loss.item() * len(y); optimizer.step()

# %% linear-9 same: weights_only is True by default since torch 2.6
# fresh.load_state_dict(torch.load(path, weights_only=True)) => fresh.load_state_dict(torch.load(path))

# %% linear-7 same: the absolute value has no sign, and both pieces are beta / 2 at beta
# e = (prediction - target).abs() => e = (target - prediction).abs()
# return torch.where(e < beta, e ** 2 / (2 * beta), e - beta / 2).mean() => return torch.where(e <= beta, e ** 2 / (2 * beta), e - beta / 2).mean()
