# %% diabetes-1 refused: some zeros are real
def impossible_zeros(table, may_be_zero):
    counts = (table == 0).sum()
    return {name: int(n) for name, n in counts.items() if n > 0}

# %% diabetes-1 refused: age has no zeros
def impossible_zeros(table, may_be_zero):
    return {name: int((table[name] == 0).sum()) for name in table if name not in may_be_zero}

# %% diabetes-1 refused: changed the table it was given
def impossible_zeros(table, may_be_zero):
    table.drop(columns=may_be_zero, inplace=True)
    return {name: int(n) for name, n in (table == 0).sum().items() if n > 0}

# %% diabetes-1 passes
def impossible_zeros(table, may_be_zero):
    found = {}
    for name in table.columns:
        n = int((table[name] == 0).sum())
        if name not in may_be_zero and n:
            found[name] = n
    return found

# %% diabetes-1 refused: changed the table it was given
def impossible_zeros(table, may_be_zero):
    counts = {}
    for name in [name for name in table if name not in may_be_zero]:
        if n := int((table[name] == 0).sum()):
            counts[name] = n
            table[name] = table[name].replace(0, np.nan)
    return counts

# %% diabetes-1 refused: it is no zero
def impossible_zeros(table, may_be_zero):
    low = table.drop(columns=may_be_zero) <= 0
    return {name: int(n) for name, n in low.sum().items() if n > 0}

# %% diabetes-1 refused: a Series
def impossible_zeros(table, may_be_zero):
    counts = (table.drop(columns=may_be_zero) == 0).sum()
    return counts[counts > 0]

# %% diabetes-2 refused: train's mean and deviation, for other too
def standardize(train, other):
    def own(t):
        std = t.std(dim=0)
        return (t - t.mean(dim=0)) / torch.where(std == 0, 1.0, std)

    return own(train), own(other)

# %% diabetes-2 refused: divide by 1 where std is 0
def standardize(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0)
    return (train - mean) / std, (other - mean) / std

# %% diabetes-2 refused: train's own mean is gone
def standardize(train, other):
    both = torch.cat([train, other])
    mean, std = both.mean(dim=0), both.std(dim=0)
    std = torch.where(std == 0, 1.0, std)
    return (train - mean) / std, (other - mean) / std

# %% diabetes-2 refused: column by column
def standardize(train, other):
    mean, std = train.mean(), train.std()
    return (train - mean) / std, (other - mean) / std

# %% diabetes-2 passes
def standardize(train, other):
    std, mean = torch.std_mean(train, dim=0, correction=0)
    std[std == 0] = 1
    return tuple((t - mean) / std for t in (train, other))

# %% diabetes-2 refused: train's mean and deviation, for other too
def standardize(train, other):
    mean = train.mean(dim=0)
    return tuple((t - mean) / torch.where(t.std(dim=0) == 0, 1.0, t.std(dim=0)) for t in (train, other))

# %% diabetes-2 refused: expected: few
def standardize(train, other):
    std, mean = torch.std_mean(train, dim=0)
    return tuple((t - mean) / std.clamp(min=1e-8) for t in (train, other))

# %% diabetes-2 refused: standard deviation 1, or 0 in a constant column
def standardize(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0).clamp(min=1)
    return (train - mean) / std, (other - mean) / std

# %% diabetes-2 refused: train's mean and deviation, for other too
def standardize(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0)
    return tuple(((t - mean) / std).nan_to_num(0, posinf=0, neginf=0) for t in (train, other))

# %% diabetes-2 refused: writes into what the caller owns
def standardize(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0)
    std = torch.where(std == 0, 1.0, std)
    train -= mean
    train /= std
    return train, (other - mean) / std

# %% diabetes-2 refused: standard deviation 1, or 0 in a constant column
def standardize(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0)
    std[std < 0.01] = 1
    return (train - mean) / std, (other - mean) / std

# %% diabetes-3 refused: each layer has biases too
def count_parameters(widths):
    return sum(m * n for m, n in zip(widths, widths[1:]))

# %% diabetes-3 refused: the inputs have no biases
def count_parameters(widths):
    return sum(m * n for m, n in zip(widths, widths[1:])) + sum(widths)

# %% diabetes-3 refused: the sum of the widths
def count_parameters(widths):
    return sum(widths)

# %% diabetes-3 passes
def count_parameters(widths):
    total = 0
    for i in range(len(widths) - 1):
        total += widths[i] * widths[i + 1] + widths[i + 1]
    return total

# %% diabetes-3 refused: the bias belongs to the outputs
def count_parameters(widths):
    return sum(m * (n + 1) for m, n in zip(widths, widths[1:]))

# %% diabetes-3 refused: a Tensor
def count_parameters(widths):
    w = torch.tensor(widths)
    return ((w[:-1] + 1) * w[1:]).sum()

# %% diabetes-3 refused: one bias for each output
def count_parameters(widths):
    return sum(m * n + 1 for m, n in zip(widths, widths[1:]))

# %% diabetes-4 refused: 7 lies in the future
def stopping(val_losses, patience):
    best = val_losses.index(min(val_losses)) + 1
    return best, min(best + patience, len(val_losses))

# %% diabetes-4 refused: epochs count from 1
def stopping(val_losses, patience):
    best = 0
    for epoch, loss in enumerate(val_losses):
        if loss < val_losses[best]:
            best = epoch
        if epoch - best == patience:
            return best, epoch
    return best, len(val_losses) - 1

# %% diabetes-4 refused: one epoch too long
def stopping(val_losses, patience):
    best = 1
    for epoch, loss in enumerate(val_losses, 1):
        if loss < val_losses[best - 1] and epoch < 7:
            best = epoch
        if epoch - best > patience:
            return best, epoch
    return best, len(val_losses)

# %% diabetes-4 refused: a tie is no improvement
def stopping(val_losses, patience):
    best = 1
    for epoch, loss in enumerate(val_losses, 1):
        if loss <= val_losses[best - 1]:
            best = epoch
        if epoch - best == patience:
            return best, epoch
    return best, len(val_losses)

# %% diabetes-4 refused: a new low starts the count anew
def stopping(val_losses, patience):
    lowest, best, bad = float("inf"), 0, 0
    for epoch, loss in enumerate(val_losses, 1):
        if loss < lowest:
            lowest, best = loss, epoch
        elif (bad := bad + 1) == patience:
            return best, epoch
    return best, len(val_losses)

# %% diabetes-4 refused: stops at the first rise
def stopping(val_losses, patience):
    for epoch in range(1, len(val_losses)):
        if val_losses[epoch] >= val_losses[epoch - 1]:
            return epoch, epoch + 1
    return len(val_losses), len(val_losses)

# %% diabetes-4 passes
def stopping(val_losses, patience):
    lowest, best, bad = float("inf"), 0, 0
    for epoch, loss in enumerate(val_losses, 1):
        if loss < lowest:
            lowest, best, bad = loss, epoch, 0
        else:
            bad += 1
            if bad >= patience:
                break
    return best, epoch

# %% diabetes-4 refused: a fall is no new low
def stopping(val_losses, patience):
    best, before = 1, float("inf")
    for epoch, loss in enumerate(val_losses, 1):
        if loss < before:
            best = epoch
        before = loss
        if epoch - best == patience:
            return best, epoch
    return best, len(val_losses)

# %% diabetes-4 refused: a fall is no new low
def stopping(val_losses, patience):
    best, bad, before = 1, 0, float("inf")
    for epoch, loss in enumerate(val_losses, 1):
        bad = 0 if loss < before else bad + 1
        if loss < val_losses[best - 1]:
            best = epoch
        before = loss
        if bad == patience:
            return best, epoch
    return best, len(val_losses)

# %% diabetes-4 refused: the list may end first
def stopping(val_losses, patience):
    best = 1
    for epoch, loss in enumerate(val_losses, 1):
        if loss < val_losses[best - 1]:
            best = epoch
        if epoch - best == patience:
            return best, epoch
    return len(val_losses), len(val_losses)

# %% diabetes-4 refused: observed: [4, 6]
def stopping(val_losses, patience):
    best = 1
    for epoch, loss in enumerate(val_losses, 1):
        if loss < val_losses[best - 1]:
            best = epoch
        if epoch - best == patience:
            return [best, epoch]
    return [best, len(val_losses)]

# %% diabetes-4 refused: (4, 6)
def stopping(val_losses, patience):
    lowest, best = 1.0, 0
    for epoch, loss in enumerate(val_losses, 1):
        if loss < lowest:
            lowest, best = loss, epoch
        elif epoch - best >= patience:
            return best, epoch
    return best, len(val_losses)

# %% diabetes-4 refused: not with the loss patience epochs ago
def stopping(val_losses, patience):
    best = 1
    for epoch, loss in enumerate(val_losses, 1):
        if loss < val_losses[best - 1]:
            best = epoch
        if epoch > patience and loss >= val_losses[epoch - 1 - patience]:
            return best, epoch
    return best, len(val_losses)

# %% diabetes-5 refused: not trained at all
class MLP(nn.Module):
    """Linear layers ``widths[0] → … → widths[-1]`` with a ReLU between them."""

    def __init__(self, widths: list[int]):
        super().__init__()
        layers = []
        for m, n in zip(widths, widths[1:]):
            layers += [nn.Linear(m, n), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, X: Tensor) -> Tensor:
        return self.layers(X)


def train_mlp(X: Tensor, y: Tensor, X_val: Tensor, y_val: Tensor) -> MLP:
    """Train on X (N, C), y (N, 1), and stop by the loss on X_val (M, C), y_val (M, 1)."""
    model, loss_fn = MLP([X.shape[1], 32, 32, 1]), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    lowest, best = float("inf"), 0
    for epoch in range(200):
        for rows in torch.randperm(len(X)).split(64):
            loss = loss_fn(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
        with torch.inference_mode():
            val_loss = loss_fn(model(X_val), y_val).item()
        if val_loss < lowest:
            lowest, best, weights = val_loss, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best >= 15:
            break
    model.load_state_dict(weights)
    return model


def cross_validate(X: Tensor, y: Tensor, folds: int, seed: int) -> tuple[Tensor, Tensor]:
    """Held-out logits of the network and of the line for X (N, C) and y (N, 1), each (N, 1)."""
    torch.manual_seed(seed)
    network, line = torch.zeros_like(y), torch.zeros_like(y)
    for teach, choose, held in three_parts(y, folds, seed):
        Z = (X - X[teach].mean(dim=0)) / X[teach].std(dim=0)
        model = train_mlp(Z[teach], y[teach], Z[choose], y[choose])
        rival = LogisticRegression().fit(Z[teach].numpy(), y[teach].flatten().numpy())
        with torch.no_grad():
            network[held] = model(Z[held])
        line[held] = torch.tensor(rival.decision_function(Z[held].numpy())).float()[:, None]
    return network, line

# %% diabetes-5 refused: wrong split
class MLP(nn.Module):
    """Linear layers ``widths[0] → … → widths[-1]`` with a ReLU between them."""

    def __init__(self, widths: list[int]):
        super().__init__()
        layers = []
        for m, n in zip(widths, widths[1:]):
            layers += [nn.Linear(m, n), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, X: Tensor) -> Tensor:
        return self.layers(X)


def train_mlp(X: Tensor, y: Tensor, X_val: Tensor, y_val: Tensor) -> MLP:
    """Train on X (N, C), y (N, 1), and stop by the loss on X_val (M, C), y_val (M, 1)."""
    model, loss_fn = MLP([X.shape[1], 32, 32, 1]), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    lowest, best = float("inf"), 0
    for epoch in range(200):
        for rows in torch.randperm(len(X)).split(64):
            loss = loss_fn(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            val_loss = loss_fn(model(X_val), y_val).item()
        if val_loss < lowest:
            lowest, best, weights = val_loss, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best >= 15:
            break
    model.load_state_dict(weights)
    return model


def cross_validate(X: Tensor, y: Tensor, folds: int, seed: int) -> tuple[Tensor, Tensor]:
    """Held-out logits of the network and of the line for X (N, C) and y (N, 1), each (N, 1)."""
    torch.manual_seed(seed)
    network, line = torch.zeros_like(y), torch.zeros_like(y)
    for _, _, held in three_parts(y, folds, seed):
        teach, choose = train_test_split(
            np.arange(len(X)), test_size=0.25, stratify=y.flatten(), random_state=seed
        )
        Z = (X - X[teach].mean(dim=0)) / X[teach].std(dim=0)
        model = train_mlp(Z[teach], y[teach], Z[choose], y[choose])
        rival = LogisticRegression().fit(Z[teach].numpy(), y[teach].flatten().numpy())
        with torch.no_grad():
            network[held] = model(Z[held])
        line[held] = torch.tensor(rival.decision_function(Z[held].numpy())).float()[:, None]
    return network, line

# %% diabetes-5 refused: stop in time
class MLP(nn.Module):
    """Linear layers ``widths[0] → … → widths[-1]`` with a ReLU between them."""

    def __init__(self, widths: list[int]):
        super().__init__()
        layers = []
        for m, n in zip(widths, widths[1:]):
            layers += [nn.Linear(m, n), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, X: Tensor) -> Tensor:
        return self.layers(X)


def train_mlp(X: Tensor, y: Tensor, X_val: Tensor, y_val: Tensor) -> MLP:
    """Train on X (N, C), y (N, 1), and stop by the loss on X_val (M, C), y_val (M, 1)."""
    model, loss_fn = MLP([X.shape[1], 32, 32, 1]), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    lowest, best = float("inf"), 0
    for epoch in range(200):
        for rows in torch.randperm(len(X)).split(64):
            loss = loss_fn(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            val_loss = loss_fn(model(X_val), y_val).item()
        if val_loss < lowest:
            lowest, best, weights = val_loss, epoch, model.state_dict()
        elif epoch - best >= 15:
            break
    model.load_state_dict(weights)
    return model


def cross_validate(X: Tensor, y: Tensor, folds: int, seed: int) -> tuple[Tensor, Tensor]:
    """Held-out logits of the network and of the line for X (N, C) and y (N, 1), each (N, 1)."""
    torch.manual_seed(seed)
    network, line = torch.zeros_like(y), torch.zeros_like(y)
    for teach, choose, held in three_parts(y, folds, seed):
        Z = (X - X[teach].mean(dim=0)) / X[teach].std(dim=0)
        model = train_mlp(Z[teach], y[teach], Z[choose], y[choose])
        rival = LogisticRegression().fit(Z[teach].numpy(), y[teach].flatten().numpy())
        with torch.no_grad():
            network[held] = model(Z[held])
        line[held] = torch.tensor(rival.decision_function(Z[held].numpy())).float()[:, None]
    return network, line

# %% diabetes-5 refused: probabilities
class MLP(nn.Module):
    """Linear layers ``widths[0] → … → widths[-1]`` with a ReLU between them."""

    def __init__(self, widths: list[int]):
        super().__init__()
        layers = []
        for m, n in zip(widths, widths[1:]):
            layers += [nn.Linear(m, n), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, X: Tensor) -> Tensor:
        return self.layers(X)


def train_mlp(X: Tensor, y: Tensor, X_val: Tensor, y_val: Tensor) -> MLP:
    """Train on X (N, C), y (N, 1), and stop by the loss on X_val (M, C), y_val (M, 1)."""
    model, loss_fn = MLP([X.shape[1], 32, 32, 1]), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    lowest, best = float("inf"), 0
    for epoch in range(200):
        for rows in torch.randperm(len(X)).split(64):
            loss = loss_fn(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            val_loss = loss_fn(model(X_val), y_val).item()
        if val_loss < lowest:
            lowest, best, weights = val_loss, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best >= 15:
            break
    model.load_state_dict(weights)
    return model


def cross_validate(X: Tensor, y: Tensor, folds: int, seed: int) -> tuple[Tensor, Tensor]:
    """Held-out logits of the network and of the line for X (N, C) and y (N, 1), each (N, 1)."""
    torch.manual_seed(seed)
    network, line = torch.zeros_like(y), torch.zeros_like(y)
    for teach, choose, held in three_parts(y, folds, seed):
        Z = (X - X[teach].mean(dim=0)) / X[teach].std(dim=0)
        model = train_mlp(Z[teach], y[teach], Z[choose], y[choose])
        rival = LogisticRegression().fit(Z[teach].numpy(), y[teach].flatten().numpy())
        with torch.no_grad():
            network[held] = model(Z[held]).sigmoid()
        line[held] = torch.tensor(rival.predict_proba(Z[held].numpy())[:, 1]).float()[:, None]
    return network, line

# %% diabetes-5 refused: cannot be multiplied
class MLP(nn.Module):
    """Linear layers ``widths[0] → … → widths[-1]`` with a ReLU between them."""

    def __init__(self, widths: list[int]):
        super().__init__()
        layers = []
        for m, n in zip(widths, widths[1:]):
            layers += [nn.Linear(m, n), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, X: Tensor) -> Tensor:
        return self.layers(X)


def train_mlp(X: Tensor, y: Tensor, X_val: Tensor, y_val: Tensor) -> MLP:
    """Train on X (N, C), y (N, 1), and stop by the loss on X_val (M, C), y_val (M, 1)."""
    model, loss_fn = MLP([8, 32, 32, 1]), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    lowest, best = float("inf"), 0
    for epoch in range(200):
        for rows in torch.randperm(len(X)).split(64):
            loss = loss_fn(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            val_loss = loss_fn(model(X_val), y_val).item()
        if val_loss < lowest:
            lowest, best, weights = val_loss, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best >= 15:
            break
    model.load_state_dict(weights)
    return model


def cross_validate(X: Tensor, y: Tensor, folds: int, seed: int) -> tuple[Tensor, Tensor]:
    """Held-out logits of the network and of the line for X (N, C) and y (N, 1), each (N, 1)."""
    torch.manual_seed(seed)
    network, line = torch.zeros_like(y), torch.zeros_like(y)
    for teach, choose, held in three_parts(y, folds, seed):
        Z = (X - X[teach].mean(dim=0)) / X[teach].std(dim=0)
        model = train_mlp(Z[teach], y[teach], Z[choose], y[choose])
        rival = LogisticRegression().fit(Z[teach].numpy(), y[teach].flatten().numpy())
        with torch.no_grad():
            network[held] = model(Z[held])
        line[held] = torch.tensor(rival.decision_function(Z[held].numpy())).float()[:, None]
    return network, line

# %% diabetes-5 refused: like y, without a graph
class MLP(nn.Module):
    """Linear layers ``widths[0] → … → widths[-1]`` with a ReLU between them."""

    def __init__(self, widths: list[int]):
        super().__init__()
        layers = []
        for m, n in zip(widths, widths[1:]):
            layers += [nn.Linear(m, n), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, X: Tensor) -> Tensor:
        return self.layers(X)


def train_mlp(X: Tensor, y: Tensor, X_val: Tensor, y_val: Tensor) -> MLP:
    """Train on X (N, C), y (N, 1), and stop by the loss on X_val (M, C), y_val (M, 1)."""
    model, loss_fn = MLP([X.shape[1], 32, 32, 1]), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    lowest, best = float("inf"), 0
    for epoch in range(200):
        for rows in torch.randperm(len(X)).split(64):
            loss = loss_fn(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            val_loss = loss_fn(model(X_val), y_val).item()
        if val_loss < lowest:
            lowest, best, weights = val_loss, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best >= 15:
            break
    model.load_state_dict(weights)
    return model


def cross_validate(X: Tensor, y: Tensor, folds: int, seed: int) -> tuple[Tensor, Tensor]:
    """Held-out logits of the network and of the line for X (N, C) and y (N, 1), each (N, 1)."""
    torch.manual_seed(seed)
    network, line = torch.zeros_like(y), torch.zeros_like(y)
    for teach, choose, held in three_parts(y, folds, seed):
        Z = (X - X[teach].mean(dim=0)) / X[teach].std(dim=0)
        model = train_mlp(Z[teach], y[teach], Z[choose], y[choose])
        rival = LogisticRegression().fit(Z[teach].numpy(), y[teach].flatten().numpy())
        with torch.no_grad():
            network[held] = model(Z[held])
        line[held] = torch.tensor(rival.decision_function(Z[held].numpy())).float()[:, None]
    return network.flatten(), line.flatten()

# %% diabetes-5 refused: the training rows' own mean
class MLP(nn.Module):
    """Linear layers ``widths[0] → … → widths[-1]`` with a ReLU between them."""

    def __init__(self, widths: list[int]):
        super().__init__()
        layers = []
        for m, n in zip(widths, widths[1:]):
            layers += [nn.Linear(m, n), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, X: Tensor) -> Tensor:
        return self.layers(X)


def train_mlp(X: Tensor, y: Tensor, X_val: Tensor, y_val: Tensor) -> MLP:
    """Train on X (N, C), y (N, 1), and stop by the loss on X_val (M, C), y_val (M, 1)."""
    model, loss_fn = MLP([X.shape[1], 32, 32, 1]), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    lowest, best = float("inf"), 0
    for epoch in range(200):
        for rows in torch.randperm(len(X)).split(64):
            loss = loss_fn(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            val_loss = loss_fn(model(X_val), y_val).item()
        if val_loss < lowest:
            lowest, best, weights = val_loss, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best >= 15:
            break
    model.load_state_dict(weights)
    return model


def cross_validate(X: Tensor, y: Tensor, folds: int, seed: int) -> tuple[Tensor, Tensor]:
    """Held-out logits of the network and of the line for X (N, C) and y (N, 1), each (N, 1)."""
    torch.manual_seed(seed)
    network, line = torch.zeros_like(y), torch.zeros_like(y)
    for teach, choose, held in three_parts(y, folds, seed):
        Z = X
        model = train_mlp(Z[teach], y[teach], Z[choose], y[choose])
        rival = LogisticRegression().fit(Z[teach].numpy(), y[teach].flatten().numpy())
        with torch.no_grad():
            network[held] = model(Z[held])
        line[held] = torch.tensor(rival.decision_function(Z[held].numpy())).float()[:, None]
    return network, line

# %% diabetes-5 refused: none after the last
class MLP(nn.Module):
    """Linear layers ``widths[0] → … → widths[-1]`` with a ReLU between them."""

    def __init__(self, widths: list[int]):
        super().__init__()
        layers = []
        for m, n in zip(widths, widths[1:]):
            layers += [nn.Linear(m, n), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, X: Tensor) -> Tensor:
        return self.layers(X)


def train_mlp(X: Tensor, y: Tensor, X_val: Tensor, y_val: Tensor) -> MLP:
    """Train on X (N, C), y (N, 1), and stop by the loss on X_val (M, C), y_val (M, 1)."""
    model, loss_fn = MLP([X.shape[1], 32, 32, 1]), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    lowest, best = float("inf"), 0
    for epoch in range(200):
        for rows in torch.randperm(len(X)).split(64):
            loss = loss_fn(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            val_loss = loss_fn(model(X_val), y_val).item()
        if val_loss < lowest:
            lowest, best, weights = val_loss, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best >= 15:
            break
    model.load_state_dict(weights)
    return model


def cross_validate(X: Tensor, y: Tensor, folds: int, seed: int) -> tuple[Tensor, Tensor]:
    """Held-out logits of the network and of the line for X (N, C) and y (N, 1), each (N, 1)."""
    torch.manual_seed(seed)
    network, line = torch.zeros_like(y), torch.zeros_like(y)
    for teach, choose, held in three_parts(y, folds, seed):
        Z = (X - X[teach].mean(dim=0)) / X[teach].std(dim=0)
        model = train_mlp(Z[teach], y[teach], Z[choose], y[choose])
        rival = LogisticRegression().fit(Z[teach].numpy(), y[teach].flatten().numpy())
        with torch.no_grad():
            network[held] = model(Z[held])
        line[held] = torch.tensor(rival.decision_function(Z[held].numpy())).float()[:, None]
    return network, line

# %% diabetes-5 refused: without a graph
class MLP(nn.Module):
    """Linear layers ``widths[0] → … → widths[-1]`` with a ReLU between them."""

    def __init__(self, widths: list[int]):
        super().__init__()
        layers = []
        for m, n in zip(widths, widths[1:]):
            layers += [nn.Linear(m, n), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, X: Tensor) -> Tensor:
        return self.layers(X)


def train_mlp(X: Tensor, y: Tensor, X_val: Tensor, y_val: Tensor) -> MLP:
    """Train on X (N, C), y (N, 1), and stop by the loss on X_val (M, C), y_val (M, 1)."""
    model, loss_fn = MLP([X.shape[1], 32, 32, 1]), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    lowest, best = float("inf"), 0
    for epoch in range(200):
        for rows in torch.randperm(len(X)).split(64):
            loss = loss_fn(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            val_loss = loss_fn(model(X_val), y_val).item()
        if val_loss < lowest:
            lowest, best, weights = val_loss, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best >= 15:
            break
    model.load_state_dict(weights)
    return model


def cross_validate(X: Tensor, y: Tensor, folds: int, seed: int) -> tuple[Tensor, Tensor]:
    """Held-out logits of the network and of the line for X (N, C) and y (N, 1), each (N, 1)."""
    torch.manual_seed(seed)
    network, line = torch.zeros_like(y), torch.zeros_like(y)
    for teach, choose, held in three_parts(y, folds, seed):
        Z = (X - X[teach].mean(dim=0)) / X[teach].std(dim=0)
        model = train_mlp(Z[teach], y[teach], Z[choose], y[choose])
        rival = LogisticRegression().fit(Z[teach].numpy(), y[teach].flatten().numpy())
        with torch.enable_grad():
            network[held] = model(Z[held])
        line[held] = torch.tensor(rival.decision_function(Z[held].numpy())).float()[:, None]
    return network, line

# %% diabetes-5 passes
class MLP(nn.Module):
    """Linear layers ``widths[0] → … → widths[-1]`` with a ReLU between them."""

    def __init__(self, widths: list[int]):
        super().__init__()
        layers = []
        for m, n in zip(widths, widths[1:]):
            layers += [nn.Linear(m, n), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, X: Tensor) -> Tensor:
        return self.layers(X)


def train_mlp(X: Tensor, y: Tensor, X_val: Tensor, y_val: Tensor) -> MLP:
    """Train on X (N, C), y (N, 1), and stop by the loss on X_val (M, C), y_val (M, 1)."""
    model, loss_fn = MLP([X.shape[1], 24, 1]), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    lowest, best = float("inf"), 0
    for epoch in range(200):
        for rows in torch.randperm(len(X)).split(32):
            loss = loss_fn(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            val_loss = loss_fn(model(X_val), y_val).item()
        if val_loss < lowest:
            lowest, best, weights = val_loss, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best >= 15:
            break
    model.load_state_dict(weights)
    return model


def cross_validate(X: Tensor, y: Tensor, folds: int, seed: int) -> tuple[Tensor, Tensor]:
    """Held-out logits of the network and of the line for X (N, C) and y (N, 1), each (N, 1)."""
    torch.manual_seed(seed)
    network, line = torch.zeros_like(y), torch.zeros_like(y)
    for teach, choose, held in three_parts(y, folds, seed):
        Z = (X - X[teach].mean(dim=0)) / X[teach].std(dim=0)
        model = train_mlp(Z[teach], y[teach], Z[choose], y[choose])
        rival = LogisticRegression().fit(Z[teach].numpy(), y[teach].flatten().numpy())
        with torch.no_grad():
            network[held] = model(Z[held])
        line[held] = torch.tensor(rival.decision_function(Z[held].numpy())).float()[:, None]
    return network, line

# %% diabetes-6 refused: dim=0: units
def dead_units(model, X):
    dead = 0
    for layer in model:
        X = layer(X)
        if isinstance(layer, nn.ReLU):
            dead += int((X == 0).all(dim=1).sum())
    return dead

# %% diabetes-6 refused: dead: 0 in every row
def dead_units(model, X):
    dead = 0
    for layer in model:
        X = layer(X)
        if isinstance(layer, nn.ReLU):
            dead += int((X == 0).sum())
    return dead

# %% diabetes-6 refused: go through all ReLUs
def dead_units(model, X):
    for layer in model:
        X = layer(X)
        if isinstance(layer, nn.ReLU):
            return int((X == 0).all(dim=0).sum())

# %% diabetes-6 refused: dead: 0 in every row
def dead_units(model, X):
    dead = 0
    for layer in model:
        X = layer(X)
        if isinstance(layer, nn.ReLU):
            dead += int((X == 0).any(dim=0).sum())
    return dead

# %% diabetes-6 refused: look after ReLU, and for 0
def dead_units(model, X):
    dead = 0
    for layer in model:
        X = layer(X)
        dead += int((X == 0).all(dim=0).sum())
    return dead

# %% diabetes-6 passes
def dead_units(model, X):
    counts = []
    for layer in model:
        X = layer(X)
        if isinstance(layer, nn.ReLU):
            counts.append((X.amax(dim=0) <= 0).sum().item())
    return sum(counts)

# %% diabetes-6 refused: look after ReLU, and for 0
def dead_units(model, X):
    dead = 0
    for layer in model:
        X = layer(X)
        if isinstance(layer, nn.Linear):
            dead += int((X <= 0).all(dim=0).sum())
    return dead

# %% diabetes-6 refused: look after ReLU, and for 0
def dead_units(model, X):
    dead = 0
    for layer in model:
        X = layer(X)
        if isinstance(layer, nn.ReLU):
            dead += int((X.amax(dim=0) == X.amin(dim=0)).sum())
    return dead

# %% diabetes-6 refused: observed: 2, shape ()
def dead_units(model, X):
    dead = 0
    for layer in model:
        X = layer(X)
        if isinstance(layer, nn.ReLU):
            dead += (X == 0).all(dim=0).sum()
    return dead

# %% diabetes-6 refused: over all ReLU layers
def dead_units(model, X):
    dead = 0
    for layer in model:
        X = layer(X)
        if isinstance(layer, nn.ReLU):
            dead += int((X[0] == 0).sum())
    return dead

# %% diabetes-7 refused: draw once, for both models
def difference_interval(right_a, right_b, draws=2000, seed=0):
    g, n = torch.Generator().manual_seed(seed), len(right_a)
    a = right_a[torch.randint(n, (draws, n), generator=g)].mean(dim=1)
    b = right_b[torch.randint(n, (draws, n), generator=g)].mean(dim=1)
    return tuple((a - b).quantile(torch.tensor([0.025, 0.975])).tolist())

# %% diabetes-7 refused: take mean(a) - mean(b)
def difference_interval(right_a, right_b, draws=2000, seed=0):
    g, d = torch.Generator().manual_seed(seed), right_b - right_a
    means = d[torch.randint(len(d), (draws, len(d)), generator=g)].mean(dim=1)
    return tuple(means.quantile(torch.tensor([0.025, 0.975])).tolist())

# %% diabetes-7 refused: the quantiles 0.025 and 0.975
def difference_interval(right_a, right_b, draws=2000, seed=0):
    g, d = torch.Generator().manual_seed(seed), right_a - right_b
    means = d[torch.randint(len(d), (draws, len(d)), generator=g)].mean(dim=1)
    return tuple(means.quantile(torch.tensor([0.05, 0.95])).tolist())

# %% diabetes-7 refused: expected: (0.0262, 0.0738)
def difference_interval(right_a, right_b, draws=2000, seed=0):
    g, d = torch.Generator().manual_seed(seed), right_a - right_b
    means = d[torch.randint(len(d), (draws, 200), generator=g)].mean(dim=1)
    return tuple(means.quantile(torch.tensor([0.025, 0.975])).tolist())

# %% diabetes-7 passes
def difference_interval(right_a, right_b, draws=2000, seed=0):
    rng = np.random.default_rng(seed)
    a, b = right_a.numpy(), right_b.numpy()
    values = []
    for _ in range(draws):
        rows = rng.integers(len(a), size=len(a))
        values.append(a[rows].mean() - b[rows].mean())
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)

# %% diabetes-7 refused: average over N rows
def difference_interval(right_a, right_b, draws=2000, seed=0):
    g, d = torch.Generator().manual_seed(seed), right_a - right_b
    means = d[torch.randint(len(d), (draws, len(d)), generator=g)].mean(dim=0)
    return tuple(means.quantile(torch.tensor([0.025, 0.975])).tolist())

# %% diabetes-7 refused: draw with replacement
def difference_interval(right_a, right_b, draws=2000, seed=0):
    g, d = torch.Generator().manual_seed(seed), right_a - right_b
    means = torch.stack([d[torch.randperm(len(d), generator=g)].mean() for _ in range(draws)])
    return tuple(means.quantile(torch.tensor([0.025, 0.975])).tolist())

# %% diabetes-7 refused: use draws and seed; return floats
def difference_interval(right_a, right_b, draws=2000, seed=0):
    g, d = torch.Generator().manual_seed(seed), right_a - right_b
    means = d[torch.randint(len(d), (2000, len(d)), generator=g)].mean(dim=1)
    return tuple(means.quantile(torch.tensor([0.025, 0.975])).tolist())

# %% diabetes-7 refused: keep each difference's sign
def difference_interval(right_a, right_b, draws=2000, seed=0):
    g, d = torch.Generator().manual_seed(seed), (right_a - right_b).abs()
    means = d[torch.randint(len(d), (draws, len(d)), generator=g)].mean(dim=1)
    return tuple(means.quantile(torch.tensor([0.025, 0.975])).tolist())

# %% diabetes-7 refused: use draws and seed; return floats
def difference_interval(right_a, right_b, draws=2000, seed=0):
    g, d = torch.Generator().manual_seed(0), right_a - right_b
    means = d[torch.randint(len(d), (draws, len(d)), generator=g)].mean(dim=1)
    return tuple(means.quantile(torch.tensor([0.025, 0.975])).tolist())

# %% diabetes-7 refused: use draws and seed; return floats
torch.manual_seed(1)  # else it draws equal means for equal seeds by luck, once in forty times


def difference_interval(right_a, right_b, draws=2000, seed=0):
    d = right_a - right_b
    means = d[torch.randint(len(d), (draws, len(d)))].mean(dim=1)
    return tuple(means.quantile(torch.tensor([0.025, 0.975])).tolist())

# %% diabetes-7 refused: a tuple of Tensor
def difference_interval(right_a, right_b, draws=2000, seed=0):
    g, d = torch.Generator().manual_seed(seed), right_a - right_b
    means = d[torch.randint(len(d), (draws, len(d)), generator=g)].mean(dim=1)
    return tuple(means.quantile(torch.tensor([0.025, 0.975])))

# %% diabetes-7 refused: use draws and seed; return floats
def difference_interval(right_a, right_b, draws=2000, seed=0):
    d = right_a - right_b
    half = 1.96 * d.std() / len(d) ** 0.5
    return float(d.mean() - half), float(d.mean() + half)

# %% diabetes-1 same: a Series of int64 gives Python's own ints in .items()
# return {name: int(n) for name, n in counts.items() if n > 0} => return {name: n for name, n in counts.items() if n > 0}
