# %% start-1 refused: counts the minutes of a day
seconds = 24 * 60

# %% start-1 refused: one hour, and a day has 24
seconds = 60 * 60

# %% start-1 passes
seconds = 86_400.0

# %% start-2 refused: print ran last, not second
shown = 10

# %% start-2 refused: cell [2] multiplied first
shown = (10 + 5) * 3

# %% start-2 refused: cell [3] ran before print
shown = 30

# %% start-3 refused: * multiplies pairwise
paid = torch.tensor([1.0, 7.0]) * basket
growth = 12.0

# %% start-3 refused: its growth is in edge.grad
paid = torch.tensor([1.0, 7.0]) @ basket
edge = torch.tensor(2.0, requires_grad=True)
growth = edge**3

# %% start-3 passes
paid = torch.tensor([[1.0, 7.0]]) @ basket
growth = 12

# %% start-3 refused: the basket has 5 apples
paid = torch.tensor([1.0, 7.0]).sum()
growth = 12.0

# %% start-3 passes
paid = (torch.tensor([1.0, 7.0]) * basket).sum()
edge = torch.tensor(2.0, requires_grad=True)
(growth,) = torch.autograd.grad(edge**3, edge)

# %% start-4 refused: small letters
supervised = {"A": True, "B": False, "C": True, "D": False}

# %% start-4 refused: a dict
supervised = [True, False, True, False]

# %% start-4 refused: no groups were given
supervised = {"a": True, "b": True, "c": True, "d": False}

# %% start-4 refused: a number can be a target
supervised = {"a": True, "b": False, "c": False, "d": False}

# %% start-4 refused: no move comes with its right answer
supervised = dict(a=True, b=False, c=True, d=True)

# %% start-4 passes
supervised = dict(zip("abcd", [True, False, True, False]))

# %% start-5 refused: does hidden reach both layers
def train(X, y, hidden):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(300):
        loss = nn.CrossEntropyLoss()(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (model(X).argmax(dim=1) == y).float().mean().item()

# %% start-5 refused: a share lies between 0 and 1
def train(X, y, hidden):
    return 99.0

# %% start-5 refused: is the return missing
def train(X, y, hidden):
    print(0.99)

# %% start-5 refused: are all ten lines there
def train(X, y, hidden):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    for _ in range(300):
        loss = nn.CrossEntropyLoss()(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (model(X).argmax(dim=1) == y).float().mean().item()

# %% start-5 passes
def train(X, y, hidden):
    torch.manual_seed(1)
    first, last = nn.Linear(2, hidden), nn.Linear(hidden, 2)
    optimizer = torch.optim.Adam([*first.parameters(), *last.parameters()], lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        nn.functional.cross_entropy(last(first(X).tanh()), y).backward()
        optimizer.step()
    return float((last(first(X).tanh()).argmax(1) == y).float().mean())

# %% start-1 refused: a number is written without quotes
seconds = "86400"

# %% start-1 refused: each of the 24 hours has 3600 seconds
seconds = 24 + 60 * 60

# %% start-2 refused: a number is written without quotes
shown = "35"

# %% start-2 refused: print() and backward() give None back
shown = print(35)

# %% start-3 refused: the power 3 comes down
paid = torch.tensor([1.0, 7.0]) @ basket
growth = 3 * 2.0

# %% start-3 refused: apples first
paid = torch.tensor([7.0, 1.0]) @ basket
growth = 12.0

# %% start-4 refused: without quotes
supervised = {"a": "True", "b": "False", "c": "True", "d": "False"}

# %% start-5 refused: .item() makes one of a tensor
def train(X, y, hidden):
    return torch.tensor(0.99)

# %% start-5 refused: the parameters of the network built here
def train(X, y, hidden):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(300):
        loss = nn.CrossEntropyLoss()(net(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (net(X).argmax(dim=1) == y).float().mean().item()

# %% start-4 passes
supervised = dict(a=1, b=0, c=1, d=0)
