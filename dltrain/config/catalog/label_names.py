"""What the labels of the named datasets are called, in the order of their codes."""

from __future__ import annotations

DIGITS = tuple(map(str, range(10)))
LABEL_NAMES: dict[str, tuple[str, ...]] = {
    "breast_cancer": ("malignant", "benign"),
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    "digits": DIGITS,
    "fashion_mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    "iris": ("setosa", "versicolor", "virginica"),
    "mnist": DIGITS,
    "wine": ("class_0", "class_1", "class_2"),
}  # fmt: skip
