import pytest

from dltrain.evaluation.metric_names import canonical, find_name, find_value, is_higher_better, split_part


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
    "name", ["accuracy", "val_accuracy", "R2Score", "f1[spam]", "cosine_similarity", "roc_auc", "top_k_categorical_accuracy"]
)
def test_more_is_better(name):
    assert is_higher_better(name)


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
    ],
)
def test_less_is_better(name):
    assert not is_higher_better(name)


def test_find_value_looks_where_it_is_told():
    metrics = {"validation": {"loss": 0.3, "accuracy": 0.8}, "test": {"loss": 0.4, "test_score": 1.0}}
    assert find_value("loss", metrics, ["test", "validation"]) == ("test", "loss", 0.4)
    assert find_value("accuracy", metrics, ["test", "validation"]) == ("validation", "accuracy", 0.8)
    assert find_value("val_loss", metrics, ["test"]) == ("validation", "loss", 0.3)
    assert find_value("test_score", metrics, ["test"]) == ("test", "test_score", 1.0)
    assert find_value("recall", metrics, ["test"]) is None
