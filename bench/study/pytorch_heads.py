"""Seconds that PyTorch takes to train the heads of a sweep one after another, in all and by kind of
head, and those of an epoch beforehand that counts for nothing: prints one JSON document.

    pip install torch==2.13.0 numpy safetensors
    python pytorch_heads.py TRAIN.safetensors VALIDATION.safetensors sweep.json pooled|maps
"""

import json
import pathlib
import sys
import time

import torch
from safetensors.torch import load_file
from torch import nn

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from conv_head import conv_head

torch.set_num_threads(2)
torch.manual_seed(0)
train_file, validation_file, sweep_file, how = sys.argv[1:5]


def load(path):
    tensors = load_file(path)
    features = tensors["features"].float()
    # PyTorch's convolutions take channels first.
    maps = features.permute(0, 3, 1, 2).contiguous() if features.dim() == 4 else features
    return maps, tensors["labels"].long()


train, labels = load(train_file)
validation, validation_labels = load(validation_file)
classes = int(labels.max()) + 1
pool = (lambda x: x.mean(dim=(2, 3))) if train.dim() == 4 else (lambda x: x)
pooled = pool(train), pool(validation)
channels = pooled[0].shape[1]


def head_of(choice):
    name = choice["head"]
    if name == "conv":
        return conv_head(train.shape[2], train.shape[3], channels, classes)
    first = [] if how == "pooled" or train.dim() == 2 else [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if name == "linear":
        return nn.Sequential(*first, nn.Linear(channels, classes))
    units = int(name.removeprefix("mlp-")) if name != "mlp" else 256
    dropout = nn.Dropout(choice.get("dropout", 0.25))
    hidden = [nn.Linear(channels, units), nn.ReLU(), dropout, nn.Linear(units, classes)]
    return nn.Sequential(*first, *hidden)


def optimizer_of(choice, parameters):
    rate, decay = choice["learningRate"], choice["weightDecay"]
    momentum = choice.get("momentum", 0)
    match choice["optimizer"]:
        case "adam" | "adamw":
            return torch.optim.AdamW(parameters, rate, eps=1e-7, weight_decay=decay)
        case "sgd":
            return torch.optim.SGD(parameters, rate, momentum=momentum, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(
                parameters, rate, alpha=0.9, momentum=momentum, weight_decay=decay
            )


def train_head(choice, epochs):
    x, v = (train, validation) if choice["head"] == "conv" or how == "maps" else pooled
    model = head_of(choice)
    optimizer = optimizer_of(choice, model.parameters())
    weights = None
    if choice["classWeights"] == "balanced":
        weights = len(labels) / (classes * torch.bincount(labels, minlength=classes).float())
    loss = nn.CrossEntropyLoss(weights, label_smoothing=choice["labelSmoothing"])
    for _ in range(epochs):
        model.train()
        order = torch.randperm(len(x))
        for i in range(0, len(x), 32):
            rows = order[i : i + 32]
            optimizer.zero_grad()
            loss(model(x[rows]), labels[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            (model(v).argmax(1) == validation_labels).float().mean().item()


trials = json.loads(pathlib.Path(sweep_file).read_text())["finished"]
started = time.perf_counter()
train_head(trials[0]["choice"], 1)
warm = time.perf_counter() - started
kinds = {}
for trial in trials:
    started = time.perf_counter()
    train_head(trial["choice"], trial["epochs"])
    kind = trial["choice"]["head"]
    kinds[kind] = kinds.get(kind, 0) + time.perf_counter() - started
what = f"PyTorch {torch.__version__}, one head after another"
print(json.dumps({"what": what, "seconds": sum(kinds.values()), "kinds": kinds, "warm": warm}))
