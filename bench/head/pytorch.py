"""Milliseconds a training step of the original head takes in PyTorch: prints one JSON document.

    pip install torch==2.13.0
"""

import json
import sys
import time

import torch
from torch import nn

height, width, channels, samples, batch_size, threads, epochs = map(int, sys.argv[1:8])
channels_last = sys.argv[8] == "channels_last"
torch.set_num_threads(threads)
model = nn.Sequential(
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
    nn.Linear(128, 5),
)
features = torch.rand(samples, channels, height, width)
labels = torch.randint(0, 5, (samples,))
if channels_last:
    features = features.to(memory_format=torch.channels_last)
    model = model.to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(model.parameters())
loss = nn.CrossEntropyLoss()
times = []
for _ in range(epochs):
    started = time.perf_counter()
    for i in range(0, samples, batch_size):
        optimizer.zero_grad()
        loss(model(features[i : i + batch_size]), labels[i : i + batch_size]).backward()
        optimizer.step()
    times.append((time.perf_counter() - started) * 1000 / (samples // batch_size))
layout = "channels_last" if channels_last else "default layout"
print(json.dumps({"what": f"PyTorch {torch.__version__}, {layout}", "times": times[1:]}))
