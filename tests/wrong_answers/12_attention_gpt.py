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

# %% gpt-1 refused: no error on the way
def look_back(Q, K, V):
    weights = (Q @ K.transpose(0, 1) / Q.shape[-1] ** 0.5).softmax(dim=1)
    return weights @ V, weights

# %% gpt-1 refused: a list of
def look_back(Q, K, V):
    weights = (Q @ K.mT / Q.shape[-1] ** 0.5).softmax(dim=-1)
    return [weights @ V, weights]

# %% gpt-1 refused: keys are dim=-1
def look_back(Q, K, V):
    weights = (Q @ K.mT / Q.shape[-1] ** 0.5).softmax(dim=1)
    return weights @ V, weights

# %% gpt-1 refused: divided after the softmax
def look_back(Q, K, V):
    weights = (Q @ K.mT).softmax(dim=-1) / Q.shape[-1] ** 0.5
    return weights @ V, weights

# %% gpt-1 passes
def look_back(Q, K, V):
    scores = torch.einsum("...td,...sd->...ts", Q, K) / math.sqrt(K.shape[-1])
    weights = scores.exp() / scores.exp().sum(dim=-1, keepdim=True)
    return torch.einsum("...ts,...sv->...tv", weights, V), weights

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

# %% gpt-2 refused: too far back, either
def two_masks(T, reach):
    may = torch.ones(T, T, dtype=torch.bool).tril().triu(-reach)
    return may, torch.ones(T, T, dtype=torch.bool).triu(1)

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

# %% gpt-4 refused: no better than guessing
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    return [0.0]

# %% gpt-4 refused: looks ahead
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: looks ahead
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(~future, -1e9).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: a list of Tensor
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses

# %% gpt-4 refused: None
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

# %% gpt-4 refused: the same logits
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, 2, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: Or heads cut or merged without the transpose
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.reshape(B, self.heads, T, -1) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: the same logits
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(x).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = self.norm1(x + self.proj(seen.transpose(1, 2).reshape(B, T, width)))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: the same names and shapes
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(102, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: the same names and shapes
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: all your own
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return GPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: Not only the last position?
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, 0], symbols.flip(0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: a small start
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: softmax before cross_entropy?
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1].softmax(dim=1), symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: no more buffers
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.register_buffer("mask", torch.ones(102, 102, dtype=torch.bool).triu(1))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        seen = scores.masked_fill(self.mask[:T, :T], -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: GELU
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.relu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: Or heads cut or merged without the transpose
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 refused: all your own, new names
class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=3) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class GPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return GPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.AdamW(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(32), asked.split(32), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-4 passes
class OwnBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        B, T, width = x.shape
        parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(seen.transpose(1, 2).reshape(B, T, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class OwnGPT(nn.Module):
    def __init__(self, symbols, width, heads, blocks, window):
        super().__init__()
        self.token, self.place = nn.Embedding(symbols, width), nn.Embedding(window, width)
        self.blocks = nn.ModuleList([OwnBlock(width, heads) for _ in range(blocks)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, numbers):
        x = self.token(numbers) + self.place(torch.arange(numbers.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def own_gpt(symbols: int, width: int, heads: int, blocks: int, window: int) -> nn.Module:
    """A GPT of your own: numbers (B, T) → logits (B, T, symbols); named as the lesson's."""
    return OwnGPT(symbols, width, heads, blocks, window)


def teach(gpt: nn.Module, tokens: torch.Tensor, asked: torch.Tensor) -> list[float]:
    """Train on tokens (N, T) and the symbols (N,), asked at the last position; the losses."""
    optimizer, losses = torch.optim.Adam(gpt.parameters(), lr=0.01), []
    for rows, symbols in zip(tokens.split(64), asked.split(64), strict=True):
        loss = F.cross_entropy(gpt(rows)[:, -1], symbols)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %% gpt-5 refused: keys AND values
def cache_bytes(blocks, width, length, rows, dtype):
    return blocks * width * length * rows * dtype.itemsize

# %% gpt-5 refused: each row has a cache
def cache_bytes(blocks, width, length, rows, dtype):
    return 2 * blocks * width * length * dtype.itemsize

# %% gpt-5 refused: each block has a cache
def cache_bytes(blocks, width, length, rows, dtype):
    return 2 * rows * width * length * dtype.itemsize

# %% gpt-5 refused: numbers, not bytes
def cache_bytes(blocks, width, length, rows, dtype):
    return 2 * rows * blocks * width * length

# %% gpt-5 refused: not every number takes four bytes
def cache_bytes(blocks, width, length, rows, dtype):
    return 2 * rows * blocks * width * length * 4

# %% gpt-5 refused: an int
def cache_bytes(blocks, width, length, rows, dtype):
    return 2.0 * rows * blocks * width * length * dtype.itemsize

# %% gpt-5 refused: letters by letters
def cache_bytes(blocks, width, length, rows, dtype):
    return 2 * blocks * width * length**2 * rows * dtype.itemsize

# %% gpt-5 passes
def cache_bytes(blocks, width, length, rows, dtype):
    one = torch.zeros(rows, length, width, dtype=dtype)
    return blocks * 2 * one.nbytes

# %% gpt-6 refused: cuts pieces of rows
def to_patches(X, size):
    B, C, H, W = X.shape
    return X.reshape(B, (H // size) * (W // size), C * size * size)

# %% gpt-6 refused: the patch row comes first
def to_patches(X, size):
    B, C, H, W = X.shape
    six = X.view(B, C, H // size, size, W // size, size).permute(0, 4, 2, 1, 3, 5)
    return six.reshape(B, -1, C * size * size)

# %% gpt-6 refused: the channels come first
def to_patches(X, size):
    B, C, H, W = X.shape
    six = X.view(B, C, H // size, size, W // size, size).permute(0, 2, 4, 3, 5, 1)
    return six.reshape(B, -1, C * size * size)

# %% gpt-6 refused: a patch is a row
def to_patches(X, size):
    return F.unfold(X, size, stride=size)

# %% gpt-6 refused: no error on the way
def to_patches(X, size):
    return X.view(2, 3, 2, 4, 3, 4).permute(0, 2, 4, 1, 3, 5).reshape(2, 6, 48)

# %% gpt-6 passes
def to_patches(X, size):
    rows = [cut.split(size, dim=3) for cut in X.split(size, dim=2)]
    return torch.stack([patch.flatten(1) for row in rows for patch in row], dim=1)
