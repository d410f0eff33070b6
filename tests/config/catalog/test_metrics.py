from pathlib import Path

import pytest

from dltrain.config import load_config_text
from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.catalog.metrics import canonical, find_column, find_direction, find_name, find_value, metric_name, split_part
from dltrain.config.types import Component
from dltrain.training.saving.checkpoints import expand_template


@pytest.mark.parametrize(
    "spellings",
    [
        ("rmse", "RMSE", "root_mean_squared_error", "RootMeanSquaredError"),
        ("mae", "mean_absolute_error", "MeanAbsoluteError"),
        ("mse", "mean_squared_error"),
        ("r2", "R2Score", "r2_score"),
        ("accuracy", "acc", "binary_accuracy", "SparseCategoricalAccuracy"),
        ("f1", "F1Score"),
    ],
)
def test_spellings_of_one_metric(spellings):
    assert len({canonical(name) for name in spellings}) == 1


def test_an_exact_name_comes_before_another_spelling():
    assert find_name("auc", ["roc_auc", "auc"]) == "auc"
    assert find_name("auc", ["roc_auc"]) == "roc_auc"
    assert find_name("TopKCategoricalAccuracy", ["top_k_categorical_accuracy"]) == "top_k_categorical_accuracy"
    assert find_name("precision", ["recall"]) is None


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("accuracy", (None, "accuracy")),
        ("test.accuracy", ("test", "accuracy")),
        ("val.loss", ("validation", "loss")),
        ("val_loss", ("validation", "loss")),
        ("income.accuracy", (None, "income.accuracy")),
        ("val_", (None, "val_")),
    ],
)
def test_split_part(name, parts):
    assert split_part(name) == parts


@pytest.mark.parametrize(
    "name",
    [
        *("accuracy", "val_accuracy", "R2Score", "f1[spam]", "cosine_similarity", "roc_auc", "top_k_categorical_accuracy"),
        *("test.dice[water]", "iou[water]", "mean_dice"),  # of masks: the loss called dice is what lacks
    ],
)
def test_more_is_better(name):
    assert find_direction(name) == "max"


@pytest.mark.parametrize(
    "name",
    [
        "loss",
        "val_loss",
        "rmse",
        "test.mae",
        "RootMeanSquaredError",
        "binary_crossentropy",
        "kl_divergence",
        "price_rmse",
        "squared_hinge",
        "dice",
        "val_dice",
    ],
)
def test_less_is_better(name):
    assert find_direction(name) == "min"


def test_find_value_looks_where_it_is_told():
    metrics = {"validation": {"loss": 0.3, "accuracy": 0.8}, "test": {"loss": 0.4, "test_score": 1.0}}
    assert find_value("loss", metrics, ["test", "validation"]) == ("test", "loss", 0.4)
    assert find_value("accuracy", metrics, ["test", "validation"]) == ("validation", "accuracy", 0.8)
    assert find_value("val_loss", metrics, ["test"]) == ("validation", "loss", 0.3)
    assert find_value("test_score", metrics, ["test"]) == ("test", "test_score", 1.0)
    assert find_value("recall", metrics, ["test"]) is None


@pytest.mark.parametrize(
    ("name", "metric", "direction"),
    [
        ("abs_err", Component("metric", "MeanAbsoluteError", {"name": "abs_err"}), "min"),
        ("val_abs_err", Component("metric", "MeanAbsoluteError", {"name": "abs_err"}), "min"),
        ("test.price_abs_err", Component("metric", "MeanAbsoluteError", {"name": "abs_err"}), "min"),
        ("my_loss_free_score", Component("metric", "MeanSquaredError", {"name": "my_loss_free_score"}), "min"),
        ("rank_loss", Component("metric", "AUC", {"name": "rank_loss"}), "max"),
        ("surprise", Component("loss", "Huber", {"name": "surprise"}), "min"),
        ("hits", Component("metric", "TruePositives", {"name": "hits"}), "max"),
        ("misses", Component("metric", "FalseNegatives", {"name": "misses"}), "min"),
    ],
)
def test_d2_the_class_of_a_metric_says_whether_more_is_better(name, metric, direction):
    assert find_direction(name, [metric]) == direction


def test_d2_a_name_that_nothing_is_known_of_has_no_direction():
    assert find_direction("abs_err") is None
    assert find_direction("learning_rate") is None


def test_d2_every_metric_and_loss_of_keras_has_the_direction_that_keras_gives_it():
    import keras

    for name in load_catalog().names("metric"):
        metric_class = getattr(keras.metrics, name)
        found = find_direction(name, [])
        needed = {
            "num_classes": 2,
            "target_class_ids": [0],
            "recall": 0.5,
            "precision": 0.5,
            "sensitivity": 0.5,
            "specificity": 0.5,
        }
        entry = load_catalog().find("metric", name)
        metric = metric_class(**{key: needed[key] for key, value in entry.arguments.items() if value.required})
        # Keras gives a direction to what it averages once it has seen values; to others by itself.
        if getattr(metric, "_direction", None):
            assert found == {"up": "max", "down": "min"}[metric._direction], name
        assert found is not None, name


@pytest.mark.parametrize("wanted", ["val_mae", "val_mean_absolute_error", "val_MeanAbsoluteError"])
@pytest.mark.parametrize("column", ["mae", "mean_absolute_error"])
def test_d10_a_monitor_means_a_column_by_any_of_its_spellings(wanted, column):
    assert find_column(wanted, ["loss", column, "val_loss", f"val_{column}"]) == f"val_{column}"
    assert find_column(wanted, ["loss", column]) is None


@pytest.mark.parametrize("metric", ["mae", "mean_absolute_error", "MeanAbsoluteError"])
@pytest.mark.parametrize("monitor", ["val_mae", "val_mean_absolute_error"])
def test_d10_config_and_templates_take_either_spelling(metric, monitor):
    text = "data: {source: california_housing, split: {test: 0.2, validation: 0.2}}\n"
    text += (
        f"training: {{metrics: [{metric}], early_stopping: {{monitor: {monitor}}}, reduce_lr_on_plateau: {{monitor: {monitor}}},"
    )
    text += f' checkpoint: {{monitor: {monitor}, filepath: "m_{{{monitor}:.2f}}.h5"}}}}\n'
    training = load_config_text(text, folder=Path()).training
    assert training is not None
    names = [metric_name(each) for each in training.metrics]
    column = find_column(monitor, ["loss", *names, *(f"val_{name}" for name in names)])
    assert column is not None
    assert expand_template(training.checkpoint.filepath, 0, {column: 0.25}) == "m_0.25.h5"
