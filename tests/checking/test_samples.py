"""Of a large table `check` looks at the first rows alone: what these lack is no fault of a config that a fit takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.checking.check import check_config
from dltrain.checking.result import CheckResult
from dltrain.config import load_config_text

NET = "model: {layers: [{Dense: {units: 4}}]"


@pytest.fixture(autouse=True)
def _sorted_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows in the order of their group and class, of which the first blocks show one and three."""
    monkeypatch.setattr("dltrain.data.tables.sample.SMALL_BYTES", 0)
    monkeypatch.setattr("dltrain.data.tables.sample.BLOCK", 1 << 12)
    rows = [f"{row % 7},{'north' if row < 11_000 else 'south'},{'aabbccd'[row // 2_000]}" for row in range(13_000)]
    (tmp_path / "t.csv").write_text("\n".join(["x,group,y", *rows]))


def check(folder: Path, model: str, data: str = "", training: str = "epochs: 1", *, build: bool = False) -> CheckResult:
    text = f"data: {{source: csv, path: t.csv, target: y{data}}}\n{model}\ntraining: {{{training}}}\n"
    return check_config(load_config_text(text, folder=folder), build=build)


def messages(result: CheckResult) -> list[str]:
    return [fault.message for fault in result.errors]


def test_a_column_that_is_the_same_in_the_first_rows_is_learnt_from(tmp_path: Path) -> None:
    result = check(tmp_path, NET + "}", ", features: {group: category}")
    assert not messages(result)
    assert result.layers[0].parameters == 2 * 4 - 4 + 4
    [said] = [line for line in result.data if "the same in these rows" in line]
    assert said.startswith("group: ")


def test_named_inputs_may_list_such_a_column_or_leave_it_out(tmp_path: Path) -> None:
    for columns in ("[x]", "[x, group]"):
        model = f"model: {{inputs: {{all: {columns}}}, layers: [{{Dense: {{units: 4}}}}]}}"
        assert not messages(check(tmp_path, model))


@pytest.mark.parametrize("output", ["{Dense: {units: 4, activation: softmax}}", "{Dense: {units: 4}}, logits: true"])
def test_an_output_for_more_classes_than_the_first_rows_have_is_taken(tmp_path: Path, output: str) -> None:
    result = check(tmp_path, f"{NET}, output: {output}}}", training="epochs: 1, class_weight: {a: 1, b: 1, c: 1, d: 2}")
    assert not messages(result)
    assert [row.output_shape for row in result.layers] == [(4,), (4,)]
    assert not messages(check(tmp_path, f"{NET}, output: {output}}}", build=True))


def test_an_output_for_fewer_classes_is_refused(tmp_path: Path) -> None:
    result = check(tmp_path, NET + ", output: {Dense: {units: 2, activation: softmax}}}")
    assert messages(result) == ["an output of 2 units cannot tell 3 classes apart"]
