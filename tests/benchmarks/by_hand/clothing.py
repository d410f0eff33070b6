"""Transfer learning on the clothing pictures as a person writes it by hand with Keras.

python clothing.py FOLDER WEIGHTS EPOCHS      (FOLDER holds train, validation and test)

Prints the wall seconds of the import, of all that comes before training, of each epoch, and of the test.
"""

import json
import os
import sys
import time

started = time.perf_counter()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
from keras import layers  # noqa: E402

imported = time.perf_counter()
folder, weights, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
keras.utils.set_random_seed(1)


def read(part, shuffle):
    return keras.utils.image_dataset_from_directory(
        os.path.join(folder, part), image_size=(150, 150), batch_size=32, shuffle=shuffle, seed=1
    ).prefetch(2)


train, validation, test = read("train", True), read("validation", False), read("test", False)

base = keras.applications.Xception(weights=None, include_top=False, input_shape=(150, 150, 3))
base.load_weights(weights)
base.trainable = False

inputs = keras.Input(shape=(150, 150, 3))
x = keras.applications.xception.preprocess_input(inputs)
x = base(x, training=False)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dense(100, activation="relu")(x)
x = layers.Dropout(0.2)(x)
outputs = layers.Dense(10)(x)
model = keras.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.001),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
checkpoint = keras.callbacks.ModelCheckpoint(
    "xception_v1_{epoch:02d}_{val_accuracy:.3f}.keras", save_best_only=True, monitor="val_accuracy", mode="max"
)


class Clock(keras.callbacks.Callback):
    seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)


prepared = time.perf_counter()
model.fit(train, epochs=epochs, validation_data=validation, callbacks=[checkpoint, Clock()], verbose=2)
trained = time.perf_counter()
loss, accuracy = model.evaluate(test, verbose=0)
ended = time.perf_counter()
print(
    json.dumps(
        {
            "import": imported - started,
            "prepare": prepared - imported,
            "epochs": Clock.seconds,
            "train": trained - prepared,
            "test": ended - trained,
            "accuracy": accuracy,
        }
    )
)
