"""Images a second of VGG16.predict in Keras on the JPEG files of a folder, in float32: prints one
JSON document.

    pip install keras==3.15.1 tensorflow-cpu==2.21.0
    python keras_predict.py FOLDER

The weights are random, which costs what VGG16's own cost.
"""

import json
import os
import pathlib
import sys
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf

files = [str(path) for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.jpg"))]
model = keras.applications.VGG16(include_top=False, weights=None, input_shape=(224, 224, 3))


def read(path):
    pixels = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return keras.applications.vgg16.preprocess_input(tf.image.resize(pixels, (224, 224)))


def images(paths):
    data = tf.data.Dataset.from_tensor_slices(paths)
    return data.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(32).prefetch(2)


model.predict(images(files[:32]), verbose=0)
started = time.perf_counter()
model.predict(images(files), verbose=0)
rate = len(files) / (time.perf_counter() - started)
what = f"Keras {keras.__version__} predict, TensorFlow {tf.__version__}, from JPEG files"
print(json.dumps({"what": what, "rate": rate, "images": len(files)}))
