# %% autograd-1 refused: one-sided
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        up = w.clone()
        up[i] += h
        slopes[i] = (f(up) - f(w)) / h
    return slopes

# %% autograd-1 refused: divide by 2h
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        up, down = w.clone(), w.clone()
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / h
    return slopes

# %% autograd-1 refused: all elements moved at once
def numerical_gradient(f, w, h=1e-5):
    return torch.stack([(f(w + h) - f(w - h)) / (2 * h) for _ in w])

# %% autograd-1 refused: move a clone
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        up = w
        up[i] += h
        down = w
        down[i] -= 2 * h
        slopes[i] = (f(up) - f(down)) / (2 * h)
    return slopes

# %% autograd-1 passes
def numerical_gradient(f, w, h=1e-5):
    steps = torch.eye(len(w), dtype=w.dtype) * h
    return torch.stack([(f(w + s) - f(w - s)) / (2 * h) for s in steps])

# %% autograd-1 refused: / 2 * h multiplies by h
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        up, down = w.clone(), w.clone()
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / 2 * h
    return slopes

# %% autograd-1 refused: one-sided
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        down = w.clone()
        down[i] -= h
        slopes[i] = (f(w) - f(down)) / h
    return slopes

# %% autograd-1 refused: up and down are one tensor
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        up, down = w, w
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / (2 * h)
    return slopes

# %% autograd-1 refused: a new clone for each element
def numerical_gradient(f, w, h=1e-5):
    slopes, up, down = torch.zeros_like(w), w.clone(), w.clone()
    for i in range(len(w)):
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / (2 * h)
    return slopes

# %% autograd-1 refused: measure it
def numerical_gradient(f, w, h=1e-5):
    leaf = w.clone().requires_grad_()
    return torch.autograd.grad(f(leaf), leaf)[0]

# %% autograd-1 refused: stack a list
def numerical_gradient(f, w, h=1e-5):
    steps = torch.eye(len(w), dtype=w.dtype) * h
    return [(f(w + s) - f(w - s)) / (2 * h) for s in steps]

# %% autograd-1 refused: move a clone
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        w[i] += h
        up = f(w)
        w[i] -= 2 * h
        slopes[i] = (up - f(w)) / (2 * h)
    return slopes

# %% autograd-2 refused: the 2 is missing
h = math.tanh(-0.6)
chain = (h - 0.3, 1.0, 1 - h**2, -1.2)
du = math.prod(chain)

# %% autograd-2 refused: the factor that stays
h = math.tanh(-0.6)
chain = (2 * (h - 0.3), 1.0, 1 - h**2, 0.5)
du = math.prod(chain)

# %% autograd-2 refused: not z itself
h = math.tanh(-0.6)
chain = (2 * (h - 0.3), 1.0, 1 - 0.6**2, -1.2)
du = math.prod(chain)

# %% autograd-2 refused: along a path, multiply
h = math.tanh(-0.6)
chain = (2 * (h - 0.3), 1.0, 1 - h**2, -1.2)
du = sum(chain)

# %% autograd-2 passes
u = torch.tensor(0.5, requires_grad=True)
h = torch.tanh(u * -1.2)
loss = (h - 0.3) ** 2
chain = [2 * (h.item() - 0.3), 1, 1 - h.item() ** 2, -1.2]
du = torch.autograd.grad(loss, u)[0].item()

# %% autograd-2 refused: the order is reversed
h = math.tanh(-0.6)
chain = (-1.2, 1 - h**2, 1.0, 2 * (h - 0.3))
du = math.prod(chain)

# %% autograd-2 refused: the product so far
h = math.tanh(-0.6)
d = h - 0.3
chain = (2 * d, 2 * d, 2 * d * (1 - h**2), 2 * d * (1 - h**2) * -1.2)
du = chain[-1]

# %% autograd-3 refused: only the last batch
def accumulated(loss_fn, batches, w):
    for batch in batches:
        w.grad = None
        (loss_fn(w, batch) / len(batches)).backward()
    return w.grad

# %% autograd-3 refused: the batches were summed
def accumulated(loss_fn, batches, w):
    w.grad = None
    for batch in batches:
        loss_fn(w, batch).backward()
    return w.grad

# %% autograd-3 refused: still in the pile
def accumulated(loss_fn, batches, w):
    for batch in batches:
        (loss_fn(w, batch) / len(batches)).backward()
    return w.grad

# %% autograd-3 refused: still in the pile
def accumulated(loss_fn, batches, w):
    for batch in batches:
        loss_fn(w, batch).backward()
    w.grad /= len(batches)
    return w.grad

# %% autograd-3 passes
def accumulated(loss_fn, batches, w):
    w.grad = torch.zeros_like(w)
    for batch in batches:
        loss_fn(w, batch).backward()
    w.grad /= len(batches)
    return w.grad

# %% autograd-3 refused: one backward per batch
def accumulated(loss_fn, batches, w):
    return sum(torch.autograd.grad(loss_fn(w, b), w)[0] for b in batches) / len(batches)

# %% autograd-3 refused: one backward per batch
def accumulated(loss_fn, batches, w):
    w.grad = None
    (sum(loss_fn(w, batch) for batch in batches) / len(batches)).backward()
    return w.grad

# %% autograd-3 refused: one backward per batch
def accumulated(loss_fn, batches, w):
    w.grad = None
    loss_fn(w, torch.cat(list(batches))).backward()
    return w.grad

# %% autograd-3 refused: 'NoneType' object has no attribute 'zero_'
def accumulated(loss_fn, batches, w):
    w.grad.zero_()
    for batch in batches:
        (loss_fn(w, batch) / len(batches)).backward()
    return w.grad

# %% autograd-3 refused: now there are two batches
def accumulated(loss_fn, batches, w):
    w.grad = None
    for batch in batches:
        (loss_fn(w, batch) / 3).backward()
    return w.grad

# %% autograd-3 refused: is the return missing
def accumulated(loss_fn, batches, w):
    w.grad = None
    for batch in batches:
        (loss_fn(w, batch) / len(batches)).backward()

# %% autograd-4 refused: transposed
def jacobian_by_rows(f, at):
    return torch.func.jacrev(f)(at).T

# %% autograd-4 refused: the rows piled up
def jacobian_by_rows(f, at):
    leaf, rows = at.clone().requires_grad_(), []
    y = f(leaf)
    for v in torch.eye(len(y)):
        y.backward(v, retain_graph=True)
        rows.append(leaf.grad.clone())
    return torch.stack(rows)

# %% autograd-4 refused: all rows are one object
def jacobian_by_rows(f, at):
    leaf, rows = at.clone().requires_grad_(), []
    y = f(leaf)
    for v in torch.eye(len(y)):
        y.backward(v, retain_graph=True)
        rows.append(leaf.grad)
    return torch.stack(rows)

# %% autograd-4 refused: v = ones
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    return torch.autograd.grad(y, leaf, torch.ones_like(y))[0]

# %% autograd-4 refused: mark a clone
def jacobian_by_rows(f, at):
    at.requires_grad_()
    y = f(at)
    rows = [torch.autograd.grad(y, at, v, retain_graph=True)[0] for v in torch.eye(len(y))]
    return torch.stack(rows)

# %% autograd-4 passes
def jacobian_by_rows(f, at):
    leaf = at.detach().clone().requires_grad_()
    rows = []
    for i in range(len(f(leaf))):
        leaf.grad = None
        f(leaf)[i].backward()
        rows.append(leaf.grad.tolist())
    return torch.tensor(rows)

# %% autograd-4 refused: autograd.grad
def jacobian_by_rows(f, at):
    return jacfwd(f)(at)

# %% autograd-4 refused: autograd.grad
def jacobian_by_rows(f, at):
    return torch.func.jacrev(f)(at)

# %% autograd-4 refused: Mismatch in shape
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    rows = [torch.autograd.grad(y, leaf, v, retain_graph=True)[0] for v in torch.eye(2)]
    return torch.stack(rows)

# %% autograd-4 refused: Mismatch in shape
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    rows = [torch.autograd.grad(y, leaf, v, retain_graph=True)[0] for v in torch.eye(len(at))]
    return torch.stack(rows)

# %% autograd-4 refused: hard-coded size
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    rows = [torch.autograd.grad(y[i], leaf, retain_graph=True)[0] for i in range(2)]
    return torch.stack(rows)

# %% autograd-4 refused: a second time
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    return torch.stack([torch.autograd.grad(y, leaf, v)[0] for v in torch.eye(len(y))])

# %% autograd-4 refused: got tuple
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    rows = [torch.autograd.grad(y, leaf, v, retain_graph=True) for v in torch.eye(len(y))]
    return torch.stack(rows)

# %% autograd-4 refused: torch.stack them
def jacobian_by_rows(f, at):
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    return [torch.autograd.grad(y, leaf, v, retain_graph=True)[0] for v in torch.eye(len(y))]

# %% autograd-5 refused: the slope from above is lost
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.log1p(torch.exp(x))

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return torch.sigmoid(x)

# %% autograd-5 refused: that is the slope of sigmoid
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.log1p(torch.exp(x))

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad_output * s * (1 - s)

# %% autograd-5 refused: belongs in backward
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output

# %% autograd-5 passes
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.logaddexp(x, torch.zeros_like(x))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output * (1 - torch.exp(-y))

# %% autograd-5 refused: not tuple
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.log1p(torch.exp(x))

    @staticmethod
    def backward(ctx, grad_output):
        x = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)

# %% autograd-5 refused: not enough values to unpack
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.log1p(torch.exp(x))

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)

# %% autograd-6 refused: each got its own
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, self.data), (other, other.data)])

# %% autograd-6 refused: no input found
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data)

    def __mul__(self, other):
        return MyValue(self.data * other.data)

# %% autograd-6 refused: two edges lead to m
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, {self: 1.0, other: 1.0}.items())

    def __mul__(self, other):
        return MyValue(self.data * other.data, {self: other.data, other: self.data}.items())

# %% autograd-6 refused: the next + has nowhere to go
class MyValue(Value):
    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

# %% autograd-6 passes
class MyValue(Value):
    def __add__(self, other):
        out = type(self)(self.data + other.data)
        out.inputs = ((self, 1), (other, 1))
        return out

    def __mul__(self, other):
        out = type(self)(self.data * other.data)
        out.inputs = ((self, other.data), (other, self.data))
        return out

# %% autograd-6 refused: own .data
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, self.data), (other, other.data)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

# %% autograd-6 refused: in this order
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(1.0, self), (1.0, other)])

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(other.data, self), (self.data, other)])

# %% autograd-6 refused: two edges lead to m
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, {self: 1.0, other: 1.0}.items())

    def __mul__(self, other):
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

# %% autograd-6 refused: .grad stays 0
class MyValue(Value):
    def __add__(self, other):
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        self.grad += other.data
        other.grad += self.data
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])

# %% autograd-7 refused: do not assign
def backprop(root):
    order = []

    def visit(node):
        if node not in order:
            for below, _ in node.inputs:
                visit(below)
            order.append(node)

    visit(root)
    root.grad = 1.0
    for node in order[::-1]:
        for below, slope in node.inputs:
            below.grad = slope * node.grad
    return order[::-1]

# %% autograd-7 refused: b passed on before s had added its share
def backprop(root):
    order = [root]
    root.grad = 1.0
    for node in order:
        for below, slope in node.inputs:
            below.grad += slope * node.grad
            if below not in order:
                order.append(below)
    return order

# %% autograd-7 refused: b passed on twice
def backprop(root):
    order = [root]
    root.grad = 1.0

    def hand_down(node):
        for below, _ in node.inputs:
            if below not in order:
                order.append(below)
        for below in dict.fromkeys(n for n, _ in node.inputs):
            below.grad += local(node, below) * node.grad
            hand_down(below)

    hand_down(root)
    return order

# %% autograd-7 refused: reverse the list
def backprop(root):
    order = []

    def visit(node):
        if node not in order:
            for below, _ in node.inputs:
                visit(below)
            order.append(node)

    visit(root)
    root.grad = 1.0
    for node in order:
        for below, slope in node.inputs:
            below.grad += slope * node.grad
    return order

# %% autograd-7 refused: set it first
def backprop(root):
    order = []

    def visit(node):
        if node not in order:
            for below, _ in node.inputs:
                visit(below)
            order.insert(0, node)

    visit(root)
    for node in order:
        for below, slope in node.inputs:
            below.grad += slope * node.grad
    return order

# %% autograd-7 passes
def backprop(root):
    users, stack, seen = {}, [root], {root}
    while stack:
        for below, _ in stack.pop().inputs:
            users[below] = users.get(below, 0) + 1
            if below not in seen:
                seen.add(below)
                stack.append(below)
    root.grad, order = 1, [root]
    for node in order:
        for below, slope in node.inputs:
            below.grad += slope * node.grad
            users[below] -= 1
            if not users[below]:
                order.append(below)
    return order

# %% autograd-7 refused: sizes give no order
def backprop(root):
    nodes, stack = {root}, [root]
    while stack:
        for below, _ in stack.pop().inputs:
            if below not in nodes:
                nodes.add(below)
                stack.append(below)
    root.grad, order = 1.0, sorted(nodes, key=lambda node: -node.data)
    for node in order:
        for below, slope in node.inputs:
            below.grad += slope * node.grad
    return order

# %% autograd-7 refused: is the return missing
def backprop(root):
    order = []

    def visit(node):
        if node not in order:
            for below, _ in node.inputs:
                visit(below)
            order.append(node)

    visit(root)
    root.grad = 1.0
    for node in order[::-1]:
        for below, slope in node.inputs:
            below.grad += slope * node.grad

# %% autograd-8 refused: take a step per sample
def train(xs, ys, w, lr, rounds):
    x, y = torch.tensor(xs), torch.tensor(ys)
    w = torch.tensor(float(w), requires_grad=True)
    for _ in range(rounds):
        (slope,) = torch.autograd.grad(((w * x - y) ** 2).mean(), w)
        with torch.no_grad():
            w -= lr * slope
    return w.item()

# %% autograd-8 refused: clear it
def train(xs, ys, w, lr, rounds):
    w = torch.tensor(float(w), requires_grad=True)
    for _ in range(rounds):
        for x, y in zip(xs, ys):
            ((w * x - y) ** 2).backward()
            with torch.no_grad():
                w -= lr * w.grad
    return w.item()

# %% autograd-8 refused: uphill
def train(xs, ys, w, lr, rounds):
    w = torch.tensor(float(w), requires_grad=True)
    for _ in range(rounds):
        for x, y in zip(xs, ys):
            ((w * x - y) ** 2).backward()
            with torch.no_grad():
                w += lr * w.grad
            w.grad = None
    return w.item()

# %% autograd-8 refused: the 2 of the square's derivative
def train(xs, ys, w, lr, rounds):
    for _ in range(rounds):
        for x, y in zip(xs, ys):
            w = w - lr * x * (w * x - y)
    return float(w)

# %% autograd-8 passes
def train(xs, ys, w, lr, rounds):
    for _ in range(rounds):
        for x, y in zip(xs, ys):
            w = w - lr * 2 * x * (w * x - y)
    return float(w)

# %% autograd-8 refused: loops swapped
def train(xs, ys, w, lr, rounds):
    for x, y in zip(xs, ys):
        for _ in range(rounds):
            w = w - lr * 2 * x * (w * x - y)
    return float(w)

# %% autograd-8 refused: reverse order
def train(xs, ys, w, lr, rounds):
    for _ in range(rounds):
        for x, y in zip(xs[::-1], ys[::-1]):
            w = w - lr * 2 * x * (w * x - y)
    return float(w)

# %% autograd-8 refused: expected: 1.8172
def train(xs, ys, w, lr, rounds):
    for _ in range(20):
        for x, y in zip(xs, ys):
            w = w - lr * 2 * x * (w * x - y)
    return float(w)

# %% autograd-1 refused: same dtype
def numerical_gradient(f, w, h=1e-5):
    slopes = torch.zeros(len(w))
    for i in range(len(w)):
        up, down = w.clone(), w.clone()
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / (2 * h)
    return slopes

# %% autograd-3 passes
def accumulated(loss_fn, batches, w):
    if w.grad is not None:
        w.grad.zero_()
    for batch in batches:
        (loss_fn(w, batch) / len(batches)).backward()
    return w.grad

# %% autograd-5 refused: the result, not x
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.log1p(torch.exp(x))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)

# %% autograd-7 refused: return the order of the visits
def backprop(root):
    users, found = {}, [root]
    for node in found:
        for below, _ in node.inputs:
            users[below] = users.get(below, 0) + 1
            if below not in found:
                found.append(below)
    root.grad, ready = 1.0, [root]
    while ready:
        node = ready.pop()
        for below, slope in node.inputs:
            below.grad += slope * node.grad
            users[below] -= 1
            if users[below] == 0:
                ready.append(below)
    return found

# %% autograd-7 refused: the root comes first
def backprop(root):
    order = []

    def visit(node):
        if node not in order:
            for below, _ in node.inputs:
                visit(below)
            order.append(node)

    visit(root)
    root.grad = 1.0
    for node in reversed(order):
        for below, slope in node.inputs:
            below.grad += slope * node.grad
    return order

# %% autograd-8 refused: start from the w you are given
def train(xs, ys, w, lr, rounds):
    w = torch.tensor(0.0, requires_grad=True)
    for _ in range(rounds):
        for x, y in zip(xs, ys):
            (slope,) = torch.autograd.grad((w * x - y) ** 2, w)
            with torch.no_grad():
                w -= lr * slope
    return w.item()

# %% autograd-8 refused: start from the w you are given
def train(xs, ys, w, lr, rounds):
    w = torch.tensor(1.0, requires_grad=True)
    for _ in range(rounds):
        for x, y in zip(xs, ys):
            (slope,) = torch.autograd.grad((w * x - y) ** 2, w)
            with torch.no_grad():
                w -= lr * slope
    return w.item()

# %% autograd-8 refused: after every sample, not after every round
def train(xs, ys, w, lr, rounds):
    w = torch.tensor(float(w), requires_grad=True)
    for _ in range(rounds):
        for x, y in zip(xs, ys):
            ((w * x - y) ** 2).backward()
            with torch.no_grad():
                w -= lr * w.grad
        w.grad = None
    return w.item()

# %% autograd-8 refused: that is one round
def train(xs, ys, w, lr, rounds):
    for x, y in zip(xs, ys):
        w = w - lr * 2 * x * (w * x - y)
    return float(w)
