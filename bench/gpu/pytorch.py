"""Microseconds a training step of the original head takes in PyTorch on the GPU, or what the GPU can
do at all: prints one JSON document.

    pip install torch==2.13.0
    python pytorch.py eager|graphs     convolutions in TensorFloat-32, as PyTorch does by itself
    python pytorch.py limits
"""

import json
import pathlib
import sys
import time

import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from conv_head import conv_head

setting = json.loads(pathlib.Path(__file__).with_name("setting.json").read_text())
variant = sys.argv[1]
height, width, channels = setting["shape"]
samples, classes, batch = setting["samples"], setting["classes"], setting["batchSize"]
device = torch.device("cuda")


def steps():
    torch.backends.cudnn.benchmark = True
    features = 0.5 * torch.rand(samples, channels, height, width, device=device)
    labels = torch.arange(samples, device=device) % classes
    model = conv_head(height, width, channels, classes).to(device)
    optimizer = torch.optim.Adam(model.parameters(), capturable=variant == "graphs", fused=True)
    loss = nn.CrossEntropyLoss()
    x, y = features[:batch].clone(), labels[:batch].clone()

    def step():
        optimizer.zero_grad(set_to_none=False)
        loss(model(x), y).backward()
        optimizer.step()

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(5):
            step()
    torch.cuda.synchronize()
    graph = None
    if variant == "graphs":
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
    times = []
    for _ in range(setting["epochs"]):
        order = torch.randperm(samples, device=device)
        torch.cuda.synchronize()
        started = time.perf_counter()
        for i in range(0, samples, batch):
            rows = order[i : i + batch]
            torch.index_select(features, 0, rows, out=x)
            torch.index_select(labels, 0, rows, out=y)
            graph.replay() if graph else step()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - started) * 1e6 / (samples // batch))
    how = {"eager": "eager", "graphs": "CUDA graphs"}[variant]
    return {"what": f"PyTorch {torch.__version__}, {how}", "times": times[1:]}


def rate(call, amount):
    """Of the best of ten."""
    best = float("inf")
    for _ in range(10):
        torch.cuda.synchronize()
        started = time.perf_counter()
        call()
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - started)
    return amount / best


def limits():
    size = 8192
    found = {"device": torch.cuda.get_device_name()}
    for name, dtype, tf32 in [
        ("fp32", torch.float32, False),
        ("tf32", torch.float32, True),
        ("bf16", torch.bfloat16, False),
    ]:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b = (torch.rand(size, size, device=device).to(dtype) for _ in range(2))
        found[name] = rate(lambda: a @ b, 2 * size**3)
    source = torch.empty(2**30, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    found["bytes"] = rate(lambda: target.copy_(source), 2 * source.numel())
    return found


print(json.dumps(limits() if variant == "limits" else steps()))
