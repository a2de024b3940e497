# %% lstm-1 refused: put the bias through the sigmoid first
def half_life(bias):
    return math.log(2) / bias if bias else 1.0

# %% lstm-1 refused: The loss is not the same amount each step
def half_life(bias):
    keep = torch.sigmoid(torch.tensor(bias, dtype=torch.float64)).item()
    return 0.5 / (1 - keep)

# %% lstm-1 refused: do not round
def half_life(bias):
    keep = 1 / (1 + math.exp(-bias))
    return float(math.ceil(math.log(0.5) / math.log(keep)))

# %% lstm-1 refused: a float
def half_life(bias):
    return torch.tensor(0.5).log() / torch.tensor(bias).sigmoid().log()

# %% lstm-1 refused: a minus is missing in the sigmoid
def half_life(bias):
    return math.log(0.5) / math.log(1 / (1 + math.exp(bias)))

# %% lstm-1 refused: not n · keep
def half_life(bias):
    return 0.5 * (1 + math.exp(-bias))

# %% lstm-1 refused: upside down
def half_life(bias):
    return math.log(1 / (1 + math.exp(-bias))) / math.log(0.5)

# %% lstm-1 refused: half is left after one step
def half_life(bias):
    return math.log(2) * math.exp(bias)

# %% lstm-1 passes
def half_life(bias):
    return math.log(2) / math.log(1 + math.exp(-bias))

# %% lstm-1 passes
def half_life(bias):
    return math.log(0.5, torch.sigmoid(torch.tensor(bias, dtype=torch.float64)).item())

# %% lstm-1 refused: half is gone before
def half_life(bias):
    return math.log(2) / math.log(1 + math.exp(-abs(bias)))

# %% lstm-3 refused: 2 goes with bits, e with nats
def judge(nats, characters):
    return 2**nats, math.ceil(nats / math.log(2) * characters / 8)

# %% lstm-3 refused: nats are not bits yet
def judge(nats, characters):
    return math.exp(nats), math.ceil(nats * characters / 8)

# %% lstm-3 refused: round up
def judge(nats, characters):
    return math.exp(nats), int(nats / math.log(2) * characters / 8)

# %% lstm-3 refused: round up
def judge(nats, characters):
    return math.exp(nats), round(nats / math.log(2) * characters / 8)

# %% lstm-3 refused: those are bits
def judge(nats, characters):
    return math.exp(nats), math.ceil(nats / math.log(2) * characters)

# %% lstm-3 refused: divide by log 2
def judge(nats, characters):
    return math.exp(nats), math.ceil(nats * math.log(2) * characters / 8)

# %% lstm-3 refused: round once, at the very end
def judge(nats, characters):
    return math.exp(nats), math.ceil(nats / math.log(2) / 8) * characters

# %% lstm-3 refused: a tuple of float
def judge(nats, characters):
    return math.exp(nats), float(math.ceil(nats / math.log(2) * characters / 8))

# %% lstm-3 refused: round up, but add nothing
def judge(nats, characters):
    return math.exp(nats), int(nats / math.log(2) * characters / 8) + 1

# %% lstm-3 refused: e to the 1.5
def judge(nats, characters):
    return math.ceil(nats / math.log(2) * characters / 8), math.exp(nats)

# %% lstm-3 passes
def judge(nats, characters):
    perplexity = math.e**nats
    return perplexity, math.ceil(characters * math.log2(perplexity) / 8)

# %% lstm-3 refused: perplexity belongs to one character
def judge(nats, characters):
    return math.exp(nats * characters / 900), math.ceil(nats / math.log(2) * characters / 8)

# %% lstm-2 passes
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: no better than guessing
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: a list of Tensor
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses

# %% lstm-2 refused: state of the window before, detached
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        logits, _ = reader(x)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: backward through the graph a second time
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: one window of (rows, width)
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(train_numbers % 100, 16, 32)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(32, 1), y.split(32, 1))))
    for x, target in itertools.islice(pages, steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: a jump
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in random.Random(0).sample(list(itertools.islice(pages, steps)), steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: all your own
def twin_of(reader):
    return copy.deepcopy(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: shared weights
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = reader.embed, reader.out
        self.rows = nn.ParameterList(reader.lstm.parameters())

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: cannot be multiplied
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), 64)] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: the same logits, over one window
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: the same logits, over one window
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            f, i, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: shared weights, or one bias
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])
        self.rows[2].data += self.rows[3].data
        self.rows[3] = nn.Parameter(torch.zeros_like(self.rows[3]), requires_grad=False)

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-2 refused: nats a character
class Mine(nn.Module):
    def __init__(self, reader):
        super().__init__()
        self.embed, self.out = copy.deepcopy(reader.embed), copy.deepcopy(reader.out)
        self.rows = nn.ParameterList([p.detach().clone() for p in reader.lstm.parameters()])

    def forward(self, numbers, state=None):
        x, told = self.embed(numbers), []
        W, U, b, d = self.rows
        h, c = state or [x.new_zeros(len(x), U.shape[1])] * 2
        for k in range(numbers.shape[1]):
            i, f, g, o = (F.linear(x[:, k], W, b) + F.linear(h, U, d)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            told.append(self.out(h))
        return torch.stack(told, 1), (h, c)


def twin_of(reader):
    return Mine(reader)


def learn(reader, numbers, rows, width, steps):
    X, y = to_streams(numbers, rows, width)
    optimizer, state, losses = torch.optim.AdamW(reader.parameters(), lr=0.02), None, []
    pages = itertools.cycle(list(zip(X.split(width, 1), y.split(width, 1))))
    for x, target in itertools.islice(pages, steps):
        state = state and tuple(s.detach() for s in state)
        logits, state = reader(x, state)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits.transpose(1, 2), x)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% lstm-4 refused: 4 in each makes 8
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        for name, parameter in lstm.named_parameters():
            if "bias" in name:
                parameter[H : 2 * H] = value
    return lstm

# %% lstm-4 refused: 4 in all layers
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        lstm.bias_ih_l0[H : 2 * H] = value
        lstm.bias_hh_l0[H : 2 * H] = 0
    return lstm

# %% lstm-4 refused: the first quarter is the input gate
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            getattr(lstm, f"bias_ih_l{layer}")[:H] = value
            getattr(lstm, f"bias_hh_l{layer}")[:H] = 0
    return lstm

# %% lstm-4 refused: still added
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            getattr(lstm, f"bias_ih_l{layer}")[H : 2 * H] = value
    return lstm

# %% lstm-4 refused: only its second quarter
def open_forget_gates(lstm, value):
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            getattr(lstm, f"bias_ih_l{layer}")[:] = value
            getattr(lstm, f"bias_hh_l{layer}")[:] = 0
    return lstm

# %% lstm-4 refused: the same lstm
def open_forget_gates(lstm, value):
    H, other = lstm.hidden_size, nn.LSTM(lstm.input_size, lstm.hidden_size, lstm.num_layers)
    other.load_state_dict(lstm.state_dict())
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            getattr(other, f"bias_ih_l{layer}")[H : 2 * H] = value
            getattr(other, f"bias_hh_l{layer}")[H : 2 * H] = 0
    return other

# %% lstm-4 refused: 4 in all layers
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        for layer in (0, 1):
            getattr(lstm, f"bias_ih_l{layer}")[H : 2 * H] = value
            getattr(lstm, f"bias_hh_l{layer}")[H : 2 * H] = 0
    return lstm

# %% lstm-4 refused: leaf Variable
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    for layer in range(lstm.num_layers):
        getattr(lstm, f"bias_ih_l{layer}")[H : 2 * H] = value
        getattr(lstm, f"bias_hh_l{layer}")[H : 2 * H] = 0
    return lstm

# %% lstm-4 passes
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            other = getattr(lstm, f"bias_hh_l{layer}")[H : 2 * H]
            getattr(lstm, f"bias_ih_l{layer}")[H : 2 * H] = value - other
    return lstm

# %% lstm-4 passes
def open_forget_gates(lstm, value):
    for name, parameter in lstm.named_parameters():
        if name.startswith("bias"):
            parameter.data.chunk(4)[1].fill_(value / 2)
    return lstm

# %% lstm-4 refused: -1.5 in a single layer
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            getattr(lstm, f"bias_ih_l{layer}")[H : 2 * H] = 4.0
            getattr(lstm, f"bias_hh_l{layer}")[H : 2 * H] = 0
    return lstm

# %% lstm-5 refused: must sum to 1 again
def min_p(logits, share):
    p = logits.softmax(0)
    return torch.where(p >= share * p.max(), p, 0.0)

# %% lstm-5 refused: share times the largest, not share
def min_p(logits, share):
    p = logits.softmax(0)
    p = p * (p >= share)
    return p / p.sum()

# %% lstm-5 refused: compare probabilities, not logits
def min_p(logits, share):
    return logits.masked_fill(logits < share * logits.max(), -math.inf).softmax(0)

# %% lstm-5 refused: in their places
def min_p(logits, share):
    p = logits.softmax(0).sort(descending=True).values
    p = p * (p >= share * p[0])
    return p / p.sum()

# %% lstm-5 refused: a second softmax
def min_p(logits, share):
    p = logits.softmax(0)
    return (p * (p >= share * p.max())).softmax(0)

# %% lstm-5 refused: equals all stay: >=, not >
def min_p(logits, share):
    p = logits.softmax(0)
    p = p * (p > share * p.max())
    return p / p.sum()

# %% lstm-5 refused: in their places
def min_p(logits, share):
    p = logits.softmax(0)
    p = p[p >= share * p.max()]
    return p / p.sum()

# %% lstm-5 refused: in their places
def min_p(logits, share):
    p = logits.softmax(0)
    p = p * (p >= (1 - share) * p.max())
    return p / p.sum()

# %% lstm-5 passes
def min_p(logits, share):
    return logits.masked_fill(logits < logits.max() + math.log(share), -math.inf).softmax(0)

# %% lstm-5 refused: what was handed over has changed
def min_p(logits, share):
    p = logits.sub_(logits.logsumexp(0)).exp()
    p = p * (p >= share * p.max())
    return p / p.sum()

# %% lstm-6 refused: choose by r.abs()
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = ((a * b[:, None]).sum(0) / (a.norm(dim=0) * b.norm())).nan_to_num()
    return r.argmax().item(), r.max().item()

# %% lstm-6 refused: which argmax prefers
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = (a * b[:, None]).sum(0) / (a.norm(dim=0) * b.norm())
    best = r.abs().argmax().item()
    return best, r[best].item()

# %% lstm-6 refused: divide by the norms
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = (a * b[:, None]).mean(0)
    best = r.abs().argmax().item()
    return best, r[best].item()

# %% lstm-6 refused: its sign is kept
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = ((a * b[:, None]).sum(0) / (a.norm(dim=0) * b.norm())).nan_to_num().abs()
    return r.argmax().item(), r.max().item()

# %% lstm-6 refused: plain numbers, by .item()
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = ((a * b[:, None]).sum(0) / (a.norm(dim=0) * b.norm())).nan_to_num()
    return r.abs().argmax(), r[r.abs().argmax()]

# %% lstm-6 refused: which argmax prefers
def strongest(units, truth):
    r = ((units * truth[:, None]).sum(0) / (units.norm(dim=0) * truth.norm())).nan_to_num()
    best = r.abs().argmax().item()
    return best, r[best].item()

# %% lstm-6 refused: its sign is kept
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = ((a * b[:, None]).mean(0) / (a.std(0) * b.std())).nan_to_num()
    best = r.abs().argmax().item()
    return best, r[best].item()

# %% lstm-6 refused: the truth with itself
def strongest(units, truth):
    r = torch.corrcoef(torch.cat([units.T, truth[None]]))[-1].nan_to_num()
    best = r.abs().argmax().item()
    return best, r[best].item()

# %% lstm-6 passes
def strongest(units, truth):
    r = torch.corrcoef(torch.cat([units.T, truth[None]]))[-1, :-1].nan_to_num()
    return max(((k, v) for k, v in enumerate(r.tolist())), key=lambda pair: abs(pair[1]))

# %% lstm-6 refused: what was handed over has changed
def strongest(units, truth):
    units -= units.mean(0)
    b = truth - truth.mean()
    r = ((units * b[:, None]).sum(0) / (units.norm(dim=0) * b.norm())).nan_to_num()
    best = r.abs().argmax().item()
    return best, r[best].item()
