"""The original script: frozen VGG16 inside the training loop, augmented images. Prints one JSON
document.

    pip install keras==3.15.1 tensorflow-cpu==2.21.0 scipy pillow
    python keras_script.py FOLDER WEIGHTS.h5
"""

import contextlib
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from keras_common import fit, frozen_vgg16, keras, versions
from keras_head import head_layers
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from measure import report, setting

folder, weights = sys.argv[1:3]
batch_size = setting["batchSize"]
augmented = ImageDataGenerator(
    rescale=1.0 / 255,
    horizontal_flip=True,
    width_shift_range=setting["shift"],
    height_shift_range=setting["shift"],
)
plain = ImageDataGenerator(rescale=1.0 / 255)


def flow(generator, part, shuffle=True):
    return generator.flow_from_directory(
        f"{folder}/{part}",
        target_size=(224, 224),
        batch_size=batch_size,
        class_mode="categorical",
        shuffle=shuffle,
    )


keras.utils.set_random_seed(0)
with contextlib.redirect_stdout(sys.stderr):
    train, validation = flow(augmented, "train"), flow(plain, "validation")
    model = keras.Sequential([frozen_vgg16(weights), *head_layers(train.num_classes)])
    figures = fit(model, train, validation)
    _, accuracy = model.evaluate(flow(plain, "validation", shuffle=False), verbose=0)

images = batch_size * (setting["stepsPerEpoch"] + setting["validationSteps"])
epoch_seconds = sorted(figures["epochSeconds"])
report(
    "Keras, the original script",
    versions,
    **figures,
    imagesPerSecond=images / epoch_seconds[len(epoch_seconds) // 2],
    accuracy=accuracy,
)
