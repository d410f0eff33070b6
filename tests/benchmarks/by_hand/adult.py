"""The adult census experiment as a person writes it by hand with pandas, scikit-learn and Keras.

python adult.py FOLDER      (holds adult-train.csv and adult-test.csv)
"""

import os
import sys
import time

started = time.perf_counter()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from sklearn.compose import make_column_transformer  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402
from tensorflow.keras import Input, layers  # noqa: E402
from tensorflow.keras.models import Sequential  # noqa: E402

imported = time.perf_counter()
names = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race", "sex",
    "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
]  # fmt: skip
read = {"names": names, "na_values": "?", "skipinitialspace": True}
train = pd.read_csv(os.path.join(sys.argv[1], "adult-train.csv"), **read)
test = pd.read_csv(os.path.join(sys.argv[1], "adult-test.csv"), **read)
numbers = train.select_dtypes("number").columns.tolist()
categories = [name for name in names[:-1] if name not in numbers]
transform = make_column_transformer(
    (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
    (make_pipeline(SimpleImputer(strategy="constant", fill_value="missing"), OneHotEncoder(handle_unknown="ignore")), categories),
    sparse_threshold=0,
)
target, test_target = (frame["income"].str.rstrip(".").eq(">50K").to_numpy("float32") for frame in (train, test))
train, validation, target, validation_target = train_test_split(train, target, test_size=0.1, random_state=0, stratify=target)
train_x = transform.fit_transform(train).astype(np.float32)
validation_x, test_x = (transform.transform(frame).astype(np.float32) for frame in (validation, test))

model = Sequential(
    [
        Input(shape=(train_x.shape[1],)),
        layers.Dense(64, activation="relu"),
        layers.Dense(32, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
prepared = time.perf_counter()
model.fit(train_x, target, batch_size=128, epochs=20, validation_data=(validation_x, validation_target), verbose=0)
fitted = time.perf_counter()
loss, accuracy = model.evaluate(test_x, test_target, verbose=0)
model.save("adult_keras.h5")
done = time.perf_counter()
print(
    f"test accuracy {accuracy:.4f} loss {loss:.4f} | import {imported - started:.2f} s, data {prepared - imported:.2f} s, "
    f"fit {fitted - prepared:.2f} s, rest {done - fitted:.2f} s, total {done - started:.2f} s"
)
