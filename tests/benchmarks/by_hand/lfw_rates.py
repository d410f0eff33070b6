"""Eight learning rates on LFW, one after the other in a loop, as a person writes it by hand in Keras.

python lfw_rates.py DATA_HOME      (a copy of the folder that holds lfw_home/: scikit-learn writes a cache into it)
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from sklearn.datasets import fetch_lfw_people
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from tensorflow.keras import Input, layers
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam

RATES = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1]

faces = fetch_lfw_people(min_faces_per_person=200, resize=0.25, data_home=sys.argv[1], download_if_missing=False)
pixels = faces.images.reshape(len(faces.images), -1)
train_x, test_x, train_y, test_y = train_test_split(pixels, faces.target, test_size=0.25, random_state=3, stratify=faces.target)
scaler = StandardScaler()
train_x, test_x = scaler.fit_transform(train_x), scaler.transform(test_x)

for rate in RATES:
    model = Sequential(
        [
            Input(shape=(pixels.shape[1],)),
            layers.Dense(20, activation="relu"),
            layers.Dense(10, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer=Adam(learning_rate=rate), loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(train_x, train_y, batch_size=16, epochs=8, verbose=0)
    loss, accuracy = model.evaluate(test_x, test_y, verbose=0)
    model.save(f"lfw_{rate:g}.h5")
    plt.plot(history.history["loss"], label=f"{rate:g}")
    print(f"learning rate {rate:g}: test accuracy {accuracy:.4f} loss {loss:.4f}", flush=True)
plt.legend()
plt.savefig("lfw_rates.png")
