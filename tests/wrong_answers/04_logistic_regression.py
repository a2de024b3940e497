# %% logistic-1 refused: their logarithm is missing
def logit_of(p):
    return p / (1 - p)

# %% logistic-1 refused: forgets the probability against
def logit_of(p):
    return torch.log(p)

# %% logistic-1 refused: for and against are swapped
def logit_of(p):
    return torch.log(1 / p - 1)

# %% logistic-1 refused: base e, not 2
def logit_of(p):
    return torch.log2(p / (1 - p))

# %% logistic-1 refused: walk back
def logit_of(p):
    return torch.sigmoid(p)

# %% logistic-1 refused: not 2 or 10
def logit_of(p):
    return torch.log10(p / (1 - p))

# %% logistic-1 refused: the logarithm is taken of the odds
def logit_of(p):
    return torch.log(p) / (1 - p)

# %% logistic-1 refused: against is 1 - p, not p - 1
def logit_of(p):
    return torch.log(p) - torch.log(p - 1)

# %% logistic-1 refused: has changed
def logit_of(p):
    odds = p.div_(1 - p)
    return odds.log()

# %% logistic-1 passes
def logit_of(p):
    return p.log() - torch.log1p(-p)

# %% logistic-2 refused: take the mean
def softmax_cross_entropy(Z, labels):
    return torch.logsumexp(Z, dim=1) - Z[torch.arange(len(Z)), labels]

# %% logistic-2 refused: Z[labels] picks whole rows
def softmax_cross_entropy(Z, labels):
    return (torch.logsumexp(Z, dim=1, keepdim=True) - Z[labels]).mean()

# %% logistic-2 refused: the sum runs over samples
def softmax_cross_entropy(Z, labels):
    return (torch.logsumexp(Z, dim=0)[labels] - Z[torch.arange(len(Z)), labels]).mean()

# %% logistic-2 refused: a softmax of a softmax
def softmax_cross_entropy(Z, labels):
    P = Z.exp() / Z.exp().sum(1, keepdim=True)
    return (P.logsumexp(1) - P[torch.arange(len(P)), labels]).mean()

# %% logistic-2 refused: use torch.logsumexp
def softmax_cross_entropy(Z, labels):
    P = Z.exp() / Z.exp().sum(dim=1, keepdim=True)
    return -P[torch.arange(len(P)), labels].log().mean()

# %% logistic-2 refused: use torch.logsumexp on each row
def softmax_cross_entropy(Z, labels):
    Z = Z - Z.max()
    return (Z.exp().sum(dim=1).log() - Z[torch.arange(len(Z)), labels]).mean()

# %% logistic-2 refused: Z[:, labels] picks whole columns
def softmax_cross_entropy(Z, labels):
    return (torch.logsumexp(Z, dim=1) - Z[:, labels]).mean()

# %% logistic-2 refused: that is the largest logit
def softmax_cross_entropy(Z, labels):
    return (torch.logsumexp(Z, dim=1) - Z.max(dim=1).values).mean()

# %% logistic-2 refused: has changed
def softmax_cross_entropy(Z, labels):
    Z -= Z.max(dim=1, keepdim=True).values
    return (Z.logsumexp(dim=1) - Z[torch.arange(len(Z)), labels]).mean()

# %% logistic-2 refused: a float
def softmax_cross_entropy(Z, labels):
    return (torch.logsumexp(Z, dim=1) - Z[torch.arange(len(Z)), labels]).mean().item()

# %% logistic-2 refused: IndexError
def softmax_cross_entropy(Z, labels):
    one_hot = torch.eye(3)[labels]
    return (torch.logsumexp(Z, dim=1) - (one_hot * Z).sum(dim=1)).mean()

# %% logistic-2 passes
def softmax_cross_entropy(Z, labels):
    Z = Z - Z.max(dim=1, keepdim=True).values
    right = Z.gather(1, labels.unsqueeze(1)).squeeze(1)
    return (Z.exp().sum(dim=1).log() - right).mean()

# %% logistic-3 refused: these are names
digit = (1, "MSELoss")
film = (12, "BCEWithLogitsLoss")
rain = (1, "BCEWithLogitsLoss")
millimeters = (1, "MSELoss")

# %% logistic-3 refused: tags do not exclude each other
digit = (10, "CrossEntropyLoss")
film = (12, "CrossEntropyLoss")
rain = (1, "BCEWithLogitsLoss")
millimeters = (1, "MSELoss")

# %% logistic-3 refused: a softmax over one output is always 1
digit = (10, "CrossEntropyLoss")
film = (12, "BCEWithLogitsLoss")
rain = (1, "CrossEntropyLoss")
millimeters = (1, "MSELoss")

# %% logistic-3 refused: one output can do it
digit = (10, "CrossEntropyLoss")
film = (12, "BCEWithLogitsLoss")
rain = (2, "CrossEntropyLoss")
millimeters = (1, "MSELoss")

# %% logistic-3 refused: millimeters are a quantity
digit = (10, "CrossEntropyLoss")
film = (12, "BCEWithLogitsLoss")
rain = (1, "BCEWithLogitsLoss")
millimeters = (1, "BCEWithLogitsLoss")

# %% logistic-3 refused: one output for each class
digit = (9, "CrossEntropyLoss")
film = (12, "BCEWithLogitsLoss")
rain = (1, "BCEWithLogitsLoss")
millimeters = (1, "MSELoss")

# %% logistic-3 refused: one yes/no question each
digit = (10, "CrossEntropyLoss")
film = (24, "CrossEntropyLoss")
rain = (1, "BCEWithLogitsLoss")
millimeters = (1, "MSELoss")

# %% logistic-3 refused: write a pair
digit = (10, "CrossEntropyLoss")
film = (12, "BCEWithLogitsLoss")
rain = (1, "BCEWithLogitsLoss")
millimeters = "MSELoss"

# %% logistic-3 refused: write a pair
digit = (10, "CrossEntropyLoss")
film = (12, "BCEWithLogitsLoss")
rain = (1, "BCEWithLogitsLoss")
millimeters = 1

# %% logistic-3 passes
digit = [10, "nn.CrossEntropyLoss"]
film = (12, nn.BCEWithLogitsLoss)
rain = (1, nn.BCEWithLogitsLoss())
millimeters = (1, "torch.nn.HuberLoss()")

# %% logistic-3 passes
digit = (10, "CrossEntropyLoss")
film = (12, "BCEWithLogitsLoss")
rain = (1, "BCEWithLogitsLoss")
millimeters = [1, "SmoothL1Loss"]

# %% logistic-4 refused: swapped
def precision_recall(logits, y, threshold=0.5):
    flags = torch.sigmoid(logits) > threshold
    hits = (flags & (y == 1)).sum().item()
    return hits / max(y.sum().item(), 1), hits / max(flags.sum().item(), 1)

# %% logistic-4 refused: apply the sigmoid first
def precision_recall(logits, y, threshold=0.5):
    flags = logits > threshold
    hits = (flags & (y == 1)).sum().item()
    return hits / max(flags.sum().item(), 1), hits / max(y.sum().item(), 1)

# %% logistic-4 refused: 0/0 is no number
def precision_recall(logits, y, threshold=0.5):
    flags = torch.sigmoid(logits) > threshold
    hits = (flags & (y == 1)).sum()
    return (hits / flags.sum()).item(), (hits / y.sum()).item()

# %% logistic-4 refused: 0.7 is the accuracy
def precision_recall(logits, y, threshold=0.5):
    flags = torch.sigmoid(logits) > threshold
    hits = (flags & (y == 1)).sum().item()
    return (flags == (y == 1)).float().mean().item(), hits / y.sum().item()

# %% logistic-4 refused: above means >
def precision_recall(logits, y, threshold=0.5):
    flags = torch.sigmoid(logits) >= threshold
    hits = (flags & (y == 1)).sum().item()
    return hits / max(flags.sum().item(), 1), hits / max(y.sum().item(), 1)

# %% logistic-4 refused: say what it should be
def precision_recall(logits, y, threshold=0.5):
    flags = torch.sigmoid(logits) > threshold
    hits = (flags & (y == 1)).sum()
    return (hits / flags.sum().clamp(min=1)).item(), (hits / y.sum()).item()

# %% logistic-4 refused: use .item()
def precision_recall(logits, y, threshold=0.5):
    flags = torch.sigmoid(logits) > threshold
    hits = (flags & (y == 1)).sum()
    return hits / flags.sum().clamp(min=1), hits / y.sum().clamp(min=1)

# %% logistic-4 refused: the threshold is not used
def precision_recall(logits, y, threshold=0.5):
    flags = logits > 0
    hits = (flags & (y == 1)).sum().item()
    return hits / max(flags.sum().item(), 1), hits / max(y.sum().item(), 1)

# %% logistic-4 refused: one sigmoid too many
def precision_recall(logits, y, threshold=0.5):
    flags = torch.sigmoid(torch.sigmoid(logits)) > threshold
    hits = (flags & (y == 1)).sum().item()
    return hits / max(flags.sum().item(), 1), hits / max(y.sum().item(), 1)

# %% logistic-4 refused: 0.5 is the threshold
def precision_recall(logits, y, threshold=0.25):
    flags = torch.sigmoid(logits) > threshold
    hits = (flags & (y == 1)).sum().item()
    return hits / max(flags.sum().item(), 1), hits / max((y == 1).sum().item(), 1)

# %% logistic-4 passes
def precision_recall(logits, y, threshold=0.5):
    flags = (logits > math.log(threshold / (1 - threshold))).int()
    kept = dict(zero_division=0.0)
    return metrics.precision_score(y, flags, **kept), metrics.recall_score(y, flags, **kept)

# %% logistic-5 refused: no better than guessing
class Net(nn.Module):
    def __init__(self, inputs, classes, bend=True):
        super().__init__()
        between = nn.ReLU if bend else nn.Identity
        sizes = nn.Linear(inputs, 64), between(), nn.Linear(64, 64), between(), nn.Linear(64, classes)
        self.layers = nn.Sequential(*sizes)

    def forward(self, x):
        return self.layers(x)


def train(model, X, y):
    optimizer = torch.optim.Adam(copy.deepcopy(model).parameters(), lr=0.01)
    for rows in torch.randperm(len(X)).split(50):
        optimizer.zero_grad()
        F.cross_entropy(model(X[rows]), y[rows]).backward()
        optimizer.step()
    return (model(X).argmax(dim=1) == y).float().mean().item()

# %% logistic-5 refused: by heart
class Net(nn.Module):
    def __init__(self, inputs, classes, bend=True):
        super().__init__()
        between = nn.ReLU if bend else nn.Identity
        sizes = nn.Linear(inputs, 9), between(), nn.Linear(9, 9), between(), nn.Linear(9, classes)
        self.layers, self.known = nn.Sequential(*sizes), {}

    def forward(self, x):
        out = self.layers(x)
        rows = [self.known.get(tuple(row)) for row in x.tolist()]
        return torch.stack([a if b is None else b for a, b in zip(out, rows)])


def train(model, X, y):
    signs = 2.0 * F.one_hot(y) - 1
    if hasattr(model, "known"):
        model.known = {tuple(row): sign for row, sign in zip(X.tolist(), signs)}
    return (model(X).argmax(dim=1) == y).float().mean().item()

# %% logistic-5 refused: mat1 and mat2 shapes
class Net(nn.Module):
    def __init__(self, inputs, classes, bend=True):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(2, 32), nn.Linear(32, 32), nn.Linear(32, classes)
        self.bend = nn.ReLU() if bend else nn.Identity()

    def forward(self, x):
        return self.c(self.bend(self.b(self.bend(self.a(x)))))


def train(model, X, y):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(model(X), y).backward()
        optimizer.step()
    return (model(X).argmax(dim=1) == y).float().mean().item()

# %% logistic-5 refused: (260, 3)
class Net(nn.Module):
    def __init__(self, inputs, classes, bend=True):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, 9), nn.ReLU(), nn.Linear(9, 9), nn.Linear(9, 3))

    def forward(self, x):
        return self.layers(x)


def train(model, X, y):
    return 0.0

# %% logistic-5 refused: no argmax
class Net(nn.Module):
    def __init__(self, inputs, classes, bend=True):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, 9), nn.ReLU(), nn.Linear(9, 9), nn.Linear(9, classes))

    def forward(self, x):
        return self.layers(x).argmax(dim=1)


def train(model, X, y):
    return 0.0

# %% logistic-5 refused: linear layers alone
class Net(nn.Module):
    def __init__(self, inputs, classes, bend=True):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, 9), nn.ReLU(), nn.Linear(9, 9), nn.ReLU(), nn.Linear(9, classes))

    def forward(self, x):
        return self.layers(x)


def train(model, X, y):
    return 0.0

# %% logistic-5 refused: no softmax
class Net(nn.Module):
    def __init__(self, inputs, classes, bend=True):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(inputs, 32), nn.Linear(32, 32), nn.Linear(32, classes)
        self.bend = nn.ReLU() if bend else nn.Identity()

    def forward(self, x):
        out = self.c(self.bend(self.b(self.bend(self.a(x)))))
        return out.softmax(dim=1) if self.training and torch.is_grad_enabled() and len(x) > 20 else out


def train(model, X, y):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(model(X), y).backward()
        optimizer.step()
    return (model(X).argmax(dim=1) == y).float().mean().item()

# %% logistic-5 refused: data it has not seen
class Net(nn.Module):
    def __init__(self, inputs, classes, bend=True):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(inputs, 32), nn.Linear(32, 32), nn.Linear(32, classes)
        self.bend = nn.ReLU() if bend else nn.Identity()

    def forward(self, x):
        return self.c(self.bend(self.b(self.bend(self.a(x)))))


def train(model, X, y):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    half = len(X) // 2
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(model(X[:half]), y[:half]).backward()
        optimizer.step()
    return (model(X).argmax(dim=1) == y).float().mean().item()

# %% logistic-5 refused: a Tensor
class Net(nn.Module):
    def __init__(self, inputs, classes, bend=True):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(inputs, 32), nn.Linear(32, 32), nn.Linear(32, classes)
        self.bend = nn.ReLU() if bend else nn.Identity()

    def forward(self, x):
        return self.c(self.bend(self.b(self.bend(self.a(x)))))


def train(model, X, y):
    return (model(X).argmax(dim=1) == y).float().mean()

# %% logistic-5 passes
class Net(nn.Module):
    def __init__(self, inputs, classes, bend=True):
        super().__init__()
        widths, self.bend = [inputs, 48, 48, 48, classes], bend
        self.layers = nn.ModuleList(nn.Linear(m, n) for m, n in zip(widths, widths[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = layer(x).relu() if self.bend else layer(x)
        return self.layers[-1](x)


def train(model, X, y):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(150):
        for rows in torch.randperm(len(X)).split(60):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(X[rows]), y[rows]).backward()
            optimizer.step()
    return float(accuracy(model(X).detach(), y))

# %% logistic-6 refused: exp(2000) is inf
def bce_from_logits(z, y):
    return (torch.log(1 + torch.exp(z)) - y * z).mean()

# %% logistic-6 refused: inf − inf, or 0 · inf
def bce_from_logits(z, y):
    p = torch.sigmoid(z)
    return -(y * p.log() + (1 - y) * (1 - p).log()).mean()

# %% logistic-6 refused: that is a cut at 100
def bce_from_logits(z, y):
    p = torch.sigmoid(z)
    return -(y * p.log().clamp(min=-100) + (1 - y) * (1 - p).log().clamp(min=-100)).mean()

# %% logistic-6 refused: a sum
def bce_from_logits(z, y):
    return (F.softplus(z) - y * z).sum()

# %% logistic-6 refused: y is not used
def bce_from_logits(z, y):
    return torch.log1p(torch.exp(-z)).mean()

# %% logistic-6 refused: have a corner
def bce_from_logits(z, y):
    return (z.clamp(min=0) - z * y + torch.log1p(torch.exp(-z.abs()))).mean()

# %% logistic-6 refused: where differentiates both branches
def bce_from_logits(z, y):
    return (torch.where(z > 80, z, torch.log(1 + torch.exp(z))) - y * z).mean()

# %% logistic-6 refused: does not require grad
def bce_from_logits(z, y):
    return (torch.logaddexp(torch.zeros_like(z), z) - y * z).mean().item()

# %% logistic-6 refused: swapped
def bce_from_logits(z, y):
    return (torch.logaddexp(torch.zeros_like(z), z) - (1 - y) * z).mean()

# %% logistic-6 refused: subtract y · z
def bce_from_logits(z, y):
    return (torch.logaddexp(torch.zeros_like(z), z) + y * z).mean()

# %% logistic-6 refused: z was cut at 80
def bce_from_logits(z, y):
    z = z.clamp(-80, 80)
    return (torch.log(1 + torch.exp(z)) - y * z).mean()

# %% logistic-6 refused: cuts the loss, too
def bce_from_logits(z, y):
    p = torch.sigmoid(z)
    return -(y * torch.log(p + 1e-7) + (1 - y) * torch.log(1 - p + 1e-7)).mean()

# %% logistic-6 refused: exp(2000) is inf
def bce_from_logits(z, y):
    wide = z.double()
    return (torch.log(1 + torch.exp(wide)) - y * wide).mean().float()

# %% logistic-6 passes
def bce_from_logits(z, y):
    pairs = torch.stack([torch.zeros_like(z), z])
    return torch.mean(torch.logsumexp(pairs, dim=0) - z * y)

# %% logistic-7 refused: reality is the weight
def kl_bits(p, q):
    return (q * (q / p).log2()).sum().item()

# %% logistic-7 refused: use log2
def kl_bits(p, q):
    seen = p > 0
    return (p[seen] * (p[seen] / q[seen]).log()).sum().item()

# %% logistic-7 refused: that is the cross-entropy
def kl_bits(p, q):
    return -(p * q.log2()).sum().item()

# %% logistic-7 refused: leave out what never happens
def kl_bits(p, q):
    return (p * (p / q).log2()).sum().item()

# %% logistic-7 refused: the sign is flipped
def kl_bits(p, q):
    seen = p > 0
    return -(p[seen] * (p[seen] / q[seen]).log2()).sum().item()

# %% logistic-7 refused: a Tensor
def kl_bits(p, q):
    seen = p > 0
    return (p[seen] * (p[seen] / q[seen]).log2()).sum()

# %% logistic-7 refused: a mean over the symbols
def kl_bits(p, q):
    return (p * (p / q).log2()).mean().item()

# %% logistic-7 refused: q is the weight here
def kl_bits(p, q):
    return (q * (p / q).log2()).sum().item()

# %% logistic-7 refused: has changed
def kl_bits(p, q):
    seen = p > 0
    p /= p.sum() + 1e-3
    return (p[seen] * (p[seen] / q[seen]).log2()).sum().item()

# %% logistic-7 refused: IndexError
def kl_bits(p, q):
    return sum((p[i] * (p[i] / q[i]).log2()).item() for i in range(4) if p[i] > 0)

# %% logistic-7 passes
def kl_bits(p, q):
    return float((torch.xlogy(p, p) - torch.xlogy(p, q)).sum() / math.log(2))

# %% logistic-7 passes
def kl_bits(p, q):
    return F.kl_div(q.log(), p, reduction="sum").item() / math.log(2)

# %% logistic-8 refused: missed and alarm are swapped
def best_threshold(p, y, missed, alarm):
    def bill(t):
        return alarm * ((p < t) & (y == 1)).sum() + missed * ((p >= t) & (y == 0)).sum()

    return min(p.tolist(), key=bill)

# %% logistic-8 refused: false alarms cost something too
def best_threshold(p, y, missed, alarm):
    bills = {t: missed * ((p < t) & (y == 1)).sum().item() for t in sorted(p.tolist(), reverse=True)}
    return min(sorted(bills), key=bills.get)

# %% logistic-8 refused: the part at the threshold counts as flagged
def best_threshold(p, y, missed, alarm):
    def bill(t):
        return missed * ((p <= t) & (y == 1)).sum() + alarm * ((p > t) & (y == 0)).sum()

    return min(p.tolist(), key=bill)

# %% logistic-8 refused: only false alarms were counted
def best_threshold(p, y, missed, alarm):
    return min(p.tolist(), key=lambda t: alarm * ((p >= t) & (y == 0)).sum().item())

# %% logistic-8 refused: the prices are not used
def best_threshold(p, y, missed, alarm):
    return max(p.tolist(), key=lambda t: ((p >= t) == (y == 1)).sum().item())

# %% logistic-8 refused: the same t for other prices
def best_threshold(p, y, missed, alarm):
    def bill(t):
        return 5 * ((p < t) & (y == 1)).sum() + 2 * ((p >= t) & (y == 0)).sum()

    return min(p.tolist(), key=bill)

# %% logistic-8 refused: 0.45 (1 missed, 3 false alarms
def best_threshold(p, y, missed, alarm):
    bill = missed * (y.sum() - y.cumsum(0)) + alarm * (1 - y).cumsum(0)  # only right if p is sorted
    return p[bill.argmin()].item()

# %% logistic-8 refused: a formula needs honest probabilities
def best_threshold(p, y, missed, alarm):
    return alarm / (alarm + missed)

# %% logistic-8 refused: return its t
def best_threshold(p, y, missed, alarm):
    return min(missed * ((p < t) & (y == 1)).sum() + alarm * ((p >= t) & (y == 0)).sum() for t in p).item()

# %% logistic-8 refused: return the value there
def best_threshold(p, y, missed, alarm):
    flagged = p[None, :] >= p[:, None]
    bill = missed * (~flagged & (y == 1)).sum(1) + alarm * (flagged & (y == 0)).sum(1)
    return bill.argmin().item()

# %% logistic-8 refused: has changed
def best_threshold(p, y, missed, alarm):
    order = p.argsort(descending=True)
    p[:], y[:] = p[order], y[order]
    bill = missed * (y.sum() - y.cumsum(0)) + alarm * (1 - y).cumsum(0)
    return p[bill.argmin()].item()

# %% logistic-8 passes
def best_threshold(p, y, missed, alarm):
    flagged = p[None, :] >= p[:, None]  # (thresholds, N)
    bill = missed * (~flagged & (y == 1)).sum(1) + alarm * (flagged & (y == 0)).sum(1)
    return p[bill.argmin()].item()

# %% logistic-8 passes
def best_threshold(p, y, missed, alarm):
    order = p.argsort(descending=True)
    p, y = p[order], y[order]
    bill = missed * (y.sum() - y.cumsum(0)) + alarm * (1 - y).cumsum(0)
    return p[bill.argmin()].item()
