"""The GPU that is not there refuses what a real one refuses, and computes what the CPU computes."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch.utils.backend_registration")
TESTS = Path(__file__).parent
START = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
import torch
from torch import nn
import pretend_device
pretend_device.install()
from utils import accuracy, evaluate, fit, get_device, make_loader, predict, seed_everything
device = get_device()
"""


def on_device(code):
    """What ``code`` prints in a process of its own, since the device stays once it is there."""
    start = START.format(root=str(TESTS.parent), tests=str(TESTS))
    done = subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def _supported():
    from torch.utils import backend_registration

    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip("this torch knows no devices written in Python")


def test_forgotten_move_is_an_error():
    forgotten = [
        "nn.Linear(4, 3).to(device)(X)",
        "nn.Linear(4, 3)(X.to(device))",
        "nn.functional.mse_loss(X.to(device), X)",
        "nn.LSTM(4, 3).to(device)(X)",
        "nn.Embedding(9, 3).to(device)(torch.tensor([1, 2]))",
        "X[torch.tensor([0]).to(device)]",
        "X.to(device).numpy()",
    ]
    code = f"""
X = torch.randn(8, 4)
for forgotten in {forgotten}:
    try:
        eval(forgotten)
        print("accepted:", forgotten)
    except (RuntimeError, TypeError):
        pass
"""
    assert on_device(code) == ""


def test_training_gives_what_the_cpu_gives():
    code = """
def train(device, Body):
    seed_everything(0)
    X, y = torch.randn(64, 5, 4), torch.randint(3, (64,))
    body = Body(4, 8, batch_first=True)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = body, nn.Linear(8, 3)
        def forward(self, X):
            return self.head(self.body(X)[0][:, -1])
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loader = make_loader(X, y, batch_size=16, shuffle=True)
    history = fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=3, device=device,
        clip_norm=1.0, metrics={"accuracy": accuracy}, progress=False)
    assert next(model.parameters()).device == torch.device(device)
    measured = torch.tensor([history["loss"], history["accuracy"]])
    return evaluate(model, loader, nn.CrossEntropyLoss())["loss"], predict(model, X), measured
for Body in (nn.RNN, nn.GRU, nn.LSTM):
    for there, here in zip(train(device, Body), train("cpu", Body)):
        print(torch.allclose(torch.as_tensor(there), torch.as_tensor(here), atol=1e-6))
"""
    assert on_device(code) == "True\n" * 9


def test_loss_that_is_not_finite_is_noticed_before_an_epoch_is_recorded():
    code = """
X = torch.randn(64, 4)
X[40, 1] = float("nan")  # in batch 3 of 4: sums are looked at every 50 batches, and after an epoch
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
try:
    fit(model, make_loader(X, X[:, :1], batch_size=16), nn.MSELoss(), optimizer, epochs=9, device=device)
except FloatingPointError as error: print(str(error)[:70])
"""
    assert on_device(code) == (
        "the loss is not finite at step 4 (or up to 50 steps before), with lear\n"
    )
