"""Images a second of PyTorch's ImageFolder and DataLoader: prints one JSON document.

    python bench/extract/feed/dataloader.py FOLDER WORKERS [augment]

Each image decoded and resized to 224 x 224 by Pillow, as uint8; with `augment` also flipped and shifted
by up to a fifth (RandomAffine, bilinear), as Headstart's views are.
"""

import json
import resource
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import torch

try:
    torch.ops.load_library(next(Path(find_spec("torchvision").origin).parent.glob("_C*.so")))
except (AttributeError, OSError, StopIteration):
    # A torchvision whose operators do not load: nothing here needs them, but its import does.
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchvision import datasets, transforms

folder, workers = sys.argv[1], int(sys.argv[2])
steps = [transforms.Resize((224, 224))]
if len(sys.argv) > 3:
    bilinear = transforms.InterpolationMode.BILINEAR
    steps += [
        transforms.RandomHorizontalFlip(),
        transforms.RandomAffine(0, translate=(0.2, 0.2), interpolation=bilinear),
    ]
steps.append(transforms.PILToTensor())
data = datasets.ImageFolder(folder, transforms.Compose(steps))
loader = torch.utils.data.DataLoader(
    data, batch_size=8, shuffle=False, num_workers=workers, persistent_workers=True
)


def cpu():
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


torch.set_num_threads(1)
next(iter(torch.utils.data.DataLoader(data, batch_size=8)))
before = cpu()
started = time.perf_counter()
seen = sum(len(labels) for _, labels in loader)
seconds = time.perf_counter() - started
# The time of workers counts when they have ended.
del loader
print(
    json.dumps(
        {
            "views": seen,
            "images": seen,
            "seconds": seconds,
            "cpuSeconds": cpu() - before,
            "peakMegabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
