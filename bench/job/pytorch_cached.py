"""PyTorch with features that are computed once, from plain images, and kept in a file; the head is
trained on them. Prints one JSON document.

    pip install torch==2.13.0 pillow h5py numpy
    python pytorch_cached.py FOLDER WEIGHTS.h5 FEATURES.pt

Where FEATURES.pt is there, it is read, and nothing is computed.
"""

import pathlib
import sys
import time

import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from conv_head import conv_head
from measure import peak_megabytes, report, seconds_so_far, setting

folder, weights, cache = sys.argv[1:4]
batch_size = setting["batchSize"]
classes = sorted(path.name for path in pathlib.Path(folder, "train").iterdir())


def vgg16():
    """Convolutions with the weights of Keras's file, in channels_last, which is faster on a CPU."""
    import h5py

    modules = []
    with h5py.File(weights) as file:
        for block, count in enumerate([2, 2, 3, 3, 3], 1):
            for conv in range(1, count + 1):
                name = f"block{block}_conv{conv}"
                kernel, bias = (torch.tensor(file[name][name][part][:]) for part in ("kernel:0", "bias:0"))
                layer = nn.Conv2d(kernel.shape[2], kernel.shape[3], 3, padding=1)
                layer.weight.data = kernel.permute(3, 2, 0, 1).contiguous()
                layer.bias.data = bias
                modules += [layer, nn.ReLU(inplace=True)]
            modules.append(nn.MaxPool2d(2))
    return nn.Sequential(*modules).eval().to(memory_format=torch.channels_last)


class Images(torch.utils.data.Dataset):
    """The images of a part of the data, from 0 to 1, with their labels."""

    def __init__(self, part):
        self.files = [
            path for name in classes for path in sorted(pathlib.Path(folder, part, name).iterdir())
        ]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        import numpy as np
        from PIL import Image

        path = self.files[i]
        image = Image.open(path).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
        return pixels, classes.index(path.parent.name)


@torch.inference_mode()
def features_of(model, part):
    loader = torch.utils.data.DataLoader(Images(part), batch_size=batch_size)
    batches = [
        (model(pixels.to(memory_format=torch.channels_last)), labels) for pixels, labels in loader
    ]
    return torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches])


rate = None
if not pathlib.Path(cache).exists():
    model = vgg16()
    began = time.perf_counter()
    (x, y), (val_x, val_y) = features_of(model, "train"), features_of(model, "validation")
    rate = (len(x) + len(val_x)) / (time.perf_counter() - began)
    torch.save((x, y, val_x, val_y), cache)
x, y, val_x, val_y = torch.load(cache)

torch.manual_seed(0)
_, channels, height, width = x.shape
head = conv_head(height, width, channels, len(classes)).to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(head.parameters(), eps=1e-7)
loss_of = nn.CrossEntropyLoss()


def batches_of(count):
    """Indices of shuffled batches, without end."""
    while True:
        for part in torch.randperm(count).split(batch_size):
            yield part


@torch.inference_mode()
def accuracy_on(x, y):
    head.eval()
    hits = sum((head(x[i]).argmax(1) == y[i]).sum().item() for i in torch.arange(len(x)).split(batch_size))
    head.train()
    return hits / len(x)


batches, best, waited, seconds = batches_of(len(x)), -1.0, 0, []
for _ in range(setting["epochs"]):
    began = time.perf_counter()
    for _ in range(setting["stepsPerEpoch"]):
        chosen = next(batches)
        optimizer.zero_grad()
        loss_of(head(x[chosen]), y[chosen]).backward()
        optimizer.step()
    some = torch.randperm(len(val_x))[: batch_size * setting["validationSteps"]]
    accuracy = accuracy_on(val_x[some], val_y[some])
    seconds.append(time.perf_counter() - began)
    waited = 0 if accuracy - setting["minDelta"] > best else waited + 1
    best = max(best, accuracy) if waited == 0 else best
    if waited >= setting["patience"]:
        break
first_model = seconds_so_far()
report(
    "PyTorch, cached features",
    {"torch": torch.__version__},
    firstModelSeconds=first_model,
    epochSeconds=seconds,
    imagesPerSecond=rate,
    peakMegabytes=peak_megabytes(),
    accuracy=accuracy_on(val_x, val_y),
)
