"""What the lessons promise must not be luck: the same experiments with ten seeds.

The experiments use the lessons' own functions; the spread is printed at the end of the test run.
"""

from pathlib import Path

import matplotlib
import pytest
import torch
from lesson import read_lesson, tags
from torch import nn

from utils import accuracy, evaluate, fit, make_loader, predict
from utils.data import diabetes_scaled

matplotlib.use("Agg")
LESSONS = Path(__file__).parent.parent / "lessons"
SEEDS = range(10)


def functions(stem, *names):
    """The named functions of a lesson, taken from the cells that define them."""
    cells = [c for c in read_lesson(LESSONS / f"{stem}.py").cells if c.cell_type == "code"]
    space = {}
    for cell in cells:
        wanted = any(f"def {name}(" in cell.source for name in names) and "exercise" not in tags(
            cell
        )
        if wanted or cell.source.startswith(("import ", "from ")):
            exec(cell.source.partition("\n\n\n")[0] if wanted else cell.source, space)
    return [space[name] for name in names]


def spread(values):
    return f"from {min(values):.3f} to {max(values):.3f}"


def trained(model, X, y, loss_fn, *, lr, epochs, batch_size):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    loader = make_loader(X, y, batch_size=batch_size, shuffle=True)
    fit(model, loader, loss_fn, optimizer, epochs=epochs, progress=False)
    return model


@pytest.mark.parametrize("kind", ["linear", "MLP"])
def test_spirals_defeat_a_line_and_not_an_mlp(kind, record_property):
    (spirals,) = functions("04_logistic_regression", "spirals")
    found = []
    for seed in SEEDS:
        generator = torch.Generator().manual_seed(seed)
        (X, y), (X_test, y_test) = spirals(100, generator), spirals(100, generator)
        torch.manual_seed(seed)
        hidden = [nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)]
        model = nn.Linear(2, 3) if kind == "linear" else nn.Sequential(*hidden)
        trained(model, X, y, nn.CrossEntropyLoss(), lr=0.01, epochs=100, batch_size=50)
        found.append(accuracy(predict(model, X_test), y_test).item())
    record_property(f"04, spirals, accuracy of the {kind} model", spread(found))
    assert max(found) < 0.5 if kind == "linear" else min(found) > 0.95


def test_weighting_finds_faults_and_loses_accuracy(record_property):
    (machine_parts,) = functions("04_logistic_regression", "machine_parts")
    recalls, accuracies = [], []
    for seed in SEEDS:
        generator = torch.Generator().manual_seed(seed)
        (X, y), (X_test, y_test) = (machine_parts(4000, generator) for _ in range(2))
        torch.manual_seed(seed)
        loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([99.0]))
        model = trained(nn.Linear(2, 1), X, y, loss_fn, lr=0.3, epochs=100, batch_size=4000)
        flagged = predict(model, X_test) > 0
        recalls.append(flagged[y_test == 1].float().mean().item())
        accuracies.append((flagged == (y_test == 1)).float().mean().item())
    record_property("04, faults found by the weighted detector", spread(recalls))
    record_property("04, its accuracy (the baseline has 0.990)", spread(accuracies))
    assert min(recalls) > 0.6 and max(accuracies) < 0.99


def test_classic_network_says_one_word(record_property):
    (classic_network,) = functions("05_diabetes_mlp", "classic_network")
    table = torch.tensor(diabetes_scaled().to_numpy(), dtype=torch.float32)
    X, y = table[:, :8], table[:, 8:]
    majority, found = max(y.mean().item(), 1 - y.mean().item()), []
    for seed in SEEDS:
        torch.manual_seed(seed)
        model = classic_network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(100):
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy(model(X), y).backward()
            optimizer.step()
        found.append(((model(X) > 0.5) == (y > 0.5)).float().mean().item())
    record_property(f"05, classic network, accuracy (majority {majority:.3f})", spread(found))
    assert found == pytest.approx([majority] * 10, abs=1e-6)


def test_network_of_lesson_00_separates_the_moons(record_property):
    from sklearn.datasets import make_moons

    points, classes = make_moons(500, noise=0.15, random_state=1)
    X_new, y_new = torch.tensor(points, dtype=torch.float32), torch.tensor(classes)
    points, classes = make_moons(500, noise=0.15, random_state=0)
    X, y, found = torch.tensor(points, dtype=torch.float32), torch.tensor(classes), []
    for seed in SEEDS:
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
        trained(model, X, y, nn.CrossEntropyLoss(), lr=0.05, epochs=300, batch_size=500)
        loader = make_loader(X_new, y_new, batch_size=500)
        found.append(evaluate(model, loader, metrics={"accuracy": accuracy})["accuracy"])
    record_property("00, moons, accuracy on new points", spread(found))
    assert min(found) > 0.97
