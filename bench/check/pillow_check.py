"""Images a second that Pillow decodes to 32x32 RGB for a perceptual hash, a process a core.

Usage: pillow_check.py FOLDER
Does for each image what `headstart check` does: read it, turn it upright, shrink it (JPEG at a reduced
size), hash its cosine transform. Prints one JSON document.
"""

import json
import os
import sys
import time
from multiprocessing import Pool

import numpy
import PIL
from PIL import Image, ImageOps
from scipy.fft import dctn


def fingerprint(path):
    try:
        with Image.open(path) as image:
            image.draft("RGB", (64, 64))
            upright = ImageOps.exif_transpose(image).convert("RGB")
            small = upright.resize((32, 32), Image.Resampling.BILINEAR)
    except OSError:
        return None
    gray = numpy.asarray(small.convert("L"), dtype=numpy.float64)
    low = dctn(gray)[1:9, 1:9]
    return (low > numpy.median(low)).tobytes()


def main():
    endings = (".jpg", ".jpeg", ".png", ".webp")
    paths = sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(sys.argv[1])
        for name in names
        if name.lower().endswith(endings)
    )
    cores = len(os.sched_getaffinity(0))
    with Pool(cores) as pool:
        start = time.perf_counter()
        pool.map(fingerprint, paths, chunksize=8)
        seconds = time.perf_counter() - start
    what = f"Pillow {PIL.__version__}, {cores} processes"
    print(json.dumps({"what": what, "images": len(paths), "rate": len(paths) / seconds}))


main()
