from __future__ import annotations

from tests.config.support import DATA, faults_of, load

TEXT = (
    "parameters: {size: 10, rate: $half, half: 0.5, layers: [Flatten, {Dense: {units: $size}}], opt: {SGD: {momentum: $half}}}\n"
    + DATA
    + "model: {layers: $layers}\ntraining: {optimizer: $opt}\nsweep: {parameters: {size: [1, 2]}}\n"
)


def test_a_name_stands_for_scalars_lists_and_components() -> None:
    config = load(TEXT.replace(" rate: $half,", ""))
    assert config.model.layers[1].component.arguments == {"units": 10}
    assert config.training is not None
    assert config.training.optimizer.arguments == {"momentum": 0.5}
    assert config.parameters["opt"] == {"SGD": {"momentum": 0.5}}
    assert not config.warnings
    assert "parameters" not in config.resolved


def test_an_override_reaches_a_parameter_before_it_is_put_in() -> None:
    config = load(TEXT, "parameters.size=100", "parameters.half=0.25", "training.batch_size=$size")
    assert config.model.layers[1].component.arguments == {"units": 100}
    assert config.training is not None
    assert config.training.optimizer.arguments == {"momentum": 0.25}
    assert config.training.batch_size == 100


def test_quoted_text_and_doubled_signs_are_text() -> None:
    config = load("data: {source: csv, path: a.csv, target: \"$y\", weight: $$w, drop: [$5, $], features: ['$size']}\n")
    assert config.data.target == ("$y",)
    assert config.data.weight == "$w"
    assert config.data.drop == ("$5", "$")
    assert list(config.data.features or {}) == ["$size"]


def test_an_unused_parameter_is_a_warning() -> None:
    [warning] = load("parameters: {used: 3, sise: 4}\n" + DATA + "training: {epochs: $used}\n").warnings
    assert (warning.line, warning.column, warning.path, warning.severity) == (1, 23, "parameters.sise", "warning")


def test_unknown_names_and_circles_are_errors() -> None:
    [fault] = faults_of("parameters: {size: 3}\n" + DATA + "training: {epochs: $sise, batch_size: $size}\n")
    assert (fault.line, fault.column, fault.path) == (3, 20, "training.epochs")
    assert 'did you mean "size"?' in str(fault)
    [circle] = faults_of("parameters: {a: $b, b: [$a]}\n" + DATA)
    assert "a → b → a" in circle.message
    [name] = faults_of("parameters: {a-b: 1}\n" + DATA)
    assert name.path == "parameters.a-b"


def test_a_wrong_value_says_which_parameter_brought_it() -> None:
    [fault] = faults_of("parameters: {size: ten}\n" + DATA + "training: {epochs: $size}\n")
    assert (fault.line, fault.path) == (3, "training.epochs")
    assert "the value of the parameter size" in fault.message


def test_a_swept_parameter_of_the_resolved_config_is_the_key_it_stood_at() -> None:
    once = load("parameters: {size: 3}\n" + DATA + "training: {epochs: $size}\nsweep: {parameters: {size: [1, 2]}}\n")
    assert once.resolved["sweep"]["parameters"] == {"training.epochs": [1, 2]}
    twice = load(
        "parameters: {size: 3}\n" + DATA + "training: {epochs: $size, batch_size: $size}\nsweep: {parameters: {size: [1]}}\n"
    )
    assert "sweep" not in twice.resolved


def test_attack_11_overrides_of_the_whole_block_and_of_one_are_taken_in_order() -> None:
    text = "parameters: {size: 3}\n" + DATA + "model: {layers: [{Dense: {units: $size}}]}\n"
    for words in (
        ["parameters={}", "parameters.size=5"],
        ["parameters={size: 5}"],
        ["parameters={size: 4}", "parameters.size=5"],
        ["parameters.size=4", "parameters={size: 5}"],
    ):
        assert load(text, *words).model.layers[0].component.arguments == {"units": 5}, words
    config = load(text.replace("$size", "2"), "parameters={}", "parameters.drop=1")
    assert [fault.path for fault in config.warnings] == ["parameters.drop"]
