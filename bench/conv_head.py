"""The original head in PyTorch."""

from torch import nn


def conv_head(height, width, channels, classes):
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, 2, ceil_mode=True),
        nn.Dropout(0.25),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, 2, ceil_mode=True),
        nn.Flatten(),
        nn.Linear(64 * -(-height // 4) * -(-width // 4), 128),
        nn.ReLU(),
        nn.Linear(128, classes),
    )
