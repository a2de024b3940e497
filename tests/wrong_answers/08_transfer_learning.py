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

# %% transfer-2 refused: an assignment makes a second name
def with_new_head(network, classes):
    network.requires_grad_(False)
    network.classifier = nn.Linear(network.classifier.in_features, classes)
    return network

# %% transfer-2 refused: replace it after freezing
def with_new_head(network, classes):
    new = copy.deepcopy(network)
    new.classifier = nn.Linear(new.classifier.in_features, classes)
    return new.requires_grad_(False)

# %% transfer-2 refused: everything still learns
def with_new_head(network, classes):
    new = copy.deepcopy(network)
    new.requires_grad = False
    new.classifier = nn.Linear(new.classifier.in_features, classes)
    return new

# %% transfer-2 refused: that is the old head
def with_new_head(network, classes):
    new = copy.deepcopy(network).requires_grad_(False)
    new.classifier.requires_grad_(True)
    return new

# %% transfer-2 refused: ask the old head for its in_features
def with_new_head(network, classes):
    new = copy.deepcopy(network).requires_grad_(False)
    new.classifier = nn.Linear(1280, classes)
    return new

# %% transfer-2 refused: copy first, then replace
def with_new_head(network, classes):
    network.classifier = nn.Linear(network.classifier.in_features, classes)
    new = copy.deepcopy(network).requires_grad_(False)
    new.classifier.requires_grad_(True)
    return new

# %% transfer-2 refused: a new layer starts on the CPU
def with_new_head(network, classes):
    new = copy.deepcopy(network).requires_grad_(False)
    new.classifier = nn.Linear(new.classifier.in_features, classes)
    return new

# %% transfer-2 refused: in the copy only the head learns
def with_new_head(network, classes):
    new = copy.deepcopy(network)
    new.classifier = nn.Linear(new.classifier.in_features, classes)
    new.requires_grad_(False)
    new.classifier.weight.requires_grad_(True)
    return new

# %% transfer-2 passes
def with_new_head(network, classes):
    new = copy.deepcopy(network)
    for each in new.parameters():
        each.requires_grad = False
    new.classifier = nn.Linear(new.classifier.weight.shape[1], classes).to(new.classifier.weight.device)
    return new

# %% transfer-3 refused: from the beginning
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body.requires_grad_(False)

    def forward(self, inputs):
        return self.body(inputs)

    def train(self, mode=True):
        return super().train(False)

# %% transfer-3 refused: define a train() of your own
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body.requires_grad_(False).eval()

    def forward(self, inputs):
        return self.body(inputs)

# %% transfer-3 refused: end train() with return self
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body.requires_grad_(False)
        self.eval()

    def forward(self, inputs):
        return self.body(inputs)

    def train(self, mode=True):
        super().train(False)

# %% transfer-3 refused: on a module requires_grad is only a name
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

# %% transfer-3 refused: in a network, too
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

# %% transfer-3 refused: missing the required "forward" function
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body.requires_grad_(False)
        self.eval()

    def train(self, mode=True):
        return super().train(False)

# %% transfer-3 refused: not frozen
class Still(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body
        self.eval()

    def forward(self, inputs):
        return self.body(inputs)

    def train(self, mode=True):
        return super().train(False)

# %% transfer-3 passes
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

# %% transfer-3 same: eval() is train(False), which the own train passes on
# self.train() => self.eval()

# %% transfer-4 refused: guessing gives 0.333
class Recognizer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.names, self.borrowed = list(classes), pretrained()
        self.network = self.borrowed.model.requires_grad_(False)
        self.head = nn.Linear(1280, len(classes))

    def features(self, pictures):
        x = self.borrowed.prepare(pictures, size=64).to(self.head.weight.device)
        return self.network.forward_head(self.network.forward_features(x), pre_logits=True)

    def forward(self, pictures):
        return self.head(self.features(pictures))

    def name(self, path):
        with torch.no_grad():
            chances = self(read_picture(path, size=96).unsqueeze(0)).softmax(dim=1)[0]
        return sorted(zip(self.names, chances.tolist()), key=lambda pair: -pair[1])


def train_recognizer(paths, labels, classes):
    recognizer = Recognizer(classes).eval().to(device)
    pass
    return recognizer

# %% transfer-4 refused: (1.000 on the training data)
class Recognizer(nn.Module):
    def __init__(self, classes, pixels, labels):
        super().__init__()
        self.names, self.pixels, self.labels = list(classes), pixels, torch.tensor(labels)

    def forward(self, pictures):
        small = F.interpolate(pictures.float(), (16, 16)).flatten(1)
        away = torch.cdist(small, self.pixels)
        nearest = [away[:, self.labels == k].min(dim=1).values for k in range(len(self.names))]
        return -torch.stack(nearest, dim=1) / 100

    def name(self, path):
        chances = self(read_picture(path, size=32).unsqueeze(0)).softmax(dim=1)[0].tolist()
        return sorted(zip(self.names, chances), key=lambda pair: -pair[1])


def train_recognizer(paths, labels, classes):
    batch = torch.stack([read_picture(path, size=32) for path in paths]).float()
    return Recognizer(classes, F.interpolate(batch, (16, 16)).flatten(1), labels).eval()

# %% transfer-4 refused: expected: a list[tuple[str, float]]
class Recognizer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.names, self.borrowed = list(classes), pretrained()
        self.network = self.borrowed.model.requires_grad_(False)
        self.head = nn.Linear(1280, len(classes))

    def features(self, pictures):
        x = self.borrowed.prepare(pictures, size=64).to(self.head.weight.device)
        return self.network.forward_head(self.network.forward_features(x), pre_logits=True)

    def forward(self, pictures):
        return self.head(self.features(pictures))

    def name(self, path):
        with torch.no_grad():
            chances = self(read_picture(path, size=96).unsqueeze(0)).softmax(dim=1)[0]
        return sorted(zip(self.names, chances), key=lambda pair: -pair[1])


def train_recognizer(paths, labels, classes):
    recognizer = Recognizer(classes).eval().to(device)
    pass
    return recognizer

# %% transfer-4 refused: expected: a list[tuple[str, float]]
class Recognizer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.names, self.borrowed = list(classes), pretrained()
        self.network = self.borrowed.model.requires_grad_(False)
        self.head = nn.Linear(1280, len(classes))

    def features(self, pictures):
        x = self.borrowed.prepare(pictures, size=64).to(self.head.weight.device)
        return self.network.forward_head(self.network.forward_features(x), pre_logits=True)

    def forward(self, pictures):
        return self.head(self.features(pictures))

    def name(self, path):
        with torch.no_grad():
            chances = self(read_picture(path, size=96).unsqueeze(0)).softmax(dim=1)[0]
        return self.names[chances.argmax()]


def train_recognizer(paths, labels, classes):
    recognizer = Recognizer(classes).eval().to(device)
    pass
    return recognizer

# %% transfer-4 refused: most probable first
class Recognizer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.names, self.borrowed = list(classes), pretrained()
        self.network = self.borrowed.model.requires_grad_(False)
        self.head = nn.Linear(1280, len(classes))

    def features(self, pictures):
        x = self.borrowed.prepare(pictures, size=64).to(self.head.weight.device)
        return self.network.forward_head(self.network.forward_features(x), pre_logits=True)

    def forward(self, pictures):
        return self.head(self.features(pictures))

    def name(self, path):
        with torch.no_grad():
            chances = self(read_picture(path, size=96).unsqueeze(0)).softmax(dim=1)[0]
        return sorted(zip(self.names, chances.tolist()), key=lambda pair: pair[1])


def train_recognizer(paths, labels, classes):
    recognizer = Recognizer(classes).eval().to(device)
    pass
    return recognizer

# %% transfer-4 refused: logits; softmax is name's
class Recognizer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.names, self.borrowed = list(classes), pretrained()
        self.network = self.borrowed.model.requires_grad_(False)
        self.head = nn.Linear(1280, len(classes))

    def features(self, pictures):
        x = self.borrowed.prepare(pictures, size=64).to(self.head.weight.device)
        return self.network.forward_head(self.network.forward_features(x), pre_logits=True)

    def forward(self, pictures):
        return self.head(self.features(pictures)).softmax(1)

    def name(self, path):
        with torch.no_grad():
            chances = self(read_picture(path, size=96).unsqueeze(0)).softmax(dim=1)[0]
        return sorted(zip(self.names, chances.tolist()), key=lambda pair: -pair[1])


def train_recognizer(paths, labels, classes):
    recognizer = Recognizer(classes).eval().to(device)
    pass
    return recognizer

# %% transfer-4 refused: in evaluation mode
class Recognizer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.names, self.borrowed = list(classes), pretrained()
        self.network = self.borrowed.model.requires_grad_(False)
        self.head = nn.Linear(1280, 3)

    def features(self, pictures):
        x = self.borrowed.prepare(pictures, size=64).to(self.head.weight.device)
        return self.network.forward_head(self.network.forward_features(x), pre_logits=True)

    def forward(self, pictures):
        return self.head(self.features(pictures))

    def name(self, path):
        with torch.no_grad():
            chances = self(read_picture(path, size=96).unsqueeze(0)).softmax(dim=1)[0]
        return sorted(zip(self.names, chances.tolist()), key=lambda pair: -pair[1])


def train_recognizer(paths, labels, classes):
    recognizer = Recognizer(classes).eval().to(device)
    with torch.no_grad():
        table = torch.cat([recognizer.features(read_picture(path, size=96).unsqueeze(0)) for path in paths])
    optimizer = torch.optim.Adam(recognizer.head.parameters(), lr=0.001)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(recognizer.head(table), torch.tensor(labels).to(device)).backward()
        optimizer.step()
    return recognizer

# %% transfer-4 refused: evaluation mode
class Recognizer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.names, self.borrowed = list(classes), pretrained()
        self.network = self.borrowed.model.requires_grad_(False)
        self.head = nn.Linear(1280, len(classes))

    def features(self, pictures):
        x = self.borrowed.prepare(pictures, size=64).to(self.head.weight.device)
        return self.network.forward_head(self.network.forward_features(x), pre_logits=True)

    def forward(self, pictures):
        return self.head(self.features(pictures))

    def name(self, path):
        with torch.no_grad():
            chances = self(read_picture(path, size=96).unsqueeze(0)).softmax(dim=1)[0]
        return sorted(zip(self.names, chances.tolist()), key=lambda pair: -pair[1])


def train_recognizer(paths, labels, classes):
    recognizer = Recognizer(classes).eval().to(device)
    recognizer.train()
    return recognizer

# %% transfer-4 refused: guessing gives 0.333
class Recognizer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.names, self.borrowed = list(classes), pretrained()
        self.network = self.borrowed.model.requires_grad_(False)
        self.head = nn.Linear(1280, len(classes))

    def features(self, pictures):
        x = self.borrowed.prepare(pictures, size=64).to(self.head.weight.device)
        return self.network.forward_head(self.network.forward_features(x), pre_logits=True)

    def forward(self, pictures):
        return self.head(self.features(pictures))

    def name(self, path):
        with torch.no_grad():
            chances = self(read_picture(path, size=96).unsqueeze(0)).softmax(dim=1)[0]
        return sorted(zip(sorted(self.names), chances.tolist()), key=lambda pair: -pair[1])


def train_recognizer(paths, labels, classes):
    recognizer = Recognizer(classes).eval().to(device)
    with torch.no_grad():
        table = torch.cat([recognizer.features(read_picture(path, size=96).unsqueeze(0)) for path in paths])
    optimizer = torch.optim.Adam(recognizer.head.parameters(), lr=0.001)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(recognizer.head(table), torch.tensor(labels).to(device)).backward()
        optimizer.step()
    return recognizer

# %% transfer-4 passes
class Recognizer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.names, self.borrowed = list(classes), pretrained()
        self.network = self.borrowed.model.requires_grad_(False)
        self.head = nn.Linear(1280, len(classes))

    def features(self, pictures):
        x = self.borrowed.prepare(pictures, size=96).to(self.head.weight.device)
        return self.network.forward_head(self.network.forward_features(x), pre_logits=True)

    def forward(self, pictures):
        return self.head(self.features(pictures))

    def name(self, path):
        with torch.no_grad():
            chances = self(read_picture(path, size=96).unsqueeze(0)).softmax(dim=1)[0]
        return sorted(zip(self.names, chances.tolist()), key=lambda pair: -pair[1])


def train_recognizer(paths, labels, classes):
    recognizer = Recognizer(classes).eval().to(device)
    with torch.no_grad():
        batch = torch.stack([read_picture(path, size=112) for path in paths])
        table = recognizer.features(batch)
    head, y = recognizer.head, torch.tensor(labels).to(device)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.05, momentum=0.9)
    for _ in range(20):
        for rows in torch.randperm(len(y)).split(8):
            optimizer.zero_grad()
            F.cross_entropy(head(table[rows]), y[rows]).backward()
            optimizer.step()
    return recognizer

# %% transfer-5 refused: the nearest picture's class
def nearest_mean(features, labels, queries):
    return labels[torch.cdist(queries, features).argmin(dim=1)]

# %% transfer-5 refused: row numbers of the nearest picture
def nearest_mean(features, labels, queries):
    return torch.cdist(queries, features).argmin(dim=1)

# %% transfer-5 refused: argmin, not argmax
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].mean(dim=0) for c in labels.unique()])
    return torch.cdist(queries, centers).argmax(dim=1)

# %% transfer-5 refused: a large dot product does not mean near
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].mean(dim=0) for c in labels.unique()])
    return (queries @ centers.T).argmax(dim=1)

# %% transfer-5 refused: divide by the number of pictures
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].sum(dim=0) for c in labels.unique()])
    return torch.cdist(queries, centers).argmin(dim=1)

# %% transfer-5 refused: the smallest of each column
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].mean(dim=0) for c in labels.unique()])
    return torch.cdist(queries, centers).argmin(dim=0)

# %% transfer-5 refused: not the sum of the differences
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].mean(dim=0) for c in labels.unique()])
    return torch.cdist(queries, centers, p=1).argmin(dim=1)

# %% transfer-5 refused: the median is not the mean
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].median(dim=0).values for c in labels.unique()])
    return torch.cdist(queries, centers).argmin(dim=1)

# %% transfer-5 refused: the mean of the distances
def nearest_mean(features, labels, queries):
    away = torch.cdist(queries, features)
    return torch.stack([away[:, labels == c].mean(dim=1) for c in labels.unique()], dim=1).argmin(dim=1)

# %% transfer-5 refused: with two classes, too
def nearest_mean(features, labels, queries):
    centers = torch.stack([features[labels == c].mean(dim=0) for c in range(3)])
    return torch.cdist(queries, centers).argmin(dim=1)

# %% transfer-5 passes
def nearest_mean(features, labels, queries):
    onehot = nn.functional.one_hot(labels).float()
    centers = onehot.T @ features / onehot.sum(dim=0).unsqueeze(1)
    return (queries.unsqueeze(1) - centers).square().sum(dim=2).argmin(dim=1)

# %% transfer-5 refused: what was handed over has changed
def nearest_mean(features, labels, queries):
    features -= features.mean(dim=0)
    centers = torch.stack([features[labels == c].mean(dim=0) for c in labels.unique()])
    return torch.cdist(queries, centers).argmin(dim=1)

# %% transfer-6 refused: the biases are missing
learning_numbers = 7 * 2048

# %% transfer-6 refused: one bias a class
learning_numbers = (7 + 1) * 2048

# %% transfer-6 refused: multiply
learning_numbers = 2048 + 7

# %% transfer-6 refused: that is resnet18's head
learning_numbers = 7 * 513

# %% transfer-6 passes
learning_numbers = nn.Linear(2048, 7).weight.numel() + 7

# %% transfer-7 refused: buffers, too
def load_fitting(network, entries):
    left = set(network.state_dict())
    with torch.no_grad():
        for label, one in network.named_parameters():
            if label in entries and entries[label].shape == one.shape:
                one.copy_(entries[label])
    return sorted(e for e in left if e not in entries or entries[e].shape != network.state_dict()[e].shape)

# %% transfer-7 refused: choosing is not loading
def load_fitting(network, entries):
    own = network.state_dict()
    return sorted(e for e in own if e not in entries or entries[e].shape != own[e].shape)

# %% transfer-7 refused: size mismatch
def load_fitting(network, entries):
    return sorted(network.load_state_dict(entries, strict=False).missing_keys)

# %% transfer-7 refused: those are the filled ones
def load_fitting(network, entries):
    own = network.state_dict()
    fits = {e: each for e, each in entries.items() if e in own and each.shape == own[e].shape}
    network.load_state_dict(fits, strict=False)
    return sorted(fits)

# %% transfer-7 refused: 7.weight is foreign
def load_fitting(network, entries):
    own = network.state_dict()
    fits = {e: each for e, each in entries.items() if e in own and each.shape == own[e].shape}
    network.load_state_dict(fits, strict=False)
    return sorted(entries.keys() - fits.keys())

# %% transfer-7 refused: sort the names
def load_fitting(network, entries):
    own = network.state_dict()
    fits = {e: each for e, each in entries.items() if e in own and each.shape == own[e].shape}
    return network.load_state_dict(fits, strict=False).missing_keys

# %% transfer-7 refused: size mismatch
def load_fitting(network, entries):
    own = network.state_dict()
    fits = {e: each for e, each in entries.items() if e in own and each.numel() == own[e].numel()}
    network.load_state_dict(fits, strict=False)
    return sorted(own.keys() - fits.keys())

# %% transfer-7 refused: compare the shape, not numel
def load_fitting(network, entries):
    own = network.state_dict()
    fits = {e: each.reshape(own[e].shape) for e, each in entries.items() if e in own and each.numel() == own[e].numel()}
    network.load_state_dict(fits, strict=False)
    return sorted(own.keys() - fits.keys())

# %% transfer-7 passes
def load_fitting(network, entries):
    left = []
    for label, ours in network.state_dict().items():
        if label in entries and entries[label].shape == ours.shape:
            ours.copy_(entries[label])
        else:
            left.append(label)
    return sorted(left)

# %% transfer-8 refused: turned round
def paced_groups(parts, lr, factor):
    full = [own for own in (list(module.parameters()) for module in parts) if own]
    return [{"params": own, "lr": lr * factor**i} for i, own in enumerate(full)]

# %% transfer-8 refused: no group for it
def paced_groups(parts, lr, factor):
    return [{"params": list(module.parameters()), "lr": lr * factor ** (len(parts) - 1 - i)} for i, module in enumerate(parts)]

# %% transfer-8 refused: the pooling is no step
def paced_groups(parts, lr, factor):
    made = [{"params": list(module.parameters()), "lr": lr * factor ** (len(parts) - 1 - i)} for i, module in enumerate(parts)]
    return [each for each in made if each["params"]]

# %% transfer-8 refused: factor to the power 0
def paced_groups(parts, lr, factor):
    full = [own for own in (list(module.parameters()) for module in parts) if own]
    return [{"params": own, "lr": lr * factor ** (len(full) - i)} for i, own in enumerate(full)]

# %% transfer-8 refused: multiply by factor
def paced_groups(parts, lr, factor):
    full = [own for own in (list(module.parameters()) for module in parts) if own]
    return [{"params": own, "lr": lr / factor ** (len(full) - 1 - i)} for i, own in enumerate(full)]

# %% transfer-8 refused: the rates are in order
def paced_groups(parts, lr, factor):
    full = [own for own in (list(module.parameters()) for module in parts) if own][::-1]
    return [{"params": own, "lr": lr * factor ** (len(full) - 1 - i)} for i, own in enumerate(full)]

# %% transfer-8 refused: biases are parameters, too
def paced_groups(parts, lr, factor):
    full = [own for own in (list(module.parameters()) for module in parts) if own]
    return [{"params": own[:1], "lr": lr * factor ** (len(full) - 1 - i)} for i, own in enumerate(full)]

# %% transfer-8 refused: ask parameters()
def paced_groups(parts, lr, factor):
    full = [module for module in parts if hasattr(module, "weight")]
    return [{"params": [module.weight, module.bias], "lr": lr * factor ** (len(full) - 1 - i)} for i, module in enumerate(full)]

# %% transfer-8 refused: expected: a list
def paced_groups(parts, lr, factor):
    full = [module for module in parts if any(True for _ in module.parameters())]
    return [{"params": module.parameters(), "lr": lr * factor ** (len(full) - 1 - i)} for i, module in enumerate(full)]

# %% transfer-8 passes
def paced_groups(parts, lr, factor):
    made = []
    for module in reversed(parts):
        if own := list(module.parameters()):
            made.insert(0, {"params": own, "lr": lr})
            lr *= factor
    return made

# %% transfer-8 refused: another rate, another factor
def paced_groups(parts, lr, factor):
    full = [own for own in (list(module.parameters()) for module in parts) if own]
    return [{"params": own, "lr": lr * 0.5 ** (len(full) - 1 - i)} for i, own in enumerate(full)]
