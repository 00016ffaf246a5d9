"""Milliseconds a training step of the original head takes in Keras on TensorFlow: prints one JSON
document.

    pip install keras==3.15.1 tensorflow-cpu==2.21.0
"""

import json
import os
import pathlib
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from keras_head import head_layers

settings = json.loads(pathlib.Path(__file__).with_name("setting.json").read_text())
setting = settings["conv"]
tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
tf.config.threading.set_inter_op_parallelism_threads(1)


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch's steps."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.started)


model = keras.Sequential([keras.Input(setting["shape"]), *head_layers(setting["classes"])])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
samples, batch_size = setting["samples"], setting["batchSize"]
features = 0.1 * np.maximum(np.random.randn(samples, *setting["shape"]).astype(np.float32), 0)
labels = np.arange(samples) % setting["classes"]
batches = tf.data.Dataset.from_tensor_slices((features, labels)).batch(batch_size).prefetch(2)
clock = Clock()
model.fit(batches, epochs=setting["epochs"], verbose=0, callbacks=[clock])
times = [seconds * 1000 / (samples // batch_size) for seconds in clock.seconds]
what = f"Keras {keras.__version__}, TensorFlow {tf.__version__}"
print(json.dumps({"what": what, "times": times[1:]}))
