"""A small network for rows of numbers."""

from torch import nn


def make_head(shape, classes, width, dropout):
    """Rows (N, *shape) → logits (N, classes)."""
    return nn.Sequential(
        nn.Linear(shape[0], width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, classes)
    )
