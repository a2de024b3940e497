# %% tensors-1 refused: a slice keeps its direction
shape_a, shape_b, shape_c, shape_d = (7, 24), (3,), (3, 24), (3, 7, 1)

# %% tensors-1 refused: the integer 12 removes its direction
shape_a, shape_b, shape_c, shape_d = (7, 24), (3, 1, 1), (3, 24), (3, 7, 1)

# %% tensors-1 refused: keepdim=True keeps the direction
shape_a, shape_b, shape_c, shape_d = (7, 24), (3, 1), (3, 24), (3, 7)

# %% tensors-1 refused: dim=1 is the direction that goes away
shape_a, shape_b, shape_c, shape_d = (7, 24), (3, 1), (7, 24), (3, 7, 1)

# %% tensors-1 refused: a: the 0 removes the first direction
shape_a, shape_b, shape_c, shape_d = (3, 7), (3, 1), (3, 24), (3, 7, 1)

# %% tensors-1 refused: the 12 removes the hours
shape_a, shape_b, shape_c, shape_d = (7, 24), (3, 1, 24), (3, 24), (3, 7, 1)

# %% tensors-1 refused: one day is left
shape_a, shape_b, shape_c, shape_d = (7, 24), (3, 6), (3, 24), (3, 7, 1)

# %% tensors-1 refused: 12 is one hour, not twelve
shape_a, shape_b, shape_c, shape_d = (7, 24), (3, 1, 12), (3, 24), (3, 7, 1)

# %% tensors-1 refused: dim=1 stands for the days
shape_a, shape_b, shape_c, shape_d = (7, 24), (3, 1), (3, 7), (3, 7, 1)

# %% tensors-1 refused: dim=2 stands for the hours
shape_a, shape_b, shape_c, shape_d = (7, 24), (3, 1), (3, 24), (3, 1, 24)

# %% tensors-1 passes
shape_a, shape_b, shape_c, shape_d = [7, 24], torch.Size([3, 1]), (3, 24), [3, 7, 1]

# %% tensors-2 refused: the mean still counts the −999s
def patch_gaps(readings):
    return torch.where(readings == -999, readings.mean(), readings)

# %% tensors-2 refused: 0 °C is a temperature too
def patch_gaps(readings):
    return torch.where(readings == -999, 0.0, readings)

# %% tensors-2 refused: writes into the caller's slots
def patch_gaps(readings):
    gaps = readings == -999
    readings[gaps] = readings[~gaps].mean()
    return readings

# %% tensors-2 refused: only −999 is a gap
def patch_gaps(readings):
    gaps = readings < 0
    return torch.where(gaps, readings[~gaps].mean(), readings)

# %% tensors-2 refused: the good readings stay
def patch_gaps(readings):
    return torch.full_like(readings, readings[readings != -999].mean())

# %% tensors-2 refused: is the return missing
def patch_gaps(readings):
    out = readings.clone()
    out[out == -999] = out[out != -999].mean()

# %% tensors-2 refused: keep the decimals
def patch_gaps(readings):
    gaps = readings == -999
    return torch.where(gaps, readings[~gaps].mean().round(), readings)

# %% tensors-2 refused: the gaps still count, as zeros
def patch_gaps(readings):
    gaps = readings == -999
    return torch.where(gaps, torch.where(gaps, 0.0, readings).mean(), readings)

# %% tensors-2 passes
def patch_gaps(readings):
    out = readings.clone()
    out[out == -999] = out[out != -999].mean()
    return out

# %% tensors-2 passes
def patch_gaps(readings):
    gaps = readings == -999
    return readings.masked_fill(gaps, readings.masked_fill(gaps, float("nan")).nanmean().item())

# %% tensors-3 refused: use classes, not the largest label
def one_hot(labels, classes):
    return torch.nn.functional.one_hot(labels).float()

# %% tensors-3 refused: yours is turned
def one_hot(labels, classes):
    return torch.zeros(classes, len(labels)).scatter_(0, labels[None], 1.0)

# %% tensors-3 refused: whole numbers
def one_hot(labels, classes):
    return torch.nn.functional.one_hot(labels, classes)

# %% tensors-3 refused: use dim 1
def one_hot(labels, classes):
    return torch.zeros(len(labels), classes).scatter_(0, labels[:, None], 1.0)

# %% tensors-3 refused: same number of dimensions
def one_hot(labels, classes):
    return torch.zeros(len(labels), classes).scatter_(1, labels, 1.0)

# %% tensors-3 refused: every row got the ones of all labels
def one_hot(labels, classes):
    out = torch.zeros(len(labels), classes)
    out[:, labels] = 1.0
    return out

# %% tensors-3 refused: twice the width
def one_hot(labels, classes):
    return torch.zeros(len(labels), classes, dtype=torch.float64).scatter_(1, labels[:, None], 1.0)

# %% tensors-3 passes
def one_hot(labels, classes):
    return torch.eye(classes)[labels]

# %% tensors-3 passes
def one_hot(labels, classes):
    return (labels[:, None] == torch.arange(classes)).float()

# %% tensors-4 refused: reshape does not swap axes
def to_batch(pictures):
    x = torch.stack(pictures)
    n, h, w, ch = x.shape
    return x.reshape(n, ch, h, w) / 255

# %% tensors-4 refused: not rescaled
def to_batch(pictures):
    return torch.stack(pictures).permute(0, 3, 1, 2).float()

# %% tensors-4 refused: height and width have changed places
def to_batch(pictures):
    return torch.stack(pictures).transpose(1, 3) / 255

# %% tensors-4 refused: the channels are still last
def to_batch(pictures):
    return torch.stack(pictures) / 255

# %% tensors-4 refused: still whole numbers
def to_batch(pictures):
    return torch.stack(pictures).permute(0, 3, 1, 2) // 255

# %% tensors-4 refused: not by the brightest pixel
def to_batch(pictures):
    x = torch.stack(pictures).permute(0, 3, 1, 2)
    return x / x.max()

# %% tensors-4 refused: not by the brightest pixel
def to_batch(pictures):
    return torch.stack([p.permute(2, 0, 1) / p.max() for p in pictures])

# %% tensors-4 refused: white is 255, and must become 1
def to_batch(pictures):
    return torch.stack(pictures).permute(0, 3, 1, 2) / 256

# %% tensors-4 refused: twice the width
def to_batch(pictures):
    return torch.stack(pictures).permute(0, 3, 1, 2).double() / 255

# %% tensors-4 passes
def to_batch(pictures):
    return torch.stack([p.movedim(-1, 0).float().div(255) for p in pictures])

# %% tensors-5 refused: step 1 walks through memory
def windows(x, width):
    return x.as_strided((len(x) - width + 1, width), (1, 1))

# %% tensors-5 refused: one window is missing
def windows(x, width):
    return x.as_strided((len(x) - width, width), (x.stride(0), x.stride(0)))

# %% tensors-5 refused: as_strided does not
def windows(x, width):
    return torch.stack([x[i : i + width] for i in range(len(x) - width + 1)])

# %% tensors-5 refused: right for [::2] only
def windows(x, width):
    return torch.as_strided(x, (len(x) - width + 1, width), (2, 2))

# %% tensors-5 refused: leave the storage_offset out
def windows(x, width):
    step = x.stride(0)
    return x.as_strided((len(x) - width + 1, width), (step, step), storage_offset=0)

# %% tensors-5 refused: are both one step in x
def windows(x, width):
    return x.as_strided((len(x) - width + 1, width), (1, x.stride(0)))

# %% tensors-5 refused: are both one step in x
def windows(x, width):
    return x.as_strided((len(x) - width + 1, width), (x.stride(0), 1))

# %% tensors-5 passes
def windows(x, width):
    return x.unfold(0, width, 1)

# %% tensors-6 refused: broadcast along the wrong direction
def standardize(X, dim):
    return (X - X.mean(dim)) / X.std(dim)

# %% tensors-6 refused: pass dim on
def standardize(X, dim):
    return (X - X.mean()) / X.std()

# %% tensors-6 refused: not divided by the spread
def standardize(X, dim):
    return X - X.mean(dim, keepdim=True)

# %% tensors-6 refused: keepdim in the mean only
def standardize(X, dim):
    return (X - X.mean(dim, keepdim=True)) / X.std(dim)

# %% tensors-6 refused: the statistics of the other dim
def standardize(X, dim):
    return (X - X.mean(0)) / X.std(0)

# %% tensors-6 refused: keepdim=True keeps the right one, for every dim
def standardize(X, dim):
    return (X - X.mean(dim)[:, None]) / X.std(dim)[:, None]

# %% tensors-6 refused: not divided by the spread
def standardize(X, dim):
    if dim == 0:
        return X - X.mean(0)
    return (X - X.mean(dim, keepdim=True)) / X.std(dim, keepdim=True)

# %% tensors-6 refused: makes a new tensor
def standardize(X, dim):
    X -= X.mean(dim, keepdim=True)
    X /= X.std(dim, keepdim=True)
    return X

# %% tensors-6 refused: without correction=0
def standardize(X, dim):
    return (X - X.mean(dim, keepdim=True)) / X.std(dim, keepdim=True, correction=0)

# %% tensors-6 refused: that is the variance
def standardize(X, dim):
    return (X - X.mean(dim, keepdim=True)) / X.var(dim, keepdim=True)

# %% tensors-6 refused: pass dim on to X.std too
def standardize(X, dim):
    return (X - X.mean(dim, keepdim=True)) / X.std()

# %% tensors-6 passes
def standardize(X, dim):
    centered = X - X.mean(dim).unsqueeze(dim)
    return centered / X.std(dim).unsqueeze(dim)

# %% tensors-7 refused: the root is missing
def distances(A, B):
    return ((A[:, None] - B) ** 2).sum(-1)

# %% tensors-7 refused: turned
def distances(A, B):
    return (A - B[:, None]).norm(dim=-1)

# %% tensors-7 refused: the sum of |differences|
def distances(A, B):
    return (A[:, None] - B).abs().sum(-1)

# %% tensors-7 refused: square before you sum
def distances(A, B):
    return ((A[:, None] - B).sum(-1) ** 2).sqrt()

# %% tensors-7 passes
def distances(A, B):
    return torch.linalg.vector_norm(A.unsqueeze(1) - B.unsqueeze(0), dim=2)

# %% tensors-7 passes
def distances(A, B):
    return torch.cdist(A, B)
