# %% rnn-1 refused: the slope of tanh is missing
def slopes_back(last, states, W_hh):
    slopes = np.zeros_like(states)
    slopes[-1] = last
    for t in range(len(states) - 1, 0, -1):
        slopes[t - 1] = W_hh.T @ slopes[t]
    return slopes

# %% rnn-1 refused: W_hh transposed
def slopes_back(last, states, W_hh):
    slopes = np.zeros_like(states)
    slopes[-1] = last
    for t in range(len(states) - 1, 0, -1):
        slopes[t - 1] = W_hh @ ((1 - states[t] ** 2) * slopes[t])
    return slopes

# %% rnn-1 refused: the slope of tanh at state t, not at t−1
def slopes_back(last, states, W_hh):
    slopes = np.zeros_like(states)
    slopes[-1] = last
    for t in range(len(states) - 1, 0, -1):
        slopes[t - 1] = W_hh.T @ ((1 - states[t - 1] ** 2) * slopes[t])
    return slopes

# %% rnn-1 refused: belongs in the first row
def slopes_back(last, states, W_hh):
    slopes = [last]
    for state in states[:0:-1]:
        slopes.append(W_hh.T @ ((1 - state**2) * slopes[-1]))
    return np.stack(slopes)

# %% rnn-1 refused: what was handed over has changed
def slopes_back(last, states, W_hh):
    slopes = np.zeros_like(states)
    for t in range(len(states) - 1, -1, -1):
        slopes[t] = last
        states[t] = 1 - states[t] ** 2
        last = W_hh.T @ (states[t] * last)
    return slopes

# %% rnn-1 passes
def slopes_back(last, states, W_hh):
    slopes = np.zeros_like(states)
    slopes[-1] = last
    for t in range(len(states) - 1, 0, -1):
        slopes[t - 1] = (slopes[t] * (1 - states[t] ** 2)) @ W_hh
    return slopes

# %% rnn-2 passes
def rnn_shapes(N, T, H, layers, both_ways):
    ways = 1 + both_ways
    return [[N, T, ways * H], [ways * layers, N, H]]

# %% rnn-2 refused: batch second in h_n
def rnn_shapes(N, T, H, layers, both_ways):
    ways = 1 + both_ways
    return (N, T, ways * H), (N, ways * layers, H)

# %% rnn-2 refused: out: batch first
def rnn_shapes(N, T, H, layers, both_ways):
    ways = 1 + both_ways
    return (T, N, ways * H), (ways * layers, N, H)

# %% rnn-2 refused: h_n: a row a direction
def rnn_shapes(N, T, H, layers, both_ways):
    ways = 1 + both_ways
    return (N, T, ways * H), (layers, N, ways * H)

# %% rnn-2 refused: two directions widen out
def rnn_shapes(N, T, H, layers, both_ways):
    return (N, T, H), (layers, N, H)

# %% rnn-2 refused: out: top layer only
def rnn_shapes(N, T, H, layers, both_ways):
    ways = 1 + both_ways
    return (N, T, layers * ways * H), (ways * layers, N, H)

# %% rnn-2 refused: h_n has layers first
def rnn_shapes(N, T, H, layers, both_ways):
    return (N, T, H * (1 + both_ways)), (N, H)

# %% rnn-2 passes
def rnn_shapes(N, T, H, layers, both_ways):
    out, h_n = nn.RNN(1, H, layers, batch_first=True, bidirectional=both_ways)(torch.zeros(N, T, 1))
    return out.shape, h_n.shape

# %% rnn-3 refused: the last column is padding
def last_states(out, lengths):
    if (lengths == 0).any():
        raise ValueError("no letters")
    return out[:, -1]

# %% rnn-3 refused: length 2 ends at step 1
def last_states(out, lengths):
    if (lengths == 0).any():
        raise ValueError("no letters")
    return out[torch.arange(len(out)), lengths]

# %% rnn-3 refused: one step for each row
def last_states(out, lengths):
    if (lengths == 0).any():
        raise ValueError("no letters")
    return out[:, lengths - 1]

# %% rnn-3 refused: no error for length 0
def last_states(out, lengths):
    return out[torch.arange(len(out)), lengths - 1]

# %% rnn-3 refused: own ends
def last_states(out, lengths):
    if (lengths == 0).any():
        raise ValueError("no letters")
    return out[:, lengths.max() - 1]

# %% rnn-3 refused: raise ValueError
def last_states(out, lengths):
    assert lengths.min() > 0, "no letters"
    return out[torch.arange(len(out)), lengths - 1]

# %% rnn-3 passes
def last_states(out, lengths):
    if (lengths <= 0).any():
        raise ValueError("no letters")
    place = (lengths - 1).view(-1, 1, 1).expand(-1, 1, out.shape[2])
    return out.gather(1, place).squeeze(1)

# %% rnn-3 passes
def last_states(out, lengths):
    class NoLetters(ValueError):
        pass
    if 0 in lengths:
        raise NoLetters("an empty name has no last letter")
    return torch.stack([states[n - 1] for states, n in zip(out, lengths)])

# %% rnn-4 refused: no better than guessing: not trained at all
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.weight_ih_l0 = nn.Parameter(torch.empty(hidden, inputs).uniform_(-s, s))
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).uniform_(-s, s))
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class NameModel(nn.Module):
    def __init__(self, make_rnn, letters, languages, hidden=64):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(letters, 32), make_rnn(32, hidden)
        self.head = nn.Linear(hidden, languages)

    def forward(self, X, lengths):
        out, h_n = self.rnn(self.embedding(X))
        return self.head(out[torch.arange(len(X)), lengths - 1])

def train_names(make_rnn, X, lengths, y, letters, languages):
    model = NameModel(make_rnn, letters, languages)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(0):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(model(X[rows], lengths[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model

# %% rnn-4 refused: an int
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.weight_ih_l0 = nn.Parameter(torch.empty(hidden, inputs).uniform_(-s, s))
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).uniform_(-s, s))
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class NameModel(nn.Module):
    def __init__(self, make_rnn, letters, languages, hidden=64):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(letters, 32), make_rnn(32, hidden)
        self.head = nn.Linear(hidden, languages)

    def forward(self, X, lengths):
        out, h_n = self.rnn(self.embedding(X))
        return self.head(out[torch.arange(len(X)), lengths - 1])

def train_names(make_rnn, X, lengths, y, letters, languages):
    model = NameModel(make_rnn, letters, languages)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(1):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(model(X[rows], lengths[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return 3

# %% rnn-4 refused: a Module
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.weight_ih_l0 = nn.Parameter(torch.empty(hidden, inputs).uniform_(-s, s))
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).uniform_(-s, s))
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class NameModel(nn.Module):
    def __init__(self, make_rnn, letters, languages, hidden=64):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(letters, 32), make_rnn(32, hidden)
        self.head = nn.Linear(hidden, languages)

    def forward(self, X, lengths):
        out, h_n = self.rnn(self.embedding(X))
        return self.head(out[torch.arange(len(X)), lengths - 1])

def train_names(make_rnn, X, lengths, y, letters, languages):
    model = NameModel(make_rnn, letters, languages)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(1):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(model(X[rows], lengths[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.state_dict()

# %% rnn-4 refused: no better than guessing
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.weight_ih_l0 = nn.Parameter(torch.empty(hidden, inputs).uniform_(-s, s))
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).uniform_(-s, s))
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class NameModel(nn.Module):
    def __init__(self, make_rnn, letters, languages, hidden=64):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(letters, 32), make_rnn(32, hidden)
        self.head = nn.Linear(hidden, languages)

    def forward(self, X, lengths):
        out, h_n = self.rnn(self.embedding(X))
        return self.head(out[torch.arange(len(X)), lengths - 1])

def train_names(make_rnn, X, lengths, y, letters, languages):
    model = NameModel(make_rnn, letters, languages)
    optimizer = torch.optim.Adam(NameModel(make_rnn, letters, languages).parameters(), lr=3e-3)
    for _ in range(1):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(model(X[rows], lengths[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model

# %% rnn-4 refused: read each name at its own last letter
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.weight_ih_l0 = nn.Parameter(torch.empty(hidden, inputs).uniform_(-s, s))
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).uniform_(-s, s))
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class NameModel(nn.Module):
    def __init__(self, make_rnn, letters, languages, hidden=64):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(letters, 32), make_rnn(32, hidden)
        self.head = nn.Linear(hidden, languages)

    def forward(self, X, lengths):
        out, h_n = self.rnn(self.embedding(X))
        return self.head(h_n[0])

def train_names(make_rnn, X, lengths, y, letters, languages):
    model = NameModel(make_rnn, letters, languages)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(1):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(model(X[rows], lengths[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model

# %% rnn-4 refused: make_rnn was not used
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.weight_ih_l0 = nn.Parameter(torch.empty(hidden, inputs).uniform_(-s, s))
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).uniform_(-s, s))
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class NameModel(nn.Module):
    def __init__(self, make_rnn, letters, languages, hidden=64):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(letters, 32), make_rnn(32, hidden)
        self.head = nn.Linear(hidden, languages)

    def forward(self, X, lengths):
        out, h_n = self.rnn(self.embedding(X))
        return self.head(out[torch.arange(len(X)), lengths - 1])

def train_names(make_rnn, X, lengths, y, letters, languages):
    model = NameModel(OwnRNN, letters, languages)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(1):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(model(X[rows], lengths[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model

# %% rnn-4 refused: right on the training data only
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.weight_ih_l0 = nn.Parameter(torch.empty(hidden, inputs).uniform_(-s, s))
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).uniform_(-s, s))
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class ByHeart(nn.Module):
    def __init__(self, make_rnn, X, y, languages):
        super().__init__()
        self.rnn, self.languages = make_rnn(2, 2), languages
        self.seen = {tuple(row.tolist()): int(k) for row, k in zip(X, y)}

    def forward(self, X, lengths):
        told = [self.seen.get(tuple(row.tolist()), 0) for row in X]
        return F.one_hot(torch.tensor(told), self.languages).float()


def train_names(make_rnn, X, lengths, y, letters, languages):
    return ByHeart(make_rnn, X, y, languages)

# %% rnn-4 refused: on data it has not seen
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.weight_ih_l0 = nn.Parameter(torch.empty(hidden, inputs).uniform_(-s, s))
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).uniform_(-s, s))
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class NameModel(nn.Module):
    def __init__(self, make_rnn, letters, languages, hidden=64):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(letters, 32), make_rnn(32, hidden)
        self.head = nn.Linear(hidden, languages)

    def forward(self, X, lengths):
        out, h_n = self.rnn(self.embedding(X))
        return self.head(out[torch.arange(len(X)), lengths - 1])

def train_names(make_rnn, X, lengths, y, letters, languages):
    model = NameModel(make_rnn, letters, languages)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    X, lengths, y = X[:20], lengths[:20], y[:20]
    for _ in range(40):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(model(X[rows], lengths[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model

# %% rnn-4 refused: out and h_n as nn.RNN
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.weight_ih_l0 = nn.Parameter(torch.empty(hidden, inputs).uniform_(-s, s))
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).uniform_(-s, s))
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class NameModel(nn.Module):
    def __init__(self, make_rnn, letters, languages, hidden=64):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(letters, 32), make_rnn(32, hidden)
        self.head = nn.Linear(hidden, languages)

    def forward(self, X, lengths):
        out, h_n = self.rnn(self.embedding(X))
        return self.head(out[torch.arange(len(X)), lengths - 1])

def train_names(make_rnn, X, lengths, y, letters, languages):
    model = NameModel(make_rnn, letters, languages)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(6):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(model(X[rows], lengths[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model

# %% rnn-4 refused: OwnRNN
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.W_x = nn.Parameter(torch.empty(hidden, inputs).uniform_(-s, s))
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).uniform_(-s, s))
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class NameModel(nn.Module):
    def __init__(self, make_rnn, letters, languages, hidden=64):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(letters, 32), make_rnn(32, hidden)
        self.head = nn.Linear(hidden, languages)

    def forward(self, X, lengths):
        out, h_n = self.rnn(self.embedding(X))
        return self.head(out[torch.arange(len(X)), lengths - 1])

def train_names(make_rnn, X, lengths, y, letters, languages):
    model = NameModel(make_rnn, letters, languages)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(6):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(model(X[rows], lengths[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model

# %% rnn-4 refused: max |w|
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.weight_ih_l0 = nn.Parameter(torch.empty(hidden, inputs).normal_())
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).normal_())
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).normal_())
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).normal_())

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class NameModel(nn.Module):
    def __init__(self, make_rnn, letters, languages, hidden=64):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(letters, 32), make_rnn(32, hidden)
        self.head = nn.Linear(hidden, languages)

    def forward(self, X, lengths):
        out, h_n = self.rnn(self.embedding(X))
        return self.head(out[torch.arange(len(X)), lengths - 1])

def train_names(make_rnn, X, lengths, y, letters, languages):
    model = NameModel(make_rnn, letters, languages)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(6):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(model(X[rows], lengths[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model

# %% rnn-4 passes
class OwnRNN(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        s = hidden**-0.5
        self.weight_ih_l0 = nn.Parameter(torch.empty(hidden, inputs).uniform_(-s, s))
        self.weight_hh_l0 = nn.Parameter(torch.empty(hidden, hidden).uniform_(-s, s))
        self.bias_ih_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))
        self.bias_hh_l0 = nn.Parameter(torch.empty(hidden).uniform_(-s, s))

    def forward(self, x):
        h, states = torch.zeros(len(x), len(self.bias_hh_l0)), []
        for t in range(x.shape[1]):
            h = (x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).tanh()
            states.append(h)
        return torch.stack(states, 1), h[None]

class Reader(nn.Module):
    def __init__(self, rnn, letters, languages):
        super().__init__()
        self.table, self.rnn = nn.Embedding(letters, 24, padding_idx=0), rnn
        self.drop, self.head = nn.Dropout(0.2), nn.Linear(96, languages)

    def forward(self, X, lengths):
        out, _ = self.rnn(self.table(X))
        at = (lengths - 1).view(-1, 1, 1).expand(-1, 1, 96)
        return self.head(self.drop(out.gather(1, at).squeeze(1)))


def train_names(make_rnn, X, lengths, y, letters, languages):
    model = Reader(make_rnn(24, 96), letters, languages)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for epoch in range(12):
        for rows in torch.randperm(len(X)).split(128):
            loss = nn.CrossEntropyLoss(label_smoothing=0.1)(model(X[rows], lengths[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return model

# %% rnn-5 refused: fold both sides
def leaked(train, valid):
    return sum(name in set(train) for name in valid) / len(valid)

# %% rnn-5 refused: fold both sides
def leaked(train, valid):
    seen = {fold(name) for name in train}
    return sum(name in seen for name in valid) / len(valid)

# %% rnn-5 refused: stands twice counts twice
def leaked(train, valid):
    seen, asked = {fold(name) for name in train}, {fold(name) for name in valid}
    return len(seen & asked) / len(asked)

# %% rnn-5 refused: stands twice counts twice
def leaked(train, valid):
    return len({fold(name) for name in train} & {fold(name) for name in valid}) / len(valid)

# %% rnn-5 refused: lower case is not enough
def leaked(train, valid):
    seen = {name.lower().strip() for name in train}
    return sum(name.lower().strip() in seen for name in valid) / len(valid)

# %% rnn-5 refused: the share of valid, not of train
def leaked(train, valid):
    seen = {fold(name) for name in valid}
    return sum(fold(name) in seen for name in train) / len(train)

# %% rnn-5 refused: divide by the number of texts in valid
def leaked(train, valid):
    seen = {fold(name) for name in train}
    return sum(fold(name) in seen for name in valid)

# %% rnn-5 passes
def leaked(train, valid):
    return float(np.isin([fold(name) for name in valid], [fold(name) for name in train]).mean())

# %% rnn-6 refused: that is the accuracy
def balanced_accuracy(matrix):
    return (matrix.trace() / matrix.sum()).item()

# %% rnn-6 refused: 0 / 0: leave the empty row out
def balanced_accuracy(matrix):
    return (matrix.diagonal() / matrix.sum(dim=1)).mean().item()

# %% rnn-6 refused: leave the empty row out
def balanced_accuracy(matrix):
    return (matrix.diagonal() / matrix.sum(dim=1).clamp(min=1)).mean().item()

# %% rnn-6 refused: divide by the sum of each row
def balanced_accuracy(matrix):
    total = matrix.sum(dim=0)
    return (matrix.diagonal()[total > 0] / total[total > 0]).mean().item()

# %% rnn-6 refused: never recognized is 0, and counts
def balanced_accuracy(matrix):
    hits, total = matrix.diagonal(), matrix.sum(dim=1)
    return (hits[hits > 0] / total[hits > 0]).mean().item()

# %% rnn-6 refused: a float
def balanced_accuracy(matrix):
    total = matrix.sum(dim=1)
    return (matrix.diagonal()[total > 0] / total[total > 0]).mean()

# %% rnn-6 refused: keep its column
def balanced_accuracy(matrix):
    kept = matrix.sum(dim=1) > 0
    small = matrix[kept][:, kept]
    return (small.diagonal() / small.sum(dim=1)).mean().item()

# %% rnn-6 passes
def balanced_accuracy(matrix):
    found = [counts[at] / sum(counts) for at, counts in enumerate(matrix.tolist()) if sum(counts)]
    return sum(found) / len(found)

# %% rnn-6 refused: two classes were never answered
def balanced_accuracy(matrix):
    total = matrix.sum(dim=1)
    real = (total > 0) & (matrix.sum(dim=0) > 0)
    return (matrix.diagonal()[real] / total[real]).mean().item()

# %% rnn-7 refused: that is nats
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    mask = torch.arange(targets.shape[1]) < lengths.unsqueeze(1)
    return (surprise * mask).sum(1) / lengths

# %% rnn-7 refused: padding was counted
def bits_per_letter(logits, targets, lengths):
    return F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").mean(1) / np.log(2)

# %% rnn-7 refused: divide by own length
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    mask = torch.arange(targets.shape[1]) < lengths.unsqueeze(1)
    return (surprise * mask).mean(1) / np.log(2)

# %% rnn-7 refused: a minus
def bits_per_letter(logits, targets, lengths):
    logs = logits.log_softmax(2).gather(2, targets.unsqueeze(2)).squeeze(2)
    mask = torch.arange(targets.shape[1]) < lengths.unsqueeze(1)
    return (logs * mask).sum(1) / lengths / np.log(2)

# %% rnn-7 refused: no sum
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    mask = torch.arange(targets.shape[1]) < lengths.unsqueeze(1)
    return (surprise * mask).sum(1) / np.log(2)

# %% rnn-7 refused: The size of tensor
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none") / np.log(2)
    mask = torch.arange(targets.shape[1]).unsqueeze(1) < lengths
    return (surprise * mask).sum(1) / lengths

# %% rnn-7 refused: padding was counted
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none") / np.log(2)
    mask = targets != 0
    return (surprise * mask).sum(1) / mask.sum(1)

# %% rnn-7 refused: it need not be 0
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none") / np.log(2)
    return (surprise * (targets != 0)).sum(1) / lengths

# %% rnn-7 passes
def bits_per_letter(logits, targets, lengths):
    found = []
    for one, aim, size in zip(logits, targets, lengths):
        found.append(-torch.log2(one.softmax(1)[range(int(size)), aim[:size]]).mean())
    return torch.stack(found)

# %% rnn-7 refused: meta
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    mask = torch.arange(targets.shape[1]) < lengths.unsqueeze(1)
    return (surprise * mask).sum(1) / lengths / np.log(2)

# %% rnn-8 refused: each was clipped alone
def clipped(grads, max_norm):
    return [g * min(1.0, max_norm / g.norm().item()) for g in grads]

# %% rnn-8 refused: each was clipped alone
def clipped(grads, max_norm):
    return [g.clamp(-max_norm, max_norm) for g in grads]

# %% rnn-8 refused: only shrink
def clipped(grads, max_norm):
    norm = sum((g**2).sum() for g in grads).sqrt()
    return [g * (max_norm / norm) for g in grads]

# %% rnn-8 refused: what was handed over has changed
def clipped(grads, max_norm):
    norm = sum((g**2).sum() for g in grads).sqrt()
    return [g.mul_(max_norm / norm) if norm > max_norm else g for g in grads]

# %% rnn-8 refused: the root is missing
def clipped(grads, max_norm):
    norm = sum((g**2).sum() for g in grads)
    return [g * (max_norm / norm) if norm > max_norm else g for g in grads]

# %% rnn-8 refused: not a sum of norms
def clipped(grads, max_norm):
    norm = sum(g.norm() for g in grads)
    return [g * (max_norm / norm) if norm > max_norm else g for g in grads]

# %% rnn-8 refused: where is max_norm
def clipped(grads, max_norm):
    norm = sum((g**2).sum() for g in grads).sqrt()
    return [g / norm if norm > max_norm else g for g in grads]

# %% rnn-8 refused: not of the largest tensor
def clipped(grads, max_norm):
    norm = max(g.norm() for g in grads)
    return [g * (max_norm / norm) if norm > max_norm else g for g in grads]

# %% rnn-8 refused: every tensor keeps its shape
def clipped(grads, max_norm):
    every = torch.cat([g.flatten() for g in grads])
    return [every * min(1.0, max_norm / every.norm().item())]

# %% rnn-8 passes
def clipped(grads, max_norm):
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in grads]))
    return [g * torch.clamp(max_norm / norm, max=1.0) for g in grads]

# %% rnn-9 refused: b must be below 0
def latch():
    return 10.0, 5.0, 0.0

# %% rnn-9 refused: it forgets
def latch():
    return 10.0, 0.9, -0.5

# %% rnn-9 refused: a 1 must beat off
def latch():
    return 5.0, 5.0, -2.0

# %% rnn-9 refused: b must be below 0
def latch():
    return 10.0, 5.0, 2.0

# %% rnn-9 refused: it forgets
def latch():
    return 10.0, 0.0, -5.0

# %% rnn-9 passes
def latch():
    return 4.0, 2.0, -0.2

# %% rnn-9 same: any weights with b < 0, w_h > |b| and w_x > w_h + |b|, large enough, are a latch
# return (10.0, 5.0, -2.0) => return (20.0, 5.0, -2.0)
# return (10.0, 5.0, -2.0) => return (10.0, 5.0, -1.0)
