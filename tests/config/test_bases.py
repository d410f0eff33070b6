from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from dltrain.cli.app import run
from dltrain.config import load_config, load_config_text
from dltrain.config.bases import near_files
from dltrain.config.load import origins
from dltrain.errors import ConfigError
from dltrain.sweep.plan import SweepOptions, base_text, plan_sweep, trial_config

BASE = """
data: {source: csv, path: houses.csv, target: price, split: {test: 0.25, validation: 0.2}, encode: {zip: one_hot}}
model: {layers: [{Dense: {units: 4}}, {Dense: {units: 2}}]}
training:
  optimizer: {Adam: {learning_rate: 0.01}}
  metrics: [mae]
  early_stopping: {monitor: val_loss, patience: 3}
"""


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".yaml").write_text(text)
    return folder


def faults_of(file: Path, *overrides: str) -> list[tuple[str, int | None, int | None, str]]:
    with pytest.raises(ConfigError) as caught:
        load_config(file, overrides)
    return [(Path(fault.file or "").name, fault.line, fault.column, fault.message) for fault in caught.value.faults]


def test_mappings_merge_and_lists_and_components_are_replaced(tmp_path: Path) -> None:
    own = """
extends: base
data: {encode: {street: embedding}, split: {test: 0.1}}
model: {layers: [Flatten]}
training: {optimizer: {SGD: {momentum: 0.9}}, early_stopping: {patience: 7}, metrics: null}
"""
    write(tmp_path, base=BASE, own=own.replace("base", "base.yaml"))
    plain = load_config(tmp_path / "own.yaml").resolved
    assert plain["data"]["encode"] == {"zip": "one_hot", "street": "embedding"}
    assert plain["data"]["split"] == {"test": 0.1, "validation": 0.2}
    assert plain["model"]["layers"] == ["Flatten"]
    assert plain["training"]["optimizer"] == {"SGD": {"momentum": 0.9}}
    assert plain["training"]["early_stopping"] == {"monitor": "val_loss", "patience": 7}
    assert "extends" not in plain


def test_later_files_win_and_the_config_wins_over_all(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, a="extends: base.yaml\nseed: 1\ntraining: {epochs: 1}", b="seed: 2\ntraining: {batch_size: 2}")
    write(tmp_path, own="extends: [a.yaml, b.yaml]\ntraining: {batch_size: 3}")
    config = load_config(tmp_path / "own.yaml")
    assert config.training is not None
    assert (config.seed, config.training.epochs, config.training.batch_size) == (2, 1, 3)
    assert [Path(file).name for file in config.extends] == ["a.yaml", "base.yaml", "b.yaml"]
    assert load_config(tmp_path / "own.yaml", ["seed=9"]).seed == 9


def test_paths_are_relative_to_the_file_they_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, shared__base=BASE, mine__own="extends: ../shared/base.yaml\ndata: {test: t.csv, split: {test: null}}")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    data = load_config(tmp_path / "mine" / "own.yaml").data
    assert (data.path, data.test) == ((f"{tmp_path}/shared/houses.csv",), (f"{tmp_path}/mine/t.csv",))
    write(tmp_path, elsewhere__over="seed: 4")
    assert load_config(tmp_path / "mine" / "own.yaml", ["extends=[../shared/base.yaml, over.yaml]"]).seed == 4


def test_an_error_names_the_file_and_place_where_the_value_stands(tmp_path: Path) -> None:
    write(tmp_path, base=BASE.replace("0.25", "25"), own="extends: base.yaml\ntraining: {epochs: ten}\n")
    assert [fault[:3] for fault in faults_of(tmp_path / "own.yaml")] == [("base.yaml", 2, 68), ("own.yaml", 2, 20)]
    write(tmp_path, base="data: [\n")
    assert faults_of(tmp_path / "own.yaml")[0][0] == "base.yaml"


def test_circles_are_told_as_such(tmp_path: Path) -> None:
    write(tmp_path, a="extends: b.yaml", b="extends: sub/../c.yaml", sub__x="seed: 1", self="extends: self.yaml")
    (tmp_path / "c.yaml").symlink_to("a.yaml")
    [(file, line, column, message)] = faults_of(tmp_path / "a.yaml")
    assert (file, line, column) == ("b.yaml", 1, 10)
    assert message.endswith("a.yaml → " + str(tmp_path / "b.yaml") + " → " + str(tmp_path / "c.yaml"))
    assert "extends itself" in faults_of(tmp_path / "self.yaml")[0][3]
    assert "extends itself" in faults_of(tmp_path / "b.yaml", f"extends={tmp_path}/b.yaml")[0][3]


def test_an_override_names_a_base_by_its_position(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(tmp_path, a=f"{BASE}\nseed: 1", b=f"{BASE}\nseed: 2", c="name: c"))
    write(tmp_path, one="extends: a.yaml", two="extends: [a.yaml, b.yaml]", none=BASE)
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    assert [load_config(one, words).seed for words in ([], ["extends.0=b.yaml"])] == [1, 2]
    assert [load_config(two, words).seed for words in ([], ["extends.1=a.yaml"], ["extends.1=null"])] == [2, 1, 1]
    added = load_config(one, ["extends.0+=c.yaml"])
    assert (added.seed, added.name) == (1, "c")
    for word, said in {"extends.2=a.yaml": "no entry 2", "extends.b=c.yaml": "no entry named b"}.items():
        assert [message for *_, message in faults_of(two, word)] == [f'{said}, in "{word}"']
    assert [message for *_, message in faults_of(tmp_path / "none.yaml", "extends.0=c.yaml")] == [
        'no entry 0, in "extends.0=c.yaml"'
    ]
    with pytest.raises(ConfigError, match=r"varied as a whole, not extends\.0"):
        plan_sweep(load_config(two), SweepOptions(over=["extends.0=a.yaml,c.yaml"]))


def test_a_model_that_an_override_takes_away_with_its_base_is_missed(tmp_path: Path) -> None:
    write(
        tmp_path,
        base="model: {layers: [Flatten]}\ntraining: {epochs: 3}",
        one="extends: base.yaml\ndata: {source: digits}",
        two="name: two",
    )
    assert not load_config(tmp_path / "one.yaml").warnings
    for word in ("extends=null", "extends.0=null", f"extends={tmp_path}/two.yaml"):
        [said] = load_config(tmp_path / "one.yaml", [word]).warnings
        assert "the net is its output layer alone" in said.message
        assert word in said.message
    assert not load_config(tmp_path / "one.yaml", ["extends=null", "model.layers=[Flatten]"]).warnings


def test_what_cannot_be_a_base(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, folder__x="seed: 1", words="- a\n")
    (tmp_path / "data.csv").write_text("a\n1\n")
    wrong = ["bsae.yaml", "folder", "data.csv", "/dev/zero", "words.yaml"]
    write(tmp_path, own=f"extends: [{', '.join(wrong)}, {{a: 1}}, 3]")
    messages = " ".join(message for *_, message in faults_of(tmp_path / "own.yaml"))
    for part in ("no such config file", "found a folder", "a file of data", "zero", "a list of 1", "a mapping", "found 3"):
        assert part in messages, part
    with pytest.raises(ConfigError, match=r'did you mean "base\.yaml"'):
        load_config(tmp_path / "own.yaml")


def test_many_and_deep_bases_end_soon(tmp_path: Path) -> None:
    began = time.process_time()
    twice = {f"x{number}": f"extends: [x{number + 1}.yaml, x{number + 1}.yaml]" for number in range(15)}
    write(tmp_path, **twice, x15="seed: 1")
    assert "at most 100 configs" in faults_of(tmp_path / "x0.yaml")[0][3]
    write(tmp_path, **{f"d{number}": f"extends: d{number + 1}.yaml" for number in range(30)}, d30="seed: 1")
    assert "at most 20" in faults_of(tmp_path / "d0.yaml")[0][3]
    write(tmp_path, many=f"extends: [{', '.join(['x15.yaml'] * 29_000)}]", large="\n".join(f"k{n}: 1" for n in range(14_000)))
    assert "at most 100 configs" in faults_of(tmp_path / "many.yaml")[0][3]
    write(tmp_path, own="extends: [large.yaml, large.yaml, large.yaml]")
    assert "at most 30,000 values" in faults_of(tmp_path / "own.yaml")[0][3]
    assert time.process_time() - began < 10


def test_the_resolved_config_says_which_file_gave_a_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, base=BASE, own="extends: base.yaml\ntraining:\n  early_stopping: {patience: 7}\n")
    (tmp_path / "houses.csv").write_text("zip,street,price\n" + "".join(f"z{n % 3},s{n % 2},{n}\n" for n in range(40)))
    config = load_config(tmp_path / "own.yaml", ["training.epochs=30"])
    found = {key: Path(where).name for key, where in origins(config).items()}
    assert found["data.target"] == "base.yaml:2"
    assert found["training.early_stopping.monitor"] == "base.yaml:7"
    assert found["training.early_stopping.patience"] == "own.yaml:3"
    assert found["training.epochs"] == "training.epochs=30"
    assert run(["check", str(tmp_path / "own.yaml"), "--resolved", "training.epochs=30"]) == 0
    text = capsys.readouterr().out
    assert "epochs: 30  # training.epochs=30" in text
    assert f"patience: 7  # {tmp_path}/own.yaml:3" in text
    again = load_config_text(text, folder=tmp_path)
    assert again.training is not None
    assert replace(again.training, loss=None) == config.training  # the loss that follows from the task is written out
    assert origins(load_config_text(text, folder=tmp_path)) == {}


def test_several_configs_of_one_fit_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "a.yaml", "b.yaml"]) == 2
    said = capsys.readouterr().err
    assert "dltrain fit a.yaml extends=b.yaml" in said
    assert "dltrain sweep a.yaml --over extends=b.yaml" in said


def test_no_hint_leads_into_a_circle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, base="seed: 1", child="extends: base.yaml", grandchild="extends: child.yaml", other="seed: 2")
    assert run(["fit", "base.yaml", "grandchild.yaml"]) == 2
    assert "grandchild.yaml begins with base.yaml already: dltrain fit grandchild.yaml" in capsys.readouterr().err
    assert run(["sweep", "base.yaml", "child.yaml", "other.yaml"]) == 2
    said = capsys.readouterr().err
    assert "dltrain fit child.yaml extends=other.yaml;" in said
    assert "dltrain sweep child.yaml --over extends=other.yaml" in said


@pytest.mark.parametrize("address", ["https://me:hunter2hunter2@example.org/base.yaml", "s3://bucket/base.yaml"])
def test_an_address_is_no_file_to_begin_with(address: str, tmp_path: Path) -> None:
    write(tmp_path, own=f"extends: {address}")
    [(_, line, column, message)] = faults_of(tmp_path / "own.yaml")
    assert (line, column) == (1, 10)
    assert "found the address" in message
    assert "://" in message
    assert "hunter2" not in message


def test_a_path_that_no_system_takes_is_not_looked_for(tmp_path: Path) -> None:
    write(tmp_path, own=f"extends: {'a/' * 200_000}b.yaml")
    begun = time.process_time()
    [(_, line, _, message)] = faults_of(tmp_path / "own.yaml")
    assert time.process_time() - begun < 2
    assert (line, message) == (1, "expected a path of at most 4,096 characters, found one of 400,006")


def test_files_are_swept_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = "model: {layers: [{Dense: {units: UNITS}}]}"
    write(tmp_path, own="data: {source: diabetes}\ntraining: {epochs: 1}", a=model.replace("UNITS", "3"))
    write(tmp_path, b=model.replace("UNITS", "5") + "\ntraining: {epochs: 9, batch_size: 4}")
    (tmp_path / "same.yaml").write_text((tmp_path / "a.yaml").read_text())
    config = load_config("own.yaml", ["seed=7"])
    plan = plan_sweep(config, SweepOptions(over=["extends=a.yaml,b.yaml,same.yaml", "training.batch_size=2,8"]))
    made = [
        trial_config(plan, {"extends": file, "training.batch_size": size}, base_text(plan.config))
        for file in plan.space[0].values
        for size in (2, 8)
    ]
    found = [
        (one.seed, one.resolved["model"]["layers"][0]["Dense"]["units"], one.training.epochs, one.training.batch_size)
        for one in made
        if one.training
    ]
    assert found == [(7, 3, 1, 2), (7, 3, 1, 8), (7, 5, 1, 2), (7, 5, 1, 8)]
    assert "are the same" in plan.repeats[0]
    assert "same.yaml" in plan.repeats[0]


def test_a_circle_behind_a_link_ends(tmp_path: Path) -> None:
    write(tmp_path, a="extends: link.yaml\nseed: 1")
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(ConfigError, match="extends itself"):
        load_config(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text("extends: loop.yaml\n")
    with pytest.raises(ConfigError, match="loop"):
        load_config(tmp_path / "b.yaml")


def test_where_there_is_no_config_the_command_that_writes_one_is_told(tmp_path: Path) -> None:
    assert "dltrain init" in str(near_files(tmp_path / "x.yaml"))
    (tmp_path / "faces.yaml").write_text("")
    assert near_files(tmp_path / "face.yaml") == 'did you mean "faces.yaml"?'


def test_what_is_wrong_beside_a_missing_file_is_told_with_it(tmp_path: Path) -> None:
    text = (
        "extends: gone.yaml\ncode: [away.py]\ndata: {source: irs}\ntraining: {epoch: 3, optimizer: mine}\n"
        "model:\n  layers:\n    - Dense: {unit: 3, activation: my_own}\n    - Dropout: {rate: $rate}\n    - MyOwn\n"
    )
    told = faults_of(write(tmp_path, top=text) / "top.yaml", "model.layers.7.units=3")
    assert [(line, message.partition(":")[0]) for _, line, _, message in told] == [
        (1, "no such config file"),
        (2, "no such file"),
        (3, 'unknown source "irs"'),
        (4, "unknown key of training"),
        (7, "unknown argument of Dense"),
    ]  # but not that there is no parameter, layer, optimizer or activation of that name: the files may have them


def test_a_file_that_is_called_otherwise_is_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("key: hush\n")
    (tmp_path / "linked.yaml").symlink_to(tmp_path / "credentials")
    for name in ("credentials", "linked.yaml"):
        (tmp_path / "own.yaml").write_text(f"extends: {name}\n")
        with pytest.raises(ConfigError) as caught:
            load_config(tmp_path / "own.yaml")
        assert [fault.message for fault in caught.value.faults] == [
            f"expected a config, a file that ends in .yaml: {tmp_path / name}"
        ]
        assert "hush" not in str(caught.value)
        assert "key" not in str(caught.value)
