# %% rnn-1 refused: batch second in h_n
def rnn_shapes(N, T, H, layers, both_ways):
    ways = 1 + both_ways
    return (N, T, ways * H), (N, ways * layers, H)

# %% rnn-1 refused: out: batch first
def rnn_shapes(N, T, H, layers, both_ways):
    ways = 1 + both_ways
    return (T, N, ways * H), (ways * layers, N, H)

# %% rnn-1 refused: h_n: a row a direction
def rnn_shapes(N, T, H, layers, both_ways):
    ways = 1 + both_ways
    return (N, T, ways * H), (layers, N, ways * H)

# %% rnn-1 refused: two directions widen out
def rnn_shapes(N, T, H, layers, both_ways):
    return (N, T, H), (layers, N, H)

# %% rnn-1 refused: out: top layer only
def rnn_shapes(N, T, H, layers, both_ways):
    ways = 1 + both_ways
    return (N, T, layers * ways * H), (ways * layers, N, H)

# %% rnn-1 refused: h_n has layers first
def rnn_shapes(N, T, H, layers, both_ways):
    return (N, T, H * (1 + both_ways)), (N, H)

# %% rnn-1 passes
def rnn_shapes(N, T, H, layers, both_ways):
    out, h_n = nn.RNN(1, H, layers, batch_first=True, bidirectional=both_ways)(torch.zeros(N, T, 1))
    return out.shape, h_n.shape

# %% rnn-2 refused: fold both sides
def leaked(train, valid):
    return sum(name in set(train) for name in valid) / len(valid)

# %% rnn-2 refused: fold both sides
def leaked(train, valid):
    seen = {fold(name) for name in train}
    return sum(name in seen for name in valid) / len(valid)

# %% rnn-2 refused: stands twice counts twice
def leaked(train, valid):
    seen, asked = {fold(name) for name in train}, {fold(name) for name in valid}
    return len(seen & asked) / len(asked)

# %% rnn-2 refused: stands twice counts twice
def leaked(train, valid):
    return len({fold(name) for name in train} & {fold(name) for name in valid}) / len(valid)

# %% rnn-2 refused: lower case is not enough
def leaked(train, valid):
    seen = {name.lower().strip() for name in train}
    return sum(name.lower().strip() in seen for name in valid) / len(valid)

# %% rnn-2 refused: the share of valid, not of train
def leaked(train, valid):
    seen = {fold(name) for name in valid}
    return sum(fold(name) in seen for name in train) / len(train)

# %% rnn-2 refused: divide by the number of texts in valid
def leaked(train, valid):
    seen = {fold(name) for name in train}
    return sum(fold(name) in seen for name in valid)

# %% rnn-2 passes
def leaked(train, valid):
    return float(np.isin([fold(name) for name in valid], [fold(name) for name in train]).mean())

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

# %% rnn-4 refused: that is the accuracy
def balanced_accuracy(matrix):
    return (matrix.trace() / matrix.sum()).item()

# %% rnn-4 refused: 0 / 0: leave the empty row out
def balanced_accuracy(matrix):
    return (matrix.diagonal() / matrix.sum(dim=1)).mean().item()

# %% rnn-4 refused: leave the empty row out
def balanced_accuracy(matrix):
    return (matrix.diagonal() / matrix.sum(dim=1).clamp(min=1)).mean().item()

# %% rnn-4 refused: divide by the sum of each row
def balanced_accuracy(matrix):
    total = matrix.sum(dim=0)
    return (matrix.diagonal()[total > 0] / total[total > 0]).mean().item()

# %% rnn-4 refused: never recognized is 0, and counts
def balanced_accuracy(matrix):
    hits, total = matrix.diagonal(), matrix.sum(dim=1)
    return (hits[hits > 0] / total[hits > 0]).mean().item()

# %% rnn-4 refused: a float
def balanced_accuracy(matrix):
    total = matrix.sum(dim=1)
    return (matrix.diagonal()[total > 0] / total[total > 0]).mean()

# %% rnn-4 refused: keep its column
def balanced_accuracy(matrix):
    kept = matrix.sum(dim=1) > 0
    small = matrix[kept][:, kept]
    return (small.diagonal() / small.sum(dim=1)).mean().item()

# %% rnn-4 passes
def balanced_accuracy(matrix):
    found = [counts[at] / sum(counts) for at, counts in enumerate(matrix.tolist()) if sum(counts)]
    return sum(found) / len(found)

# %% rnn-5 refused: that is nats
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    mask = torch.arange(targets.shape[1]) < lengths.unsqueeze(1)
    return (surprise * mask).sum(1) / lengths

# %% rnn-5 refused: padding was counted
def bits_per_letter(logits, targets, lengths):
    return F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").mean(1) / np.log(2)

# %% rnn-5 refused: divide by own length
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    mask = torch.arange(targets.shape[1]) < lengths.unsqueeze(1)
    return (surprise * mask).mean(1) / np.log(2)

# %% rnn-5 refused: a minus
def bits_per_letter(logits, targets, lengths):
    logs = logits.log_softmax(2).gather(2, targets.unsqueeze(2)).squeeze(2)
    mask = torch.arange(targets.shape[1]) < lengths.unsqueeze(1)
    return (logs * mask).sum(1) / lengths / np.log(2)

# %% rnn-5 refused: no sum
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    mask = torch.arange(targets.shape[1]) < lengths.unsqueeze(1)
    return (surprise * mask).sum(1) / np.log(2)

# %% rnn-5 refused: The size of tensor
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none") / np.log(2)
    mask = torch.arange(targets.shape[1]).unsqueeze(1) < lengths
    return (surprise * mask).sum(1) / lengths

# %% rnn-5 refused: padding was counted
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none") / np.log(2)
    mask = targets != 0
    return (surprise * mask).sum(1) / mask.sum(1)

# %% rnn-5 refused: it need not be 0
def bits_per_letter(logits, targets, lengths):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none") / np.log(2)
    return (surprise * (targets != 0)).sum(1) / lengths

# %% rnn-5 passes
def bits_per_letter(logits, targets, lengths):
    found = []
    for one, aim, size in zip(logits, targets, lengths):
        found.append(-torch.log2(one.softmax(1)[range(int(size)), aim[:size]]).mean())
    return torch.stack(found)

# %% rnn-6 refused: each was clipped alone
def clipped(grads, max_norm):
    return [g * min(1.0, max_norm / g.norm().item()) for g in grads]

# %% rnn-6 refused: each was clipped alone
def clipped(grads, max_norm):
    return [g.clamp(-max_norm, max_norm) for g in grads]

# %% rnn-6 refused: only shrink
def clipped(grads, max_norm):
    norm = sum((g**2).sum() for g in grads).sqrt()
    return [g * (max_norm / norm) for g in grads]

# %% rnn-6 refused: changed in place
def clipped(grads, max_norm):
    norm = sum((g**2).sum() for g in grads).sqrt()
    return [g.mul_(max_norm / norm) if norm > max_norm else g for g in grads]

# %% rnn-6 refused: the root is missing
def clipped(grads, max_norm):
    norm = sum((g**2).sum() for g in grads)
    return [g * (max_norm / norm) if norm > max_norm else g for g in grads]

# %% rnn-6 refused: not a sum of norms
def clipped(grads, max_norm):
    norm = sum(g.norm() for g in grads)
    return [g * (max_norm / norm) if norm > max_norm else g for g in grads]

# %% rnn-6 refused: where is max_norm
def clipped(grads, max_norm):
    norm = sum((g**2).sum() for g in grads).sqrt()
    return [g / norm if norm > max_norm else g for g in grads]

# %% rnn-6 refused: not of the largest tensor
def clipped(grads, max_norm):
    norm = max(g.norm() for g in grads)
    return [g * (max_norm / norm) if norm > max_norm else g for g in grads]

# %% rnn-6 refused: every tensor keeps its shape
def clipped(grads, max_norm):
    every = torch.cat([g.flatten() for g in grads])
    return [every * min(1.0, max_norm / every.norm().item())]

# %% rnn-6 passes
def clipped(grads, max_norm):
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in grads]))
    return [g * torch.clamp(max_norm / norm, max=1.0) for g in grads]

# %% rnn-7 refused: b must be below 0
def latch():
    return 10.0, 5.0, 0.0

# %% rnn-7 refused: it forgets
def latch():
    return 10.0, 0.9, -0.5

# %% rnn-7 refused: a 1 must beat off
def latch():
    return 5.0, 5.0, -2.0

# %% rnn-7 refused: b must be below 0
def latch():
    return 10.0, 5.0, 2.0

# %% rnn-7 refused: it forgets
def latch():
    return 10.0, 0.0, -5.0

# %% rnn-7 passes
def latch():
    return 4.0, 2.0, -0.2
