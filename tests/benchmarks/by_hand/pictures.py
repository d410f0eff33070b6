"""A small convolutional net on folders of pictures as a person writes it by hand with Keras.

python pictures.py FOLDER EPOCHS      (holds train/ and validation/, a folder for each class; prints seconds of each epoch, the first with all before it)
"""

import itertools
import json
import os
import sys
import time

started = time.perf_counter()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
from keras import layers  # noqa: E402

SIZE, BATCH = (64, 64), 32
folder, epochs = sys.argv[1], int(sys.argv[2])
keras.utils.set_random_seed(3)
train, validation = (
    keras.utils.image_dataset_from_directory(os.path.join(folder, part), image_size=SIZE, batch_size=BATCH, verbose=False)
    for part in ("train", "validation")
)
model = keras.Sequential(
    [
        keras.Input((*SIZE, 3)),
        layers.Rescaling(1 / 255),
        layers.Conv2D(16, 2, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 2, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(100, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
ends = [started]
model.fit(
    train,
    validation_data=validation,
    epochs=epochs,
    verbose=0,
    callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))],
)
print(json.dumps([after - before for before, after in itertools.pairwise(ends)]))
