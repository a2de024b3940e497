# %% autograd-1 refused: the 2 is missing
def chain(u, v, t):
    h = math.tanh(u * v)
    factors = (h - t, 1.0, 1 - h**2, v)
    return *factors, math.prod(factors)

# %% autograd-1 refused: the factor that stays
def chain(u, v, t):
    h = math.tanh(u * v)
    factors = (2 * (h - t), 1.0, 1 - h**2, u)
    return *factors, math.prod(factors)

# %% autograd-1 refused: not z itself
def chain(u, v, t):
    z = u * v
    factors = (2 * (math.tanh(z) - t), 1.0, 1 - z**2, v)
    return *factors, math.prod(factors)

# %% autograd-1 refused: along a path, multiply
def chain(u, v, t):
    h = math.tanh(u * v)
    factors = (2 * (h - t), 1.0, 1 - h**2, v)
    return *factors, sum(factors)

# %% autograd-1 refused: the order is reversed
def chain(u, v, t):
    h = math.tanh(u * v)
    factors = (v, 1 - h**2, 1.0, 2 * (h - t))
    return *factors, math.prod(factors)

# %% autograd-1 refused: the product so far
def chain(u, v, t):
    h = math.tanh(u * v)
    d = h - t
    return 2 * d, 2 * d, 2 * d * (1 - h**2), 2 * d * (1 - h**2) * v, 2 * d * (1 - h**2) * v

# %% autograd-1 refused: and their product
def chain(u, v, t):
    h = math.tanh(u * v)
    return 2 * (h - t), 1.0, 1 - h**2, v

# %% autograd-1 refused: belongs to t
def chain(u, v, t):
    h = math.tanh(u * v)
    factors = (2 * (h - t), -1.0, 1 - h**2, v)
    return *factors, math.prod(factors)

# %% autograd-1 refused: not yet right
def chain(u, v, t):
    h = math.tanh(-0.6)
    factors = (2 * (h - 0.3), 1.0, 1 - h**2, -1.2)
    return *factors, math.prod(factors)

# %% autograd-1 refused: plain Python numbers
def chain(u, v, t):
    leaf = torch.tensor(u)
    h = torch.tanh(leaf * v)
    return 2 * (h - t), 1.0, 1 - h**2, v, 2 * (h - t) * (1 - h**2) * v

# %% autograd-1 passes
def chain(u, v, t):
    leaf = torch.tensor(u, requires_grad=True)
    h = torch.tanh(leaf * v)
    slope = torch.autograd.grad((h - t) ** 2, leaf)[0].item()
    return [2 * (h.item() - t), 1, 1 - h.item() ** 2, v, slope]

# %% autograd-2 refused: only the last batch
def accumulated(loss_fn, batches, w):
    for batch in batches:
        w.grad = None
        (loss_fn(w, batch) / len(batches)).backward()
    return w.grad

# %% autograd-2 refused: the batches were summed
def accumulated(loss_fn, batches, w):
    w.grad = None
    for batch in batches:
        loss_fn(w, batch).backward()
    return w.grad

# %% autograd-2 refused: still in the pile
def accumulated(loss_fn, batches, w):
    for batch in batches:
        (loss_fn(w, batch) / len(batches)).backward()
    return w.grad

# %% autograd-2 refused: still in the pile
def accumulated(loss_fn, batches, w):
    for batch in batches:
        loss_fn(w, batch).backward()
    w.grad /= len(batches)
    return w.grad

# %% autograd-2 passes
def accumulated(loss_fn, batches, w):
    w.grad = torch.zeros_like(w)
    for batch in batches:
        loss_fn(w, batch).backward()
    w.grad /= len(batches)
    return w.grad

# %% autograd-2 refused: one
def accumulated(loss_fn, batches, w):
    return sum(torch.autograd.grad(loss_fn(w, b), w)[0] for b in batches) / len(batches)

# %% autograd-2 refused: one
def accumulated(loss_fn, batches, w):
    w.grad = None
    (sum(loss_fn(w, batch) for batch in batches) / len(batches)).backward()
    return w.grad

# %% autograd-2 refused: one
def accumulated(loss_fn, batches, w):
    w.grad = None
    loss_fn(w, torch.cat(list(batches))).backward()
    return w.grad

# %% autograd-2 refused: 'NoneType' object has no attribute 'zero_'
def accumulated(loss_fn, batches, w):
    w.grad.zero_()
    for batch in batches:
        (loss_fn(w, batch) / len(batches)).backward()
    return w.grad

# %% autograd-2 refused: expected
def accumulated(loss_fn, batches, w):
    w.grad = None
    for batch in batches:
        (loss_fn(w, batch) / 3).backward()
    return w.grad

# %% autograd-2 refused: is the return missing
def accumulated(loss_fn, batches, w):
    w.grad = None
    for batch in batches:
        (loss_fn(w, batch) / len(batches)).backward()

# %% autograd-2 passes
def accumulated(loss_fn, batches, w):
    if w.grad is not None:
        w.grad.zero_()
    for batch in batches:
        (loss_fn(w, batch) / len(batches)).backward()
    return w.grad

# %% autograd-2 refused: an older graph is alive
def accumulated(loss_fn, batches, w):
    w.grad = None
    for loss in [loss_fn(w, batch) / len(batches) for batch in batches]:
        loss.backward()
    return w.grad

# %% autograd-2 refused: an older graph is alive
def accumulated(loss_fn, batches, w):
    w.grad, kept = None, []
    for batch in batches:
        kept.append(loss_fn(w, batch) / len(batches))
        kept[-1].backward(retain_graph=True)
    return w.grad

# %% autograd-2 refused: w.grad grows
def accumulated(loss_fn, batches, w):
    w.grad = None
    for batch in batches:
        (loss_fn(w, batch) / len(batches)).backward()
    return w.grad.clone()

# %% autograd-3 passes
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 passes
class MyValue(Value):
    def __add__(self, other):
        out = type(self)(self.data + other.data)
        out.inputs = ((self, 1), (other, 1))
        return out

    def __mul__(self, other):
        out = type(self)(self.data * other.data)
        out.inputs = ((self, other.data), (other, self.data))
        return out

    def tanh(self):
        out = type(self)(1 - 2 / (math.exp(2 * self.data) + 1))
        out.inputs = [(self, 1 - out.data * out.data)]
        return out

    def backward(self):
        users, stack, seen = {}, [self], {self}
        while stack:
            node = stack.pop()
            if node.inputs:
                node.grad = 0
            for below, _ in node.inputs:
                users[below] = users.get(below, 0) + 1
                if below not in seen:
                    seen.add(below)
                    stack.append(below)
        self.grad, order = 1, [self]
        for node in order:
            for below, slope in node.inputs:
                below.grad += slope * node.grad
                users[below] -= 1
                if not users[below]:
                    order.append(below)

# %% autograd-3 refused: each factor got its own
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, self.data), (other, other.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: two edges lead to m
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, {self: 1.0, other: 1.0}.items())

    def __mul__(self, other):
        return MyValue(self.data * other.data, {self: other.data, other: self.data}.items())

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: the next + is lost
class MyValue(Value):
    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: (input, slope)
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(1.0, self), (1.0, other)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: (input, slope)
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data)

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: (input, slope)
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, self.data), (other, other.data)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: (input, slope)
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - self.data**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: (input, slope)
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, t)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: expected: [7
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        self.grad += other.data
        other.grad += self.data
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: do not assign
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad = slope * node.grad

# %% autograd-3 refused: users first
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: users first
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: b passed on before s
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order = [self]
        self.grad = 1.0
        for node in order:
            for below, slope in node.inputs:
                below.grad += slope * node.grad
                if below not in order:
                    order.append(below)

# %% autograd-3 refused: b passed on twice
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        self.grad = 1.0

        def hand_down(node):
            for below, slope in node.inputs:
                below.grad += slope * node.grad
            for below in dict.fromkeys(n for n, _ in node.inputs):
                hand_down(below)

        hand_down(self)

# %% autograd-3 refused: leaves pile up
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: nodes with inputs start from 0
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: not yet right
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in sorted(order, key=lambda n: -n.data):
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-3 refused: is not yet right
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        return MyValue(math.tanh(self.data))

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0 if node.inputs else node.grad
        self.grad = 1.0
        for node in order[::-1]:
            for below, slope in node.inputs:
                below.grad += slope * node.grad

# %% autograd-4 passes
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(150):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: is each grad set back to 0
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(300):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        loss.backward()
        for p in net.parameters():
            p.data -= 0.05 * p.grad / len(X)
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: no better than guessing
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(2):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            pass
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: not yet right
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(150):
        loss = Scalar(0.0)
        for x, target in zip(X[:1], y[:1]):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: on data it has not seen
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(30):
        loss = Scalar(0.0)
        for x, target in list(zip(X, y))[1::4] * 4:
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: learned the rows by heart
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        known = getattr(self, 'known', None)
        if known is not None:
            return Scalar(known.get(tuple(x), 0.0))
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(2):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    net.known = {tuple(x): v for x, v in zip(X, y)}
    return losses

# %% autograd-4 refused: a list of Scalar
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(2):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss)
    return losses

# %% autograd-4 refused: a list of
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(150):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: every w and b
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in n.w]


def train(net, X, y):
    losses = []
    for _ in range(150):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: every w and b
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers[-1:] for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(150):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: observed
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(2, 8, rng), Layer(8, 1, rng)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(150):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: observed
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(2)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(150):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: no better than guessing
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(5):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= -0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: as in torch
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b)


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(150):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: round 1 sums
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(150):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data / len(X))
    return losses

# %% autograd-4 refused: has changed
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return (sum(w * v for w, v in zip(self.w, x)) + self.b).tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    y.reverse() or X.reverse()
    for _ in range(2):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-4 refused: a Value
class Neuron:
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        return torch.tensor([(w * v).data for w, v in zip(self.w, x)]).sum().tanh()


class Layer:
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(sizes[i], sizes[i + 1], rng) for i in range(len(sizes) - 1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


def train(net, X, y):
    losses = []
    for _ in range(150):
        loss = Scalar(0.0)
        for x, target in zip(X, y):
            miss = target - net(x)
            loss = loss + miss * miss
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses

# %% autograd-5 refused: one-sided
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        up = w.clone()
        up[i] += h
        slopes[i] = (f(up) - f(w)) / h
    return slopes

# %% autograd-5 refused: divide by 2h
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        up, down = w.clone(), w.clone()
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / h
    return slopes

# %% autograd-5 refused: all elements moved at once
def numerical_gradient(f, w, h=1e-5):
    return torch.stack([(f(w + h) - f(w - h)) / (2 * h) for _ in w])

# %% autograd-5 refused: has changed
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        up = w
        up[i] += h
        down = w
        down[i] -= 2 * h
        slopes[i] = (f(up) - f(down)) / (2 * h)
    return slopes

# %% autograd-5 passes
def numerical_gradient(f, w, h=1e-5):
    steps = torch.eye(len(w), dtype=w.dtype) * h
    return torch.stack([(f(w + s) - f(w - s)) / (2 * h) for s in steps])

# %% autograd-5 refused: / 2 * h multiplies by h
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        up, down = w.clone(), w.clone()
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / 2 * h
    return slopes

# %% autograd-5 refused: one-sided
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        down = w.clone()
        down[i] -= h
        slopes[i] = (f(w) - f(down)) / h
    return slopes

# %% autograd-5 refused: up and down are one tensor
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        up, down = w, w
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / (2 * h)
    return slopes

# %% autograd-5 refused: a new clone for each element
def numerical_gradient(f, w, h=1e-5):
    slopes, up, down = torch.zeros_like(w), w.clone(), w.clone()
    for i in range(len(w)):
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / (2 * h)
    return slopes

# %% autograd-5 refused: measure it
def numerical_gradient(f, w, h=1e-5):
    leaf = w.clone().requires_grad_()
    return torch.autograd.grad(f(leaf), leaf)[0]

# %% autograd-5 refused: stack a list
def numerical_gradient(f, w, h=1e-5):
    steps = torch.eye(len(w), dtype=w.dtype) * h
    return [(f(w + s) - f(w - s)) / (2 * h) for s in steps]

# %% autograd-5 refused: has changed
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        w[i] += h
        up = f(w)
        w[i] -= 2 * h
        slopes[i] = (up - f(w)) / (2 * h)
    return slopes

# %% autograd-5 refused: same dtype
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros(len(w))
    for i in range(len(w)):
        up, down = w.clone(), w.clone()
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / (2 * h)
    return slopes

# %% autograd-6 refused: transposed
def jacobian_by_rows(f, at):
    return torch.func.jacrev(f)(at).T

# %% autograd-6 refused: the rows piled up
def jacobian_by_rows(f, at):
    leaf, rows = at.clone().requires_grad_(), []
    y = f(leaf)
    for v in torch.eye(len(y)):
        y.backward(v, retain_graph=True)
        rows.append(leaf.grad.clone())
    return torch.stack(rows)

# %% autograd-6 refused: all rows are one object
def jacobian_by_rows(f, at):
    leaf, rows = at.clone().requires_grad_(), []
    y = f(leaf)
    for v in torch.eye(len(y)):
        y.backward(v, retain_graph=True)
        rows.append(leaf.grad)
    return torch.stack(rows)

# %% autograd-6 refused: v = ones
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    return torch.autograd.grad(y, leaf, torch.ones_like(y))[0]

# %% autograd-6 refused: mark a clone
def jacobian_by_rows(f, at):
    at.requires_grad_()
    y = f(at)
    rows = [torch.autograd.grad(y, at, v, retain_graph=True)[0] for v in torch.eye(len(y))]
    return torch.stack(rows)

# %% autograd-6 passes
def jacobian_by_rows(f, at):
    leaf = at.detach().clone().requires_grad_()
    rows = []
    for i in range(len(f(leaf))):
        leaf.grad = None
        f(leaf)[i].backward()
        rows.append(leaf.grad.tolist())
    return torch.tensor(rows)

# %% autograd-6 refused: autograd.grad
def jacobian_by_rows(f, at):
    return jacfwd(f)(at)

# %% autograd-6 refused: autograd.grad
def jacobian_by_rows(f, at):
    return torch.func.jacrev(f)(at)

# %% autograd-6 refused: Mismatch in shape
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    rows = [torch.autograd.grad(y, leaf, v, retain_graph=True)[0] for v in torch.eye(2)]
    return torch.stack(rows)

# %% autograd-6 refused: Mismatch in shape
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    rows = [torch.autograd.grad(y, leaf, v, retain_graph=True)[0] for v in torch.eye(len(at))]
    return torch.stack(rows)

# %% autograd-6 refused: hard-coded size
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    rows = [torch.autograd.grad(y[i], leaf, retain_graph=True)[0] for i in range(2)]
    return torch.stack(rows)

# %% autograd-6 refused: a second time
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    return torch.stack([torch.autograd.grad(y, leaf, v)[0] for v in torch.eye(len(y))])

# %% autograd-6 refused: got tuple
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    rows = [torch.autograd.grad(y, leaf, v, retain_graph=True) for v in torch.eye(len(y))]
    return torch.stack(rows)

# %% autograd-6 refused: torch.stack them
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    return [torch.autograd.grad(y, leaf, v, retain_graph=True)[0] for v in torch.eye(len(y))]

# %% autograd-7 refused: the slope from above is lost
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return torch.log1p(torch.exp(x))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return torch.sigmoid(x)

# %% autograd-7 refused: that is the slope of sigmoid
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return torch.log1p(torch.exp(x))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad_output * s * (1 - s)

# %% autograd-7 refused: belongs in backward
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return torch.sigmoid(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output

# %% autograd-7 passes
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(x):
        y = torch.logaddexp(x, torch.zeros_like(x))
        return y

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output * (1 - torch.exp(-y))

# %% autograd-7 refused: not tuple
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return torch.log1p(torch.exp(x))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx, grad_output):
        x = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)

# %% autograd-7 refused: not enough values to unpack
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return torch.log1p(torch.exp(x))

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)

# %% autograd-7 refused: the result was saved, not x
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(x):
        y = torch.log1p(torch.exp(x))
        return y

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)

# %% autograd-5 same: every element is written over
# slopes = torch.zeros_like(w) => slopes = torch.ones_like(w)

# %% autograd-6 same: grad() for one input gives a tuple of one
# rows = [torch.autograd.grad(y, leaf, v, retain_graph=True)[0] for v in torch.eye(len(y))] => rows = [torch.autograd.grad(y, leaf, v, retain_graph=True)[-1] for v in torch.eye(len(y))]

# %% autograd-7 same: the operation has one input
# ctx.save_for_backward(inputs[0]) => ctx.save_for_backward(inputs[-1])
