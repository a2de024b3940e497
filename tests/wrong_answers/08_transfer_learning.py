# %% transfer-1 refused: divide the bytes by 255 first
def as_trained(batch, means, spreads):
    center, width = (torch.tensor(three).view(3, 1, 1) for three in (means, spreads))
    return (batch - center) / width

# %% transfer-1 refused: line up with the columns
def as_trained(batch, means, spreads):
    return (batch / 255 - torch.tensor(means)) / torch.tensor(spreads)

# %% transfer-1 refused: mind the brackets
def as_trained(batch, means, spreads):
    center, width = (torch.tensor(three).view(3, 1, 1) for three in (means, spreads))
    return batch / 255 - center / width

# %% transfer-1 refused: divide by the spreads, too
def as_trained(batch, means, spreads):
    return batch / 255 - torch.tensor(means).view(3, 1, 1)

# %% transfer-1 refused: weights are float32
def as_trained(batch, means, spreads):
    center, width = (torch.tensor(three).double().view(3, 1, 1) for three in (means, spreads))
    return (batch.double() / 255 - center) / width

# %% transfer-1 refused: the batch's own
def as_trained(batch, means, spreads):
    x = batch.float() / 255
    return (x - x.mean(dim=(0, 2, 3)).view(3, 1, 1)) / x.std(dim=(0, 2, 3)).view(3, 1, 1)

# %% transfer-1 passes
def as_trained(batch, means, spreads):
    from torchvision.transforms.v2 import functional

    return functional.normalize(functional.to_dtype(batch, torch.float32, scale=True), means, spreads)

# %% transfer-1 passes
def as_trained(batch, means, spreads):
    done = torch.empty(batch.shape)
    for color in range(3):
        done[:, color] = (batch[:, color] / 255 - means[color]) / spreads[color]
    return done

# %% transfer-2 refused: the biases are missing
learning_numbers = 7 * 2048

# %% transfer-2 refused: one bias a class
learning_numbers = (7 + 1) * 2048

# %% transfer-2 refused: multiply
learning_numbers = 2048 + 7

# %% transfer-2 refused: that is resnet18's head
learning_numbers = 7 * 513

# %% transfer-2 passes
learning_numbers = nn.Linear(2048, 7).weight.numel() + 7

# %% transfer-3 refused: an assignment makes a second name
def with_new_head(network, classes):
    for each in network.parameters():
        each.requires_grad_(False)
    network.fc = nn.Linear(network.fc.in_features, classes)
    return network

# %% transfer-3 refused: replace it after freezing
def with_new_head(network, classes):
    new = copy.deepcopy(network)
    new.fc = nn.Linear(new.fc.in_features, classes)
    return new.requires_grad_(False)

# %% transfer-3 refused: everything still learns
def with_new_head(network, classes):
    new = copy.deepcopy(network)
    new.requires_grad = False
    new.fc = nn.Linear(new.fc.in_features, classes)
    return new

# %% transfer-3 refused: that is the old head
def with_new_head(network, classes):
    new = copy.deepcopy(network).requires_grad_(False)
    new.fc.requires_grad_(True)
    return new

# %% transfer-3 refused: ask the old fc for its in_features
def with_new_head(network, classes):
    new = copy.deepcopy(network).requires_grad_(False)
    new.fc = nn.Linear(512, classes)
    return new

# %% transfer-3 refused: a copied body
def with_new_head(network, classes):
    new = models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1]).requires_grad_(False)
    new.fc = nn.Linear(network.fc.in_features, classes)
    return new

# %% transfer-3 refused: copy first, then replace
def with_new_head(network, classes):
    network.fc = nn.Linear(network.fc.in_features, classes)
    new = copy.deepcopy(network).requires_grad_(False)
    new.fc.requires_grad_(True)
    return new

# %% transfer-3 refused: in the copy only fc learns
def with_new_head(network, classes):
    new = copy.deepcopy(network)
    new.fc = nn.Linear(new.fc.in_features, classes)
    new.requires_grad_(False)
    new.fc.weight.requires_grad_(True)
    return new

# %% transfer-3 passes
def with_new_head(network, classes):
    new = copy.deepcopy(network).requires_grad_(False)
    new.fc = nn.Linear(new.fc.weight.shape[1], classes)
    return new

# %% transfer-4 refused: buffers, too
def load_fitting(network, entries):
    left = set(network.state_dict())
    with torch.no_grad():
        for label, one in network.named_parameters():
            if label in entries and entries[label].shape == one.shape:
                one.copy_(entries[label])
    return sorted(e for e in left if e not in entries or entries[e].shape != network.state_dict()[e].shape)

# %% transfer-4 refused: choosing is not loading
def load_fitting(network, entries):
    own = network.state_dict()
    return sorted(e for e in own if e not in entries or entries[e].shape != own[e].shape)

# %% transfer-4 refused: size mismatch
def load_fitting(network, entries):
    return sorted(network.load_state_dict(entries, strict=False).missing_keys)

# %% transfer-4 refused: those are the filled ones
def load_fitting(network, entries):
    own = network.state_dict()
    fits = {e: each for e, each in entries.items() if e in own and each.shape == own[e].shape}
    network.load_state_dict(fits, strict=False)
    return sorted(fits)

# %% transfer-4 refused: 7.weight is foreign
def load_fitting(network, entries):
    own = network.state_dict()
    fits = {e: each for e, each in entries.items() if e in own and each.shape == own[e].shape}
    network.load_state_dict(fits, strict=False)
    return sorted(entries.keys() - fits.keys())

# %% transfer-4 refused: sort the names
def load_fitting(network, entries):
    own = network.state_dict()
    fits = {e: each for e, each in entries.items() if e in own and each.shape == own[e].shape}
    return network.load_state_dict(fits, strict=False).missing_keys

# %% transfer-4 refused: size mismatch
def load_fitting(network, entries):
    own = network.state_dict()
    fits = {e: each for e, each in entries.items() if e in own and each.numel() == own[e].numel()}
    network.load_state_dict(fits, strict=False)
    return sorted(own.keys() - fits.keys())

# %% transfer-4 refused: compare the shape, not numel
def load_fitting(network, entries):
    own = network.state_dict()
    fits = {e: each.reshape(own[e].shape) for e, each in entries.items() if e in own and each.numel() == own[e].numel()}
    network.load_state_dict(fits, strict=False)
    return sorted(own.keys() - fits.keys())

# %% transfer-4 passes
def load_fitting(network, entries):
    left = []
    for label, ours in network.state_dict().items():
        if label in entries and entries[label].shape == ours.shape:
            ours.copy_(entries[label])
        else:
            left.append(label)
    return sorted(left)

# %% transfer-5 refused: turned round
def paced_groups(parts, lr, factor):
    full = [own for own in (list(module.parameters()) for module in parts) if own]
    return [{"params": own, "lr": lr * factor**i} for i, own in enumerate(full)]

# %% transfer-5 refused: no group for it
def paced_groups(parts, lr, factor):
    return [{"params": list(module.parameters()), "lr": lr * factor ** (len(parts) - 1 - i)} for i, module in enumerate(parts)]

# %% transfer-5 refused: the pooling is no step
def paced_groups(parts, lr, factor):
    made = [{"params": list(module.parameters()), "lr": lr * factor ** (len(parts) - 1 - i)} for i, module in enumerate(parts)]
    return [each for each in made if each["params"]]

# %% transfer-5 refused: factor to the power 0
def paced_groups(parts, lr, factor):
    full = [own for own in (list(module.parameters()) for module in parts) if own]
    return [{"params": own, "lr": lr * factor ** (len(full) - i)} for i, own in enumerate(full)]

# %% transfer-5 refused: multiply by factor
def paced_groups(parts, lr, factor):
    full = [own for own in (list(module.parameters()) for module in parts) if own]
    return [{"params": own, "lr": lr / factor ** (len(full) - 1 - i)} for i, own in enumerate(full)]

# %% transfer-5 refused: the rates are in order
def paced_groups(parts, lr, factor):
    full = [own for own in (list(module.parameters()) for module in parts) if own][::-1]
    return [{"params": own, "lr": lr * factor ** (len(full) - 1 - i)} for i, own in enumerate(full)]

# %% transfer-5 refused: biases are parameters, too
def paced_groups(parts, lr, factor):
    full = [own for own in (list(module.parameters()) for module in parts) if own]
    return [{"params": own[:1], "lr": lr * factor ** (len(full) - 1 - i)} for i, own in enumerate(full)]

# %% transfer-5 refused: ask parameters()
def paced_groups(parts, lr, factor):
    full = [module for module in parts if hasattr(module, "weight")]
    return [{"params": [module.weight, module.bias], "lr": lr * factor ** (len(full) - 1 - i)} for i, module in enumerate(full)]

# %% transfer-5 refused: expected: a list
def paced_groups(parts, lr, factor):
    full = [module for module in parts if any(True for _ in module.parameters())]
    return [{"params": module.parameters(), "lr": lr * factor ** (len(full) - 1 - i)} for i, module in enumerate(full)]

# %% transfer-5 passes
def paced_groups(parts, lr, factor):
    made = []
    for module in reversed(parts):
        if own := list(module.parameters()):
            made.insert(0, {"params": own, "lr": lr})
            lr *= factor
    return made

# %% transfer-6 refused: from the beginning
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body.requires_grad_(False)

    def forward(self, inputs):
        return self.body(inputs)

    def train(self, mode=True):
        return super().train(False)

# %% transfer-6 refused: define a train() of your own
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body.requires_grad_(False).eval()

    def forward(self, inputs):
        return self.body(inputs)

# %% transfer-6 refused: end train() with return self
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body.requires_grad_(False)
        self.eval()

    def forward(self, inputs):
        return self.body(inputs)

    def train(self, mode=True):
        super().train(False)

# %% transfer-6 refused: on a module requires_grad is only a name
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body
        self.body.requires_grad = False
        self.eval()

    def forward(self, inputs):
        return self.body(inputs)

    def train(self, mode=True):
        return super().train(False)

# %% transfer-6 refused: in a network, too
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body.requires_grad_(False)
        self.eval()

    def forward(self, inputs):
        self.body.train()
        seen = self.body(inputs)
        self.body.eval()
        return seen

    def train(self, mode=True):
        return super().train(False)

# %% transfer-6 refused: missing the required "forward" function
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body.requires_grad_(False)
        self.eval()

    def train(self, mode=True):
        return super().train(False)

# %% transfer-6 refused: not frozen
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body
        self.eval()

    def forward(self, inputs):
        return self.body(inputs)

    def train(self, mode=True):
        return super().train(False)

# %% transfer-6 passes
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body.eval()
        for each in body.parameters():
            each.requires_grad = False

    def forward(self, inputs):
        with torch.no_grad():
            return self.body(inputs)

    def train(self, mode=True):
        self.training = mode
        return self

# %% transfer-7 refused: the nearest picture's class
def nearest_mean(features, labels, queries):
    return labels[torch.cdist(queries, features).argmin(dim=1)]

# %% transfer-7 refused: row numbers of the nearest picture
def nearest_mean(features, labels, queries):
    return torch.cdist(queries, features).argmin(dim=1)

# %% transfer-7 refused: argmin, not argmax
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].mean(dim=0) for c in labels.unique()])
    return torch.cdist(queries, centers).argmax(dim=1)

# %% transfer-7 refused: a large dot product does not mean near
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].mean(dim=0) for c in labels.unique()])
    return (queries @ centers.T).argmax(dim=1)

# %% transfer-7 refused: divide by the number of pictures
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].sum(dim=0) for c in labels.unique()])
    return torch.cdist(queries, centers).argmin(dim=1)

# %% transfer-7 refused: the smallest of each column
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].mean(dim=0) for c in labels.unique()])
    return torch.cdist(queries, centers).argmin(dim=0)

# %% transfer-7 refused: not the sum of the differences
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].mean(dim=0) for c in labels.unique()])
    return torch.cdist(queries, centers, p=1).argmin(dim=1)

# %% transfer-7 refused: the median is not the mean
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].median(dim=0).values for c in labels.unique()])
    return torch.cdist(queries, centers).argmin(dim=1)

# %% transfer-7 refused: the mean of the distances
def nearest_mean(features, labels, queries):
    away = torch.cdist(queries, features)
    return torch.stack([away[:, labels == c].mean(dim=1) for c in labels.unique()], dim=1).argmin(dim=1)

# %% transfer-7 refused: with two classes, too
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].mean(dim=0) for c in range(3)])
    return torch.cdist(queries, centers).argmin(dim=1)

# %% transfer-7 passes
def nearest_mean(features, labels, queries):
    onehot = nn.functional.one_hot(labels).float()
    centers = onehot.T @ features / onehot.sum(dim=0).unsqueeze(1)
    return (queries.unsqueeze(1) - centers).square().sum(dim=2).argmin(dim=1)
