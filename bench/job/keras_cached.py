"""Keras with features that are computed once, from plain images, and kept in a file; the head is
trained on them. Prints one JSON document.

    pip install keras==3.15.1 tensorflow-cpu==2.21.0
    python keras_cached.py FOLDER WEIGHTS.h5 FEATURES.npz

Where FEATURES.npz is there, it is read, and nothing is computed.
"""

import pathlib
import sys
import time

import numpy as np

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from keras_common import fit, frozen_vgg16, keras, tf, versions
from keras_head import head_layers
from measure import report, setting

folder, weights, cache = sys.argv[1:4]
batch_size = setting["batchSize"]
classes = sorted(path.name for path in pathlib.Path(folder, "train").iterdir())


def read(path):
    pixels = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    return tf.image.resize(pixels, (224, 224)) / 255.0


def features_of(vgg16, part):
    files = [path for name in classes for path in sorted(pathlib.Path(folder, part, name).iterdir())]
    paths = tf.data.Dataset.from_tensor_slices([str(path) for path in files])
    images = paths.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size).prefetch(2)
    labels = np.array([classes.index(path.parent.name) for path in files])
    return vgg16.predict(images, verbose=0), np.eye(len(classes), dtype=np.float32)[labels]


rate = None
if not pathlib.Path(cache).exists():
    vgg16 = frozen_vgg16(weights)
    began = time.perf_counter()
    (x, y), (val_x, val_y) = features_of(vgg16, "train"), features_of(vgg16, "validation")
    rate = (len(x) + len(val_x)) / (time.perf_counter() - began)
    np.savez(cache, x=x, y=y, val_x=val_x, val_y=val_y)
arrays = np.load(cache)
x, y, val_x, val_y = (arrays[name] for name in ("x", "y", "val_x", "val_y"))

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input(x.shape[1:]), *head_layers(len(classes))])
data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=0).batch(batch_size).repeat()
validation = tf.data.Dataset.from_tensor_slices((val_x, val_y)).shuffle(len(val_x)).batch(batch_size)
figures = fit(model, data, validation)
_, accuracy = model.evaluate(val_x, val_y, batch_size=batch_size, verbose=0)
report("Keras, cached features", versions, **figures, imagesPerSecond=rate, accuracy=accuracy)
