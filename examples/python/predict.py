"""Labels images with an exported model. Headstart is not needed, only ONNX Runtime and Pillow:

    pip install onnxruntime pillow
    headstart export runs/fruit --out fruit.onnx
    python predict.py fruit.onnx photo.jpg more/*.png

Prints one JSON object a line: file, label, probabilities by class. An image that cannot be read
gives an error in its line, and exit code 1 at the end.
"""

import argparse
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def read_settings(session):
    """How pictures are brought to size, and the class names: the model says so itself."""
    metadata = session.get_modelmeta().custom_metadata_map
    _, height, width, _ = session.get_inputs()[0].shape
    return {
        "labels": json.loads(metadata["labels"]),
        "size": (width, height),
        "fit": metadata.get("fit", "stretch"),
        "method": Image.Resampling[metadata.get("resize", "bilinear").upper()],
    }


def read_image(path, settings):
    """The pixels that the model takes: uint8 RGB [height, width, 3]."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("RGB")
    size, method = settings["size"], settings["method"]
    if settings["fit"] == "crop":
        image = ImageOps.fit(image, size, method)
    elif settings["fit"] == "pad":
        image = ImageOps.pad(image, size, method, "black")
    elif image.size != size:
        image = image.resize(size, method)
    return np.asarray(image, dtype=np.uint8)


def main():
    parser = argparse.ArgumentParser(description="Label images with an exported model.")
    parser.add_argument("model", help="file that `headstart export` wrote")
    parser.add_argument("images", nargs="+")
    arguments = parser.parse_args()

    session = onnxruntime.InferenceSession(arguments.model)
    settings = read_settings(session)
    failed = False
    for path in arguments.images:
        try:
            pixels = read_image(path, settings)
        except (OSError, Image.DecompressionBombError) as error:
            print(json.dumps({"file": path, "error": str(error)}))
            failed = True
            continue
        probabilities, label = session.run(["probabilities", "label"], {"image": pixels[None]})
        by_class = dict(zip(settings["labels"], map(float, probabilities[0])))
        print(json.dumps({"file": path, "label": label[0], "probabilities": by_class}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
