"""Milliseconds a training step takes in PyTorch: prints one JSON document.

    pip install torch==2.13.0
    python pytorch.py conv default|channels_last
    python pytorch.py linear default
    python pytorch.py matmul float32|bfloat16    GFLOP/s of one large matrix product instead
"""

import json
import pathlib
import sys
import time

import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from conv_head import conv_head

settings = json.loads(pathlib.Path(__file__).with_name("setting.json").read_text())
name, variant = sys.argv[1:3]
torch.set_num_threads(settings["threads"])


def train(model, features, labels, batch_size, epochs):
    """Milliseconds a step, one figure an epoch."""
    optimizer = torch.optim.Adam(model.parameters())
    loss = nn.CrossEntropyLoss()
    times = []
    for _ in range(epochs):
        started = time.perf_counter()
        for i in range(0, len(features), batch_size):
            optimizer.zero_grad()
            loss(model(features[i : i + batch_size]), labels[i : i + batch_size]).backward()
            optimizer.step()
        times.append((time.perf_counter() - started) * 1000 / (len(features) // batch_size))
    return times


def gradient_shares(model, features, labels):
    """For each convolution: elements of its output whose gradient is not zero, a window of the max
    pool behind it."""
    sums, windows = [], []
    for layer in model:
        features = layer(features)
        if isinstance(layer, nn.Conv2d):
            features.retain_grad()
            sums.append(features)
        elif isinstance(layer, nn.MaxPool2d):
            windows.append(features.numel())
    nn.CrossEntropyLoss()(features, labels).backward()
    return [s.grad.count_nonzero().item() / count for s, count in zip(sums, windows)]


def matmul(dtype):
    size = 2048
    a, b = (torch.rand(size, size).to(dtype) for _ in range(2))
    best = min(timed(lambda: a @ b) for _ in range(10))
    return {"gigaflops": 2 * size**3 / best / 1e9}


def timed(call):
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def steps():
    setting = settings[name]
    height, width, channels = setting["shape"]
    samples, classes = setting["samples"], setting["classes"]
    labels = torch.arange(samples) % classes
    if name == "linear":
        features = 0.1 * torch.randn(samples, channels).clamp(min=0)
        models = [nn.Linear(channels, classes) for _ in range(setting["heads"])]
    else:
        features = 0.1 * torch.randn(samples, channels, height, width).clamp(min=0)
        models = [conv_head(height, width, channels, classes)]
    if variant == "channels_last":
        features = features.to(memory_format=torch.channels_last)
        models = [model.to(memory_format=torch.channels_last) for model in models]
    each = [
        train(model, features, labels, setting["batchSize"], setting["epochs"]) for model in models
    ]
    times = [sum(epoch) / len(epoch) for epoch in zip(*each)]
    layout = {"default": "default layout", "channels_last": "channels_last"}[variant]
    result = {"what": f"PyTorch {torch.__version__}, {layout}", "times": times[1:]}
    if name == "conv":
        result["gradientShares"] = gradient_shares(models[0], features[:256], labels[:256])
    return result


print(json.dumps(matmul(getattr(torch, variant)) if name == "matmul" else steps()))
