# %% gpt-1 refused: not divided by √d
def look_back(Q, K, V):
    weights = (Q @ K.mT).softmax(dim=-1)
    return weights @ V, weights

# %% gpt-1 refused: by the root of d
def look_back(Q, K, V):
    weights = (Q @ K.mT / Q.shape[-1]).softmax(dim=-1)
    return weights @ V, weights

# %% gpt-1 refused: not the number of keys
def look_back(Q, K, V):
    weights = (Q @ K.mT / K.shape[-2] ** 0.5).softmax(dim=-1)
    return weights @ V, weights

# %% gpt-1 refused: not of a value
def look_back(Q, K, V):
    weights = (Q @ K.mT / V.shape[-1] ** 0.5).softmax(dim=-1)
    return weights @ V, weights

# %% gpt-1 refused: softmax over the keys
def look_back(Q, K, V):
    weights = (Q @ K.mT / Q.shape[-1] ** 0.5).softmax(dim=-2)
    return weights @ V, weights

# %% gpt-1 refused: an error on the way
def look_back(Q, K, V):
    weights = (Q @ K.transpose(0, 1) / Q.shape[-1] ** 0.5).softmax(dim=1)
    return weights @ V, weights

# %% gpt-1 refused: a tuple of
def look_back(Q, K, V):
    weights = (Q @ K.mT / Q.shape[-1] ** 0.5).softmax(dim=-1)
    return [weights @ V, weights]

# %% gpt-1 passes
def look_back(Q, K, V):
    scores = torch.einsum("...td,...sd->...ts", Q, K) / math.sqrt(K.shape[-1])
    weights = scores.exp() / scores.exp().sum(dim=-1, keepdim=True)
    return torch.einsum("...ts,...se->...te", weights, V), weights

# %% gpt-2 refused: True means: may look
def two_masks(T, reach):
    back = torch.arange(T)[:, None] - torch.arange(T)
    must_not = (back < 0) | (back > reach)
    return must_not, ~must_not

# %% gpt-2 refused: this one looks ahead
def two_masks(T, reach):
    ahead = torch.arange(T) - torch.arange(T)[:, None]
    may = (ahead >= 0) & (ahead <= reach)
    return may, ~may

# %% gpt-2 refused: only so far back
def two_masks(T, reach):
    may = torch.ones(T, T, dtype=torch.bool).tril()
    return may, ~may

# %% gpt-2 refused: itself AND so many
def two_masks(T, reach):
    back = torch.arange(T)[:, None] - torch.arange(T)
    may = (back >= 0) & (back < reach)
    return may, ~may

# %% gpt-2 refused: looks ahead, too
def two_masks(T, reach):
    back = torch.arange(T)[:, None] - torch.arange(T)
    may = back.abs() <= reach
    return may, ~may

# %% gpt-2 refused: each position sees itself, too
def two_masks(T, reach):
    back = torch.arange(T)[:, None] - torch.arange(T)
    may = (back > 0) & (back <= reach)
    return may, ~may

# %% gpt-2 refused: wants True where it must NOT look
def two_masks(T, reach):
    back = torch.arange(T)[:, None] - torch.arange(T)
    may = (back >= 0) & (back <= reach)
    return may, may

# %% gpt-2 refused: numbers would be added
def two_masks(T, reach):
    may = torch.ones(T, T).tril().triu(-reach)
    return may, 1 - may

# %% gpt-2 passes
def two_masks(T, reach):
    may = torch.ones(T, T, dtype=torch.bool).tril().triu(-reach)
    return may, may.logical_not()

# %% gpt-3 refused: view alone mixes positions
def split_heads(x, heads):
    B, T, width = x.shape
    return x.view(B, heads, T, width // heads)


def merge_heads(x):
    B, heads, T, d = x.shape
    return x.reshape(B, T, heads * d)

# %% gpt-3 refused: behind the positions
def split_heads(x, heads):
    B, T, width = x.shape
    return x.view(B, T, heads, width // heads)


def merge_heads(x):
    return x.flatten(2)

# %% gpt-3 refused: a head is neighbors
def split_heads(x, heads):
    B, T, width = x.shape
    return x.view(B, T, width // heads, heads).permute(0, 3, 1, 2)


def merge_heads(x):
    return x.permute(0, 2, 3, 1).flatten(2)

# %% gpt-3 refused: bring the positions back
def split_heads(x, heads):
    B, T, width = x.shape
    return x.view(B, T, heads, width // heads).transpose(1, 2)


def merge_heads(x):
    B, heads, T, d = x.shape
    return x.reshape(B, T, heads * d)

# %% gpt-3 passes
def split_heads(x, heads):
    return torch.stack(x.chunk(heads, dim=2), dim=1)


def merge_heads(x):
    return torch.cat(list(x.unbind(1)), dim=2)
