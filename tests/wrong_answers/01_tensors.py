# %% tensors-1 refused: a slice keeps its direction
shape_a, shape_b, shape_c, shape_d = (640, 3), (427,), (214, 100, 3), (0, 3)

# %% tensors-1 refused: the integer 2 removes its direction
shape_a, shape_b, shape_c, shape_d = (640, 3), (427, 1, 1), (214, 100, 3), (0, 3)

# %% tensors-1 refused: a: the 0 removes the first direction
shape_a, shape_b, shape_c, shape_d = (427, 640), (427, 1), (214, 100, 3), (0, 3)

# %% tensors-1 refused: the 2 removes the colors
shape_a, shape_b, shape_c, shape_d = (640, 3), (427, 1, 3), (214, 100, 3), (0, 3)

# %% tensors-1 refused: one column is left
shape_a, shape_b, shape_c, shape_d = (640, 3), (427, 639), (214, 100, 3), (0, 3)

# %% tensors-1 refused: 2 is one color, not two
shape_a, shape_b, shape_c, shape_d = (640, 3), (427, 1, 2), (214, 100, 3), (0, 3)

# %% tensors-1 refused: half of 427, rounded up
shape_a, shape_b, shape_c, shape_d = (640, 3), (427, 1), (213, 100, 3), (0, 3)

# %% tensors-1 refused: the end of a slice is left out
shape_a, shape_b, shape_c, shape_d = (640, 3), (427, 1), (214, 101, 3), (0, 3)

# %% tensors-1 refused: each keeps its 3 colors
shape_a, shape_b, shape_c, shape_d = (640, 3), (427, 1), (214, 100, 3), (0,)

# %% tensors-1 refused: rows and columns become one direction
shape_a, shape_b, shape_c, shape_d = (640, 3), (427, 1), (214, 100, 3), (0, 0, 3)

# %% tensors-1 passes
shape_a, shape_b, shape_c, shape_d = [640, 3], torch.Size([427, 1]), (214, 100, 3), [0, 3]

# %% tensors-2 refused: the mean still counts the −999s
def patch_gaps(readings):
    return torch.where(readings == -999, readings.mean(), readings)

# %% tensors-2 refused: 0 is a reading too
def patch_gaps(readings):
    return torch.where(readings == -999, 0.0, readings)

# %% tensors-2 refused: in place
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

# %% tensors-6 refused: use classes, not the largest label
def one_hot(labels, classes):
    return torch.nn.functional.one_hot(labels).float()

# %% tensors-6 refused: yours is turned
def one_hot(labels, classes):
    return torch.zeros(classes, len(labels)).scatter_(0, labels[None], 1.0)

# %% tensors-6 refused: whole numbers
def one_hot(labels, classes):
    return torch.nn.functional.one_hot(labels, classes)

# %% tensors-6 refused: use dim 1
def one_hot(labels, classes):
    return torch.zeros(len(labels), classes).scatter_(0, labels[:, None], 1.0)

# %% tensors-6 refused: same number of dimensions
def one_hot(labels, classes):
    return torch.zeros(len(labels), classes).scatter_(1, labels, 1.0)

# %% tensors-6 refused: every row got the ones of all labels
def one_hot(labels, classes):
    out = torch.zeros(len(labels), classes)
    out[:, labels] = 1.0
    return out

# %% tensors-6 refused: twice the width
def one_hot(labels, classes):
    return torch.zeros(len(labels), classes, dtype=torch.float64).scatter_(1, labels[:, None], 1.0)

# %% tensors-6 passes
def one_hot(labels, classes):
    return torch.eye(classes)[labels]

# %% tensors-6 passes
def one_hot(labels, classes):
    return (labels[:, None] == torch.arange(classes)).float()

# %% tensors-7 refused: step 1 walks through memory
def windows(x, width):
    return x.as_strided((len(x) - width + 1, width), (1, 1))

# %% tensors-7 refused: one window is missing
def windows(x, width):
    return x.as_strided((len(x) - width, width), (x.stride(0), x.stride(0)))

# %% tensors-7 refused: as_strided does not
def windows(x, width):
    return torch.stack([x[i : i + width] for i in range(len(x) - width + 1)])

# %% tensors-7 refused: right for [::2] only
def windows(x, width):
    return torch.as_strided(x, (len(x) - width + 1, width), (2, 2))

# %% tensors-7 refused: leave the storage_offset out
def windows(x, width):
    step = x.stride(0)
    return x.as_strided((len(x) - width + 1, width), (step, step), storage_offset=0)

# %% tensors-7 refused: are both one step in x
def windows(x, width):
    return x.as_strided((len(x) - width + 1, width), (1, x.stride(0)))

# %% tensors-7 refused: are both one step in x
def windows(x, width):
    return x.as_strided((len(x) - width + 1, width), (x.stride(0), 1))

# %% tensors-7 passes
def windows(x, width):
    return x.unfold(0, width, 1)

# %% tensors-3 refused: broadcast along the wrong direction
def standardize(X, dim):
    return (X - X.mean(dim)) / X.std(dim)

# %% tensors-3 refused: pass dim on
def standardize(X, dim):
    return (X - X.mean()) / X.std()

# %% tensors-3 refused: not divided by the spread
def standardize(X, dim):
    return X - X.mean(dim, keepdim=True)

# %% tensors-3 refused: keepdim in the mean only
def standardize(X, dim):
    return (X - X.mean(dim, keepdim=True)) / X.std(dim)

# %% tensors-3 refused: the statistics of the other dim
def standardize(X, dim):
    return (X - X.mean(0)) / X.std(0)

# %% tensors-3 refused: keepdim=True keeps the right one, for every dim
def standardize(X, dim):
    return (X - X.mean(dim)[:, None]) / X.std(dim)[:, None]

# %% tensors-3 refused: not divided by the spread
def standardize(X, dim):
    if dim == 0:
        return X - X.mean(0)
    return (X - X.mean(dim, keepdim=True)) / X.std(dim, keepdim=True)

# %% tensors-3 refused: in place
def standardize(X, dim):
    X -= X.mean(dim, keepdim=True)
    X /= X.std(dim, keepdim=True)
    return X

# %% tensors-3 refused: without correction=0
def standardize(X, dim):
    return (X - X.mean(dim, keepdim=True)) / X.std(dim, keepdim=True, correction=0)

# %% tensors-3 refused: that is the variance
def standardize(X, dim):
    return (X - X.mean(dim, keepdim=True)) / X.var(dim, keepdim=True)

# %% tensors-3 refused: pass dim on to X.std too
def standardize(X, dim):
    return (X - X.mean(dim, keepdim=True)) / X.std()

# %% tensors-3 passes
def standardize(X, dim):
    centered = X - X.mean(dim).unsqueeze(dim)
    return centered / X.std(dim).unsqueeze(dim)

# %% tensors-5 refused: the root is missing
def distances(A, B):
    return ((A[:, None] - B) ** 2).sum(-1)

# %% tensors-5 refused: turned
def distances(A, B):
    return (A - B[:, None]).norm(dim=-1)

# %% tensors-5 refused: the sum of |differences|
def distances(A, B):
    return (A[:, None] - B).abs().sum(-1)

# %% tensors-5 refused: square before you sum
def distances(A, B):
    return ((A[:, None] - B).sum(-1) ** 2).sqrt()

# %% tensors-5 passes
def distances(A, B):
    return torch.linalg.vector_norm(A.unsqueeze(1) - B.unsqueeze(0), dim=2)

# %% tensors-5 passes
def distances(A, B):
    return torch.cdist(A, B)

# %% tensors-4 refused: of gray files, too
def load(path):
    return torch.from_numpy(np.array(Image.open(path)))

def make_batch(photo, corners, size=64):
    scaled = photo.permute(2, 0, 1) / 255
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    return torch.stack([normal[:, r : r + size, k : k + size] for r, k in corners]), mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None]) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)

# %% tensors-4 refused: load: (H, W, 3)
def load(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)

def make_batch(photo, corners, size=64):
    scaled = photo.permute(2, 0, 1) / 255
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    return torch.stack([normal[:, r : r + size, k : k + size] for r, k in corners]), mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None]) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)

# %% tensors-4 refused: torch.float32
def load(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"))) / 255

def make_batch(photo, corners, size=64):
    scaled = photo.permute(2, 0, 1) / 255
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    return torch.stack([normal[:, r : r + size, k : k + size] for r, k in corners]), mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None]) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)

# %% tensors-4 refused: .round() first
def load(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB")))

def make_batch(photo, corners, size=64):
    scaled = photo.permute(2, 0, 1) / 255
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    return torch.stack([normal[:, r : r + size, k : k + size] for r, k in corners]), mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None]) * 255).to(torch.uint8).permute(0, 2, 3, 1)

# %% tensors-4 refused: (N, C, H, W)
def load(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB")))

def make_batch(photo, corners, size=64):
    scaled = photo.permute(2, 0, 1) / 255
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    return torch.stack([normal[:, r : r + 64, k : k + 64] for r, k in corners]), mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None]) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)

# %% tensors-4 refused: batch, mean and std of the whole photograph
def load(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB")))

def make_batch(photo, corners, size=64):
    scaled = photo.reshape(3, *photo.shape[:2]) / 255
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    return torch.stack([normal[:, r : r + size, k : k + size] for r, k in corners]), mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None]) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)

# %% tensors-4 refused: before you take the mean
def load(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB")))

def make_batch(photo, corners, size=64):
    scaled = photo.permute(2, 0, 1).float()
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    return torch.stack([normal[:, r : r + size, k : k + size] for r, k in corners]), mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None])).round().to(torch.uint8).permute(0, 2, 3, 1)

# %% tensors-4 refused: whole photograph
def load(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB")))

def make_batch(photo, corners, size=64):
    scaled = photo.permute(2, 0, 1) / 255
    cuts = torch.stack([scaled[:, r : r + size, k : k + size] for r, k in corners])
    mean, std = cuts.mean(dim=(0, 2, 3)), cuts.std(dim=(0, 2, 3))
    return (cuts - mean[:, None, None]) / std[:, None, None], mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None]) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)

# %% tensors-4 refused: unmake: uint8 (N, H, W, C)
def load(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB")))

def make_batch(photo, corners, size=64):
    scaled = photo.permute(2, 0, 1) / 255
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    return torch.stack([normal[:, r : r + size, k : k + size] for r, k in corners]), mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None]) * 255).round().to(torch.uint8)

# %% tensors-4 refused: unmake: uint8
def load(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB")))

def make_batch(photo, corners, size=64):
    scaled = photo.permute(2, 0, 1) / 255
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    return torch.stack([normal[:, r : r + size, k : k + size] for r, k in corners]), mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None]) * 255).permute(0, 2, 3, 1)

# %% tensors-4 refused: in place
def load(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB")))

def make_batch(photo, corners, size=64):
    photo[0, 0] = 0
    scaled = photo.permute(2, 0, 1) / 255
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    return torch.stack([normal[:, r : r + size, k : k + size] for r, k in corners]), mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None]) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)

# %% tensors-4 refused: is the return missing
def load(path):
    torch.from_numpy(np.array(Image.open(path).convert("RGB")))

def make_batch(photo, corners, size=64):
    scaled = photo.permute(2, 0, 1) / 255
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    return torch.stack([normal[:, r : r + size, k : k + size] for r, k in corners]), mean, std

def unmake(batch, mean, std):
    return ((batch * std[:, None, None] + mean[:, None, None]) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)

# %% tensors-4 passes
import matplotlib.image

def load(path):
    picture = Image.open(path)
    return torch.tensor(np.asarray(picture.convert("RGB")))

def make_batch(photo, corners, size=64):
    x = photo.float().movedim(-1, 0).div(255)
    mean, std = x.flatten(1).mean(1), x.flatten(1).std(1)
    cuts = torch.stack([x[:, r:, k:][:, :size, :size] for r, k in corners])
    return (cuts - mean.view(3, 1, 1)) / std.view(3, 1, 1), mean, std

def unmake(batch, mean, std):
    colors = batch.movedim(1, -1) * std + mean
    return (colors * 255 + 0.5).clamp(0, 255).byte()

# %% tensors-2 refused: not all that is very low
def patch_gaps(readings):
    gaps = readings < -100
    return torch.where(gaps, readings[~gaps].mean(), readings)

# %% tensors-6 refused: index 6 is out of bounds
def one_hot(labels, classes):
    return torch.zeros(len(labels), 4).scatter_(1, labels[:, None], 1.0)

# %% tensors-6 refused: wired in
def one_hot(labels, classes):
    return torch.zeros(3, classes).scatter_(1, labels[:3, None], 1.0)

# %% tensors-5 same: the square of a difference does not know its sign
# return ((A[:, None] - B) ** 2).sum(dim=-1).sqrt() => return ((B - A[:, None]) ** 2).sum(dim=-1).sqrt()
