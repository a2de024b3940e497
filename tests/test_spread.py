"""What the lessons promise must not be luck: the same experiments with ten seeds.

The experiments use the lessons' own functions; the spread is printed at the end of the test run.
"""

import math

import matplotlib
import pytest
import torch
from torch import nn

from lesson import functions
from utils import accuracy, evaluate, fit, make_loader, predict
from utils.data import diabetes, diabetes_scaled

matplotlib.use("Agg")
SEEDS = range(10)


def spread(values):
    return f"from {min(values):.3f} to {max(values):.3f}"


def trained(model, X, y, loss_fn, *, lr, epochs, batch_size):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    loader = make_loader(X, y, batch_size=batch_size, shuffle=True)
    fit(model, loader, loss_fn, optimizer, epochs=epochs, progress=False)
    return model


TRUTH = torch.tensor([0.5, -1.0, -2.0, 2.0, 2.5], dtype=torch.float64)  # the dial of lesson 03


def test_validation_chooses_a_degree_near_the_true_one(record_property):
    hang, fit_poly, poly_error = functions("03_linear_regression", "hang", "fit_poly", "poly_error")
    chosen, loose = [], []
    for seed in SEEDS:
        (kg, cm), (kg_valid, cm_valid) = hang(20, seed), hang(20, 100 + seed)
        fits = [fit_poly(kg - 1, cm, degree) for degree in range(10)]
        errors = [poly_error(coefs, kg_valid - 1, cm_valid) for coefs in fits]
        chosen.append(errors.index(min(errors)))
        loose.append(errors[9] / errors[1])
    record_property("03, degree chosen by validation (true: 1)", " ".join(map(str, chosen)))
    record_property("03, validation error of degree 9 over that of degree 1", spread(loose))
    assert 0 not in chosen and sum(degree <= 2 for degree in chosen) >= 5
    assert sorted(loose)[5] > 2


def test_the_race_of_optimizers_has_one_order(record_property):
    names = "readings", "zero_line", "compete", "arrival"
    readings, _, compete, arrival = functions("03_linear_regression", *names)
    runners = {
        "SGD": lambda p, lr: torch.optim.SGD(p, lr=lr),
        "momentum": lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9),
        "Adam": lambda p, lr: torch.optim.Adam(p, lr=lr),
        "LBFGS": lambda p, lr: torch.optim.LBFGS(p, lr=lr, line_search_fn="strong_wolfe"),
    }
    needed = {name: [] for name in runners}
    for seed in SEEDS[:4]:  # a race takes three seconds
        z, y = readings(100, seed, truth=TRUTH)
        powers = z ** torch.arange(5)
        judge = torch.linalg.lstsq(powers, y).solution
        goal = ((powers @ judge - y) ** 2).mean().item() + 1e-4
        for name, make in runners.items():
            tried = (compete(make, lr, powers[:, 1:], y) for lr in (0.01, 0.03, 0.1, 0.3, 0.8, 2.0))
            needed[name].append(min(arrival(losses, goal)[0] for losses in tried))
    for name, counts in needed.items():
        record_property(f"03, gradients until the goal, {name}", spread(counts))
    assert max(needed["LBFGS"]) < min(needed["momentum"] + needed["Adam"])
    assert set(needed["SGD"]) == {math.inf}


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


def test_a_balanced_sampler_finds_more_patients(record_property):
    from sklearn.model_selection import train_test_split
    from torch.utils.data import WeightedRandomSampler

    (small_net,) = functions("06_dataset_dataloader", "small_net")
    table, gain = diabetes().to_numpy(dtype="float64"), []
    for seed in SEEDS:
        train, valid = train_test_split(
            table, test_size=192, stratify=table[:, 8], random_state=seed
        )
        mean, std = train[:, :8].mean(axis=0), train[:, :8].std(axis=0)
        X, X_valid = (torch.tensor((p[:, :8] - mean) / std).float() for p in (train, valid))
        y, y_valid = (torch.tensor(part[:, 8:]).float() for part in (train, valid))
        chances = torch.where(y[:, 0] == 1, 1 / y.sum(), 1 / (1 - y).sum()).tolist()
        recall = []
        for weights in ([1.0] * 576, chances):
            torch.manual_seed(seed)
            model = small_net()
            optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
            for _ in range(10):
                rows = torch.tensor(list(WeightedRandomSampler(weights, 576)))
                loader = make_loader(X[rows], y[rows], batch_size=25, drop_last=True)
                fit(model, loader, nn.BCEWithLogitsLoss(), optimizer, epochs=1, progress=False)
            recall.append(((predict(model, X_valid) > 0) & (y_valid == 1)).sum() / y_valid.sum())
        gain.append((recall[1] - recall[0]).item())
    record_property("06, recall that the balanced sampler adds", spread(gain))
    assert min(gain) > 0
