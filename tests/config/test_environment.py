from __future__ import annotations

import html
import json
import pickle
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from dltrain import wording
from dltrain.config import dump_yaml, load_config_text
from dltrain.config.types import Config
from dltrain.errors import ConfigError, fault_documents
from dltrain.storage.atomic import write_atomically
from tests.config.support import DATA, faults_of, load

SECRET = "s3cr3t-hunter2"


@pytest.fixture(autouse=True)
def _no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "_SECRETS", {})


def training(text: str, *words: str) -> Config:
    return load(DATA + f"training:\n  epochs: {text}\n", *words)


@pytest.mark.parametrize(
    ("text", "value", "epochs"),
    [
        ("${env:EPOCHS}", "7", 7),
        ("${env:EPOCHS, 5}", "7", 7),
        ("${env:EPOCHS, 5}", None, 5),
        ("${ env:EPOCHS}", None, None),
        ("${env:EPOCHS , 5 }", "3", 3),
        ("1${env:EPOCHS}", "2", None),
    ],
)
def test_a_whole_value_is_read_as_if_it_stood_there(
    text: str, value: str | None, epochs: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EPOCHS", raising=False)
    if value is not None:
        monkeypatch.setenv("EPOCHS", value)
    if epochs is None:
        assert faults_of(DATA + f"training:\n  epochs: {text}\n")[0].path == "training.epochs"
    else:
        config = training(text).training
        assert config is not None
        assert config.epochs == epochs


@pytest.mark.parametrize(("value", "epochs"), [("7", 7), (None, 5), ("1e", None), ("0", None), ("", None)])
def test_within_brackets_it_stands_in_quotes_and_is_a_number_where_one_is_expected(
    value: str | None, epochs: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EPOCHS", raising=False)
    if value is not None:
        monkeypatch.setenv("EPOCHS", value)
    text = DATA.replace("data:", 'name: "${env:EPOCHS, 5}"\ndata:') if value != "" else DATA
    text += 'training: {epochs: "${env:EPOCHS, 5}"}\n'
    if epochs is None:
        assert faults_of(text)[0].path == "training.epochs"
    else:
        config = load(text)
        assert config.needed_training.epochs == epochs
        assert config.name == str(epochs)
    assert faults_of(DATA + 'training: {epochs: "7"}\n')[0].hint == "leave the quotes out"
    [fault] = faults_of(DATA + "training: {epochs: ${env:EPOCHS, 5}}\n")
    assert "needs quotes" in (fault.hint or "")


def test_a_secret_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "123456")
    [fault] = faults_of(DATA + 'training: {epochs: "${env:MY_TOKEN}"}\n')
    assert "123456" not in f"{fault.message}{fault.hint}"


def test_inside_of_text_in_quotes_and_in_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "here")
    monkeypatch.setenv("ZIP", "01234")
    data = 'data: {source: csv, target: y, path: "/${env:PLACE}/${env:PART, b}.csv", missing: ["${env:ZIP}", \'$${env:ZIP}\']}'
    config = load(data)
    assert config.data.path == ("/here/b.csv",)
    assert config.data.missing == ("01234", "${env:ZIP}")
    assert load_config_text(dump_yaml(config.resolved), folder=Path()).data == config.data
    assert load(data, "data.path=/${env:PLACE}.csv").data.path == ("/here.csv",)


def test_what_is_not_set_is_an_error_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    text = "data:\n  source: csv\n  target: y\n  path: a/${env:NOT_THERE}.csv\n"
    [fault] = faults_of(text)
    assert (fault.line, fault.column, fault.path) == (4, 9, "data.path")
    assert "NOT_THERE is not set" in fault.message
    assert "${env:NOT_THERE, default}" in (fault.hint or "")
    for wrong in ("${env:}", "${env:a b}", "${secret:1a}", "${env:A"):
        assert (
            "expected the name of an environment variable" in faults_of(text.replace("a/${env:NOT_THERE}.csv", wrong))[0].message
        )
    assert "write ${env:HOME}" in (faults_of(text.replace("a/${env:NOT_THERE}.csv", "${HOME}"))[0].hint or "")
    assert "is not set" in faults_of(DATA, "training.epochs=${env:NOT_THERE}")[0].message


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("model: {layers: [{Dense: {units: '${env:NOT_THERE}'}}]}", "model.layers.0.units"),
        ("training: {optimizer: {Adam: {learning_rate: '${env:NOT_THERE}'}}}", "training.optimizer.learning_rate"),
        (
            "training: {optimizer: {SGD: {learning_rate: {CosineDecay: {decay_steps: '${env:NOT_THERE}'}}}}}",
            "training.optimizer.learning_rate.decay_steps",
        ),
        ("training: {early_stopping: {patience: '${env:NOT_THERE}'}}", "training.early_stopping.patience"),
        ("training: {loss: '${env:NOT_THERE}'}", "training.loss"),
    ],
)
def test_the_path_of_a_variable_that_is_not_set_looks_through_names_of_components(text: str, path: str) -> None:
    assert [fault.path for fault in faults_of(DATA + text + "\n") if "NOT_THERE" in fault.message] == [path]


WITHOUT_VALUES = """
parameters: {x: "${env:NO_X}", y: "${env:NO_A}/${env:NO_B}", z: $x}
data: {source: "${env:NO_SOURCE}", path: $y, target: t}
model: {layers: ["${env:NO_LAYER}", Dense: {units: $x}, Dense: "${env:NO_ARGUMENTS}"]}
training: {epochs: $z, batch_size: 0, metrix: [AUC], metrics: ["${env:NO_METRIC}", acuracy], loss: $lost}
"""


def test_values_that_are_not_set_are_said_with_all_other_faults_and_nothing_that_follows_from_them() -> None:
    found = [(fault.path, fault.message.partition(",")[0]) for fault in faults_of(WITHOUT_VALUES)]
    not_set = "the environment variable {} is not set".format
    assert found == [
        ("parameters.x", not_set("NO_X")),
        ("parameters.y", not_set("NO_A")),
        ("parameters.y", not_set("NO_B")),
        ("data.source", not_set("NO_SOURCE")),
        ("model.layers.0", not_set("NO_LAYER")),
        ("model.layers.2.Dense", not_set("NO_ARGUMENTS")),
        ("training.batch_size", "expected a whole number of at least 1"),
        ("training.metrix", "unknown key of training"),
        ("training.metrics.0", not_set("NO_METRIC")),
        ("training.metrics.1", 'unknown metric "acuracy"'),
        ("training.loss", "unknown parameter lost"),
    ]


def test_nothing_of_the_environment_is_looked_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "${env:TWO}${env:TWO}")
    monkeypatch.setenv("TWO", "boom")
    assert load('name: x\ndata: {source: csv, target: y, path: "/${env:ONE}"}').data.path == ("/${env:TWO}${env:TWO}",)
    monkeypatch.setenv("ONE", "$x: [*y")
    assert load('data: {source: csv, target: y, path: "/${env:ONE}"}', "seed=1").data.path == ("/$x: [*y",)


def test_bombs_of_the_environment_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIG", "x" * 100_000)
    began = time.process_time()
    faults = faults_of("data: {source: csv, target: y, drop: [" + ", ".join(['"${env:BIG}"'] * 9_000) + "]}")
    assert "characters from the environment" in faults[0].message
    assert time.process_time() - began < 5


def test_a_secret_never_reaches_what_is_shown_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", SECRET)
    monkeypatch.setenv("MY_TOKEN", SECRET + "2")  # a secret by its name
    text = 'data: {source: csv, target: y, path: "/${secret:PLACE}/a.csv", weight: "${env:MY_TOKEN}"}'
    config = load(text)
    assert config.data.path == (f"/{SECRET}/a.csv",)
    stored = dump_yaml(config.resolved)
    assert "hunter2" not in stored
    assert "/${secret:PLACE}/a.csv" in stored
    assert "${env:MY_TOKEN}" in stored
    assert load_config_text(stored, folder=tmp_path).data == config.data

    [fault] = faults_of(text, "training.epochs=${secret:PLACE}")
    assert "hunter2" not in str(fault)
    assert "hunter2" not in str(fault_documents([fault]))
    write_atomically(tmp_path / "log.json", f'{{"where": "{SECRET}"}}'.encode())
    assert (tmp_path / "log.json").read_text() == '{"where": "${secret:PLACE}"}'
    monkeypatch.setattr(wording, "_SECRETS", {})
    pickle.loads(pickle.dumps(config.secrets))  # as a worker process takes it
    assert wording.printable(f"at {SECRET}") == "at ${secret:PLACE}"


def test_a_secret_is_hidden_as_json_pages_and_addresses_spell_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "gehéim\"\\ <&>'/"
    monkeypatch.setenv("PLACE", secret)
    monkeypatch.setenv("LONGER", secret + "more")
    load('data: {source: csv, target: y, path: "/${secret:PLACE}/a.csv", weight: "${secret:LONGER}"}')
    plain = {f"/{secret}/a.csv": [secret + "more"]}
    spelt = [json.dumps(plain), json.dumps(plain, ensure_ascii=False), repr(plain), html.escape(secret), quote(secret)]
    for text in spelt:
        assert "im" not in wording.without_secrets(text), text
        write_atomically(tmp_path / "file", text.encode())
        assert (tmp_path / "file").read_text() == wording.without_secrets(text)
    assert json.loads(wording.without_secrets(spelt[0])) == {"/${secret:PLACE}/a.csv": ["${secret:LONGER}"]}


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("name: ${secret:PW}", ["name"]),
        ("model: {layers: [{Dense: {units: 2, name: 'a_${env:DB_PASSWORD}'}}]}", ["model.layers.0.name"]),
        ("parameters: {p: '${secret:PW}'}\nmodel: {layers: [{Dense: {units: 2, name: $p}}]}", ["model.layers.0.name"]),
        ("training: {checkpoint: {filepath: '${secret:PW}.h5'}}", ["training.checkpoint.filepath"]),
        ("model: {weights: '/${secret:PW}/a.h5'}", []),
    ],
)
def test_a_secret_is_refused_where_the_run_would_hold_it(text: str, places: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PW", "DB_PASSWORD"):
        monkeypatch.setenv(name, SECRET)
    found = [] if not places else faults_of(DATA + text + "\n")
    assert [fault.path for fault in found] == places
    assert all("the run would hold the secret" in fault.message and SECRET not in str(fault) for fault in found)
    if not places:
        load(DATA + text + "\n")


def test_a_secret_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'data: {source: csv, target: y, path: "${secret:PLACE}"}'
    for value, part in (("ab", "fewer than 6"), ("", "is empty"), ("abc\x1b[31mdef", "no text")):
        monkeypatch.setenv("PLACE", value)
        with pytest.raises(ConfigError, match=part):
            load(text)


@pytest.mark.parametrize("key", ["training.epochs", "training.optimizer.learning_rate", "training.batch_size"])
def test_a_secret_is_no_number_and_the_hint_says_so(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_SECRET", "100000")
    with pytest.raises(ConfigError) as caught:
        load_config_text(
            "data: {source: iris}\nmodel: {layers: [Flatten]}\n",
            file="a.yaml",
            folder=Path("."),
            overrides=[f"{key}=${{secret:THE_SECRET}}"],
        )
    assert "100000" not in str(caught.value)
    assert (caught.value.faults[0].hint or "").startswith("a secret is text alone")


def test_a_name_without_end_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config_text("name: ${env:" + "A" * 500_000 + "}\n", file="a.yaml", folder=Path("."))
    assert "A… of 500,000 characters" in str(caught.value)
    assert len(caught.value.faults[0].message) < 200
