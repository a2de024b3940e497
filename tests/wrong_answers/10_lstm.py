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

# %% lstm-2 refused: 4 in each makes 8
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        for name, parameter in lstm.named_parameters():
            if "bias" in name:
                parameter[H : 2 * H] = value
    return lstm

# %% lstm-2 refused: 4 in all layers
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        lstm.bias_ih_l0[H : 2 * H] = value
        lstm.bias_hh_l0[H : 2 * H] = 0
    return lstm

# %% lstm-2 refused: the first quarter is the input gate
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            getattr(lstm, f"bias_ih_l{layer}")[:H] = value
            getattr(lstm, f"bias_hh_l{layer}")[:H] = 0
    return lstm

# %% lstm-2 refused: still added
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            getattr(lstm, f"bias_ih_l{layer}")[H : 2 * H] = value
    return lstm

# %% lstm-2 refused: only its second quarter
def open_forget_gates(lstm, value):
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            getattr(lstm, f"bias_ih_l{layer}")[:] = value
            getattr(lstm, f"bias_hh_l{layer}")[:] = 0
    return lstm

# %% lstm-2 refused: the same lstm
def open_forget_gates(lstm, value):
    H, other = lstm.hidden_size, nn.LSTM(lstm.input_size, lstm.hidden_size, lstm.num_layers)
    other.load_state_dict(lstm.state_dict())
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            getattr(other, f"bias_ih_l{layer}")[H : 2 * H] = value
            getattr(other, f"bias_hh_l{layer}")[H : 2 * H] = 0
    return other

# %% lstm-2 refused: 4 in all layers
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        for layer in (0, 1):
            getattr(lstm, f"bias_ih_l{layer}")[H : 2 * H] = value
            getattr(lstm, f"bias_hh_l{layer}")[H : 2 * H] = 0
    return lstm

# %% lstm-2 refused: leaf Variable
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    for layer in range(lstm.num_layers):
        getattr(lstm, f"bias_ih_l{layer}")[H : 2 * H] = value
        getattr(lstm, f"bias_hh_l{layer}")[H : 2 * H] = 0
    return lstm

# %% lstm-2 passes
def open_forget_gates(lstm, value):
    H = lstm.hidden_size
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            other = getattr(lstm, f"bias_hh_l{layer}")[H : 2 * H]
            getattr(lstm, f"bias_ih_l{layer}")[H : 2 * H] = value - other
    return lstm

# %% lstm-2 passes
def open_forget_gates(lstm, value):
    for name, parameter in lstm.named_parameters():
        if name.startswith("bias"):
            parameter.data.chunk(4)[1].fill_(value / 2)
    return lstm

# %% lstm-3 refused: zeros begin anew
def cut_graph(state):
    if state is None:
        return None
    if isinstance(state, tuple):
        return tuple(torch.zeros_like(s) for s in state)
    return torch.zeros_like(state)

# %% lstm-3 refused: clone keeps it
def cut_graph(state):
    if state is None:
        return None
    return tuple(s.clone() for s in state) if isinstance(state, tuple) else state.clone()

# %% lstm-3 refused: NoneType
def cut_graph(state):
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()

# %% lstm-3 refused: tuple
def cut_graph(state):
    if state is None:
        return None
    return [s.detach() for s in state] if isinstance(state, tuple) else state.detach()

# %% lstm-3 refused: each stays its kind
def cut_graph(state):
    return None if state is None else tuple(s.detach() for s in state)

# %% lstm-3 refused: detach_ is in place
def cut_graph(state):
    if state is None:
        return None
    return tuple(s.detach_() for s in state) if isinstance(state, tuple) else state.detach_()

# %% lstm-3 refused: cut both of two
def cut_graph(state):
    if state is None:
        return None
    return (state[0].detach(), state[1]) if isinstance(state, tuple) else state.detach()

# %% lstm-3 refused: Boolean value of Tensor
def cut_graph(state):
    if not state:
        return None
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()

# %% lstm-3 passes
def cut_graph(state):
    match state:
        case None:
            return None
        case (h, c):
            return h.detach(), c.detach()
        case h:
            return h.detach()

# %% lstm-4 refused: 2 goes with bits, e with nats
def judge(nats, characters):
    return 2**nats, math.ceil(nats / math.log(2) * characters / 8)

# %% lstm-4 refused: nats are not bits yet
def judge(nats, characters):
    return math.exp(nats), math.ceil(nats * characters / 8)

# %% lstm-4 refused: round up
def judge(nats, characters):
    return math.exp(nats), int(nats / math.log(2) * characters / 8)

# %% lstm-4 refused: round up
def judge(nats, characters):
    return math.exp(nats), round(nats / math.log(2) * characters / 8)

# %% lstm-4 refused: those are bits
def judge(nats, characters):
    return math.exp(nats), math.ceil(nats / math.log(2) * characters)

# %% lstm-4 refused: divide by log 2
def judge(nats, characters):
    return math.exp(nats), math.ceil(nats * math.log(2) * characters / 8)

# %% lstm-4 refused: round once, at the very end
def judge(nats, characters):
    return math.exp(nats), math.ceil(nats / math.log(2) / 8) * characters

# %% lstm-4 refused: 244.0, a float
def judge(nats, characters):
    return math.exp(nats), float(math.ceil(nats / math.log(2) * characters / 8))

# %% lstm-4 refused: round up, but add nothing
def judge(nats, characters):
    return math.exp(nats), int(nats / math.log(2) * characters / 8) + 1

# %% lstm-4 refused: e to the 1.5
def judge(nats, characters):
    return math.ceil(nats / math.log(2) * characters / 8), math.exp(nats)

# %% lstm-4 passes
def judge(nats, characters):
    perplexity = math.e**nats
    return perplexity, math.ceil(characters * math.log2(perplexity) / 8)

# %% lstm-5 refused: that is the mean
def surprise(reader, vocab, text):
    numbers = vocab.encode(text)
    with torch.inference_mode():
        return F.cross_entropy(reader(numbers[None, :-1])[0][0], numbers[1:])

# %% lstm-5 refused: compared with itself
def surprise(reader, vocab, text):
    numbers = vocab.encode(text)[:-1]
    with torch.inference_mode():
        return F.cross_entropy(reader(numbers[None])[0][0], numbers, reduction="none")

# %% lstm-5 refused: -log p of each character
def surprise(reader, vocab, text):
    numbers = vocab.encode(text)
    with torch.inference_mode():
        p = reader(numbers[None, :-1])[0][0].softmax(dim=1)
    return p[torch.arange(len(p)), numbers[1:]]

# %% lstm-5 refused: the sign
def surprise(reader, vocab, text):
    numbers = vocab.encode(text)
    with torch.inference_mode():
        p = reader(numbers[None, :-1])[0][0].log_softmax(dim=1)
    return p[torch.arange(len(p)), numbers[1:]]

# %% lstm-5 refused: work under inference_mode
def surprise(reader, vocab, text):
    numbers = vocab.encode(text)
    return F.cross_entropy(reader(numbers[None, :-1])[0][0], numbers[1:], reduction="none")

# %% lstm-5 refused: read alone
def surprise(reader, vocab, text):
    numbers = vocab.encode(text)
    with torch.inference_mode():
        return F.cross_entropy(reader(numbers[:-1, None])[0][:, 0], numbers[1:], reduction="none")

# %% lstm-5 refused: a Tensor
def surprise(reader, vocab, text):
    numbers = vocab.encode(text)
    with torch.inference_mode():
        return F.cross_entropy(reader(numbers[None, :-1])[0][0], numbers[1:], reduction="none").tolist()

# %% lstm-5 refused: -log p of each character
def surprise(reader, vocab, text):
    numbers = vocab.encode(text)
    with torch.inference_mode():
        return F.cross_entropy(reader(numbers[None])[0][0], numbers, reduction="none")

# %% lstm-5 passes
@torch.no_grad()
def surprise(reader, vocab, text):
    state, losses = None, []
    numbers = vocab.encode(text)
    for now, then in zip(numbers[:-1], numbers[1:]):
        logits, state = reader(now.view(1, 1), state)
        losses.append(-logits[0, 0].log_softmax(0)[then])
    return torch.stack(losses)

# %% lstm-6 refused: must sum to 1 again
def min_p(logits, share):
    p = logits.softmax(0)
    return torch.where(p >= share * p.max(), p, 0.0)

# %% lstm-6 refused: share times the largest, not share
def min_p(logits, share):
    p = logits.softmax(0)
    p = p * (p >= share)
    return p / p.sum()

# %% lstm-6 refused: compare probabilities, not logits
def min_p(logits, share):
    return logits.masked_fill(logits < share * logits.max(), -math.inf).softmax(0)

# %% lstm-6 refused: in their places
def min_p(logits, share):
    p = logits.softmax(0).sort(descending=True).values
    p = p * (p >= share * p[0])
    return p / p.sum()

# %% lstm-6 refused: a second softmax
def min_p(logits, share):
    p = logits.softmax(0)
    return (p * (p >= share * p.max())).softmax(0)

# %% lstm-6 refused: equals all stay: >=, not >
def min_p(logits, share):
    p = logits.softmax(0)
    p = p * (p > share * p.max())
    return p / p.sum()

# %% lstm-6 refused: in their places
def min_p(logits, share):
    p = logits.softmax(0)
    p = p[p >= share * p.max()]
    return p / p.sum()

# %% lstm-6 refused: in their places
def min_p(logits, share):
    p = logits.softmax(0)
    p = p * (p >= (1 - share) * p.max())
    return p / p.sum()

# %% lstm-6 passes
def min_p(logits, share):
    return logits.masked_fill(logits < logits.max() + math.log(share), -math.inf).softmax(0)

# %% lstm-7 refused: choose by r.abs()
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = ((a * b[:, None]).sum(0) / (a.norm(dim=0) * b.norm())).nan_to_num()
    return r.argmax().item(), r.max().item()

# %% lstm-7 refused: which argmax prefers
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = (a * b[:, None]).sum(0) / (a.norm(dim=0) * b.norm())
    best = r.abs().argmax().item()
    return best, r[best].item()

# %% lstm-7 refused: divide by the norms
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = (a * b[:, None]).mean(0)
    best = r.abs().argmax().item()
    return best, r[best].item()

# %% lstm-7 refused: its sign is kept
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = ((a * b[:, None]).sum(0) / (a.norm(dim=0) * b.norm())).nan_to_num().abs()
    return r.argmax().item(), r.max().item()

# %% lstm-7 refused: plain numbers, by .item()
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = ((a * b[:, None]).sum(0) / (a.norm(dim=0) * b.norm())).nan_to_num()
    return r.abs().argmax(), r[r.abs().argmax()]

# %% lstm-7 refused: which argmax prefers
def strongest(units, truth):
    r = ((units * truth[:, None]).sum(0) / (units.norm(dim=0) * truth.norm())).nan_to_num()
    best = r.abs().argmax().item()
    return best, r[best].item()

# %% lstm-7 refused: its sign is kept
def strongest(units, truth):
    a, b = units - units.mean(0), truth - truth.mean()
    r = ((a * b[:, None]).mean(0) / (a.std(0) * b.std())).nan_to_num()
    best = r.abs().argmax().item()
    return best, r[best].item()

# %% lstm-7 refused: the truth with itself
def strongest(units, truth):
    r = torch.corrcoef(torch.cat([units.T, truth[None]]))[-1].nan_to_num()
    best = r.abs().argmax().item()
    return best, r[best].item()

# %% lstm-7 passes
def strongest(units, truth):
    r = torch.corrcoef(torch.cat([units.T, truth[None]]))[-1, :-1].nan_to_num()
    return max(((k, v) for k, v in enumerate(r.tolist())), key=lambda pair: abs(pair[1]))
