"""What both contestants in Keras have in common: VGG16 with the shared weights, and the training of a
model, with the time of each epoch."""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tensorflow as tf

from measure import peak_megabytes, seconds_so_far, setting

versions = {"keras": keras.__version__, "tensorflow": tf.__version__}


def frozen_vgg16(weights):
    vgg16 = keras.applications.VGG16(
        include_top=False, weights=None, input_shape=(224, 224, 3)
    )
    vgg16.load_weights(weights)
    vgg16.trainable = False
    return vgg16


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch, validation included."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.started)


def fit(model, data, validation):
    """Trains as the setting says; gives the figures of the training for `report`."""
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_accuracy", min_delta=setting["minDelta"], patience=setting["patience"]
    )
    clock = Clock()
    model.fit(
        data,
        steps_per_epoch=setting["stepsPerEpoch"],
        epochs=setting["epochs"],
        validation_data=validation,
        validation_steps=setting["validationSteps"],
        callbacks=[stopping, clock],
        verbose=0,
    )
    return {
        "firstModelSeconds": seconds_so_far(),
        "peakMegabytes": peak_megabytes(),
        "epochSeconds": clock.seconds,
    }
