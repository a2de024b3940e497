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

# %% start-4 passes
supervised = dict(a=1, b=0, c=1, d=0)

# %% start-3 passes
paid = (torch.tensor([[1.0, 7.0]]) @ basket).reshape(1)
edge = torch.tensor([2.0], requires_grad=True)
(edge**3).sum().backward()
growth = edge.grad

# %% start-5 refused: return model, not its share
def train(X, y, hidden=16, lr=0.05, steps=300):
    return 0.99

said = {"as above": 0.99, "hidden=1": 0.88, "lr=0.0005": 0.8, "steps=10": 0.86}

# %% start-5 refused: is the return missing
def train(X, y, hidden=16, lr=0.05, steps=300):
    nn.Linear(2, 2)

said = {"as above": 0.99, "hidden=1": 0.88, "lr=0.0005": 0.8, "steps=10": 0.86}

# %% start-5 refused: no better than guessing
def train(X, y, hidden=16, lr=0.05, steps=300):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))

said = {"as above": 0.5, "hidden=1": 0.5, "lr=0.0005": 0.5, "steps=10": 0.5}

# %% start-5 refused: must train on its own X and y
points, colors = X, y

def train(X, y, hidden=16, lr=0.05, steps=300):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(points), colors).backward()
        optimizer.step()
    return net

said = {"as above": 0.99, "hidden=1": 0.88, "lr=0.0005": 0.82, "steps=10": 0.86}

# %% start-5 refused: does the knob reach its place
def train(X, y, hidden=16, lr=0.05, steps=300):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(X), y).backward()
        optimizer.step()
    return net

said = {"as above": 0.99, "hidden=1": 0.88, "lr=0.0005": 0.82, "steps=10": 0.86}

# %% start-5 refused: as above: you say 98.700
def train(X, y, hidden=16, lr=0.05, steps=300):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(X), y).backward()
        optimizer.step()
    return net

said = {"as above": 98.7, "hidden=1": 87.5, "lr=0.0005": 81.8, "steps=10": 86.5}

# %% start-5 refused: no better than guessing
def train(X, y, hidden=16, lr=0.05, steps=300):
    net = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    torch.manual_seed(3)
    for layer in (net[0], net[2]):
        layer.reset_parameters()
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(X), y).backward()
        optimizer.step()
    return net

said = {"as above": 0.99, "hidden=1": 0.88, "lr=0.0005": 0.82, "steps=10": 0.86}

# %% start-5 passes
class Net(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.first, self.last = nn.Linear(2, hidden), nn.Linear(hidden, 2)

    def forward(self, x):
        return self.last(self.first(x).tanh())

def train(X, y, hidden=16, lr=0.05, steps=300):
    torch.manual_seed(1)
    net = Net(hidden)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(X), y).backward()
        optimizer.step()
    return net

said = {"as above": 0.99, "hidden=1": 0.88, "lr=0.0005": 0.82, "steps=10": 0.86}
