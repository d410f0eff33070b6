"""Slices of a part: which rows they hold, their metrics, what is worse than the baseline, and gates on them."""

from __future__ import annotations

import json
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars
import pytest
from sklearn.metrics import accuracy_score, log_loss

from dltrain.cli.app import run
from dltrain.config import dump_yaml, load_config_text
from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.reading import Reading
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import ConfigError, UsageError
from dltrain.evaluation.metrics.intervals import units_of
from dltrain.evaluation.row_errors import RowErrors
from dltrain.evaluation.slices import MISSING, OTHERS, Slice, cut, values_of


def test_words_are_cut_by_value_and_the_rare_ones_are_one_together():
    names, codes = cut(polars.Series(["a", "b", None, "a", " "]))
    assert [names[code] for code in codes] == ["a", "b", MISSING, "a", MISSING]
    many = [f"w{index}" for index in range(30) for _ in range(30 - index)]
    names, codes = cut(polars.Series(many))
    assert len(names) == 20
    assert names[-1] == OTHERS
    assert {many[row] for row in np.flatnonzero(codes == 19)} == {f"w{index}" for index in range(19, 30)}


def test_numbers_are_cut_at_their_quartiles_and_few_of_them_by_value():
    values = [*range(1, 101), None]
    names, codes = cut(polars.Series(values))
    edges = np.quantile(np.arange(1, 101), [0.25, 0.5, 0.75])
    assert names == ["at most 25.75", "25.75 to 50.5", "50.5 to 75.25", "above 75.25", MISSING]
    assert codes[:-1].tolist() == np.searchsorted(edges, np.arange(1, 101)).tolist()
    assert codes[-1] == 4
    names, codes = cut(polars.Series([2, 1, 2, 3]))
    assert [names[code] for code in codes] == ["2", "1", "2", "3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run on a table in which one region is labelled the other way round."""
    folder = tmp_path_factory.mktemp("slices")
    rng = np.random.default_rng(0)
    lines = []
    for index in range(600):
        a, region = rng.normal(), ("north", "south", "west")[index % 3]
        answer = (a > 0) != (region == "west")
        lines.append(f"{a:.4f},{region},{rng.normal():.3f},{'yes' if answer else 'no'}")
    (folder / "t.csv").write_text("\n".join(["a,region,b,y", *lines]) + "\n")
    (folder / "c.yaml").write_text(
        f"data: {{source: csv, path: {folder / 't.csv'}, target: y, features: [a], split: {{test: 0.4}}}}\n"
        "model: {layers: [{Dense: {units: 4, activation: relu}}]}\n"
        "training: {epochs: 20}\nevaluation: {slices: {region: 'accuracy>=0.5'}}\n"
    )
    assert run(["-q", "fit", str(folder / "c.yaml"), "--run-dir", str(folder / "run")]) == 0
    return folder


def test_each_slice_has_the_metrics_of_its_rows_the_worst_first(folder, capsys):
    assert run(["predict", str(folder / "run"), "--part", "test", "-o", str(folder / "p.csv")]) == 0
    frame, table = polars.read_csv(folder / "p.csv"), polars.read_csv(folder / "t.csv")
    assert max(len(cell) for cell in polars.read_csv(folder / "p.csv", infer_schema=False)["error"]) <= len("0.000123456789")
    capsys.readouterr()
    assert run(["evaluate", str(folder / "run"), "--by", "region", "--by", "b", "--no-require", "--json"]) == 0
    slices = json.loads(capsys.readouterr().out)["slices"]
    regions = [one for one in slices if one["column"] == "region"]
    assert regions[0]["name"] == "west"
    assert [one["is_worse"] for one in regions] == [True, False, False]
    for one in regions:
        rows = frame.filter(table["region"][frame["row"] - 1] == one["name"])
        assert one["rows"] == len(rows)
        assert one["metrics"]["accuracy"] == pytest.approx(accuracy_score(rows["true_y"], rows["prediction"]))
        given = rows.select("probability_no", "probability_yes").to_numpy()
        assert one["metrics"]["log_loss"] == pytest.approx(log_loss(rows["true_y"], given, labels=["no", "yes"]), rel=1e-4)
        assert one["intervals"]["accuracy"][0] <= one["metrics"]["accuracy"] <= one["intervals"]["accuracy"][1]
    losses = [one["metrics"]["log_loss"] for one in regions]
    assert losses == sorted(losses, reverse=True)
    assert sum(one["rows"] for one in slices if one["column"] == "b") == 240


def test_the_configs_gates_hold_for_every_slice(folder, capsys):
    assert run(["evaluate", str(folder / "run")]) == 5
    out = capsys.readouterr()
    assert "gate accuracy>=0.5 by region: west: NOT MET" in out.out
    assert "gate accuracy>=0.5 by region: north: met" in out.out
    assert "worse than the baseline where region is: west" in out.out
    assert run(["evaluate", str(folder / "run"), "--data", str(folder / "t.csv"), "--by", "a", "--no-require"]) == 0
    assert run(["evaluate", str(folder / "run"), "--by", "region ", "--no-require"]) == 0  # as a header may write it
    assert run(["evaluate", str(folder / "run"), "--by", "regoin"]) == 2
    assert "did you mean" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["check"], ["check", "--data"], ["fit"]])
def test_a_column_that_is_not_there_is_told_before_training(folder, capsys, command):
    given = ["evaluation.slices={regoin: null, b: null}", "--run-dir", str(folder / "never")][: 2 + (command == ["fit"])]
    given = given if command == ["fit"] else given[:1]
    assert run([*command, str(folder / "c.yaml"), *given]) == 2
    said = capsys.readouterr().err
    assert "evaluation.slices.regoin: there is no column regoin to cut by" in said
    assert 'did you mean "region"' in said
    assert "slices.b" not in said.replace("evaluation.slices={", "")
    assert run(["check", "--data", "configs/iris.yaml", "evaluation.slices={petal: null}"]) == 2
    assert run(["check", "configs/digits.yaml", "evaluation.slices={t: null}"]) == 2
    assert "digits is none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("recal>=0.8", 'did you mean "recall"'),
        ("loss<1", "no metric loss to require"),  # a slice has no loss: regularization belongs to no row
        ("recall[x]>=0.8", "there is no class 'x'"),
        ("validation.f1>=0.8", "no validation part"),
    ],
)
def test_a_gate_of_slices_that_no_evaluation_will_know_is_told_before_training(tmp_path, capsys, gate, said):
    (tmp_path / "a.csv").write_text("x,region,y\n" + "".join(f"{n % 9},{'ns'[n % 2]},{n % 3 % 2}\n" for n in range(60)))
    text = "data: {source: csv, path: a.csv, target: y, split: {test: 0.3}}\nmodel: {layers: [{Dense: {units: 2}}]}\n"
    (tmp_path / "a.yaml").write_text(f"{text}evaluation:\n  slices: {{region: '{gate}'}}\n")
    assert run(["check", str(tmp_path / "a.yaml")]) == 2
    message = capsys.readouterr().err
    assert "a.yaml:4:11: error: evaluation.slices.region: " in message
    assert said in message
    for right in ("recall>=0.8", "f1[1]>=0.8", "log_loss<1", "test.roc_auc>0.5"):
        assert run(["check", str(tmp_path / "a.yaml"), f"evaluation.slices={{region: '{right}'}}"]) == 0, right


def test_the_key_is_read_and_written_back():
    text = "data: {source: iris}\nmodel: {layers: [Flatten]}\nevaluation: {slices: {region: accuracy>=0.8, sex: [f1>0.1, r2>0], age: null}}\n"
    config = load_config_text(text, folder=Path())
    assert config.evaluation.slices == {"region": ("accuracy>=0.8",), "sex": ("f1>0.1", "r2>0"), "age": ()}
    again = load_config_text(dump_yaml(config.resolved), folder=Path())
    assert again.evaluation == config.evaluation
    with pytest.raises(ConfigError, match=r"a metric, one of|was expected"):
        load_config_text(text.replace("f1>0.1", "f1"), folder=Path())


def test_rows_whose_answers_are_not_at_hand_are_not_cut(folder, capsys, monkeypatch):
    """A reconstruction has no error of classes or numbers a row, and a streamed table is not read again: told before training."""
    for given in (["data.task=reconstruction", "data.target=null"], ["evaluation.slices={region: null}"]):
        if len(given) == 1:
            monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "100")
        assert run(["check", str(folder / "c.yaml"), *given]) == 2
        said = capsys.readouterr().err
        assert "evaluation.slices.region: slices cut the rows of a part by its columns; " in said
        assert ("a reconstruction is judged as a whole" if len(given) == 2 else "this data stays on disk (") in said


def test_dates_are_cut_at_the_finest_calendar_unit_of_few_slices():
    def names_of(first: datetime, step: timedelta, count: int) -> list[str]:
        values = polars.Series([first + index * step for index in range(count)] + [None])
        names, codes = cut(values)
        assert names[codes[-1]] == MISSING
        return [name for name in names if name != MISSING]

    start = datetime(2023, 1, 1)
    assert names_of(start, timedelta(hours=1), 3) == ["2023-01-01 00 h", "2023-01-01 01 h", "2023-01-01 02 h"]
    assert names_of(start, timedelta(hours=1), 30) == ["2023-01-01", "2023-01-02"]
    assert names_of(start, timedelta(days=1), 365) == [f"2023-{month:02}" for month in range(1, 13)]
    assert names_of(start, timedelta(days=1), 500) == ["2023 Q1", "2023 Q2", "2023 Q3", "2023 Q4", "2024 Q1", "2024 Q2"]
    assert names_of(start, timedelta(days=30), 100) == [str(year) for year in range(2023, 2032)]
    assert names_of(datetime(1970, 1, 1), timedelta(days=300), 60) == ["1970s", "1980s", "1990s", "2000s", "2010s"]


def test_a_column_is_cut_as_the_run_reads_it():
    columns = (FeatureColumn("day", "date", "%d.%m.%Y"), FeatureColumn("size", "number"))
    table = TablePreprocessing("csv", columns, (), Reading(thousands=","))
    days = values_of(polars.Series("day", ["31.12.2023", "01.02.2024", "?"]), table)
    assert days.to_list() == [datetime(2023, 12, 31), datetime(2024, 2, 1), None]
    assert values_of(polars.Series("size", ["1,025.5", "NA", "7"]), table).to_list()[::2] == [1025.5, 7.0]
    # columns that the run does not use: as `init` would read them
    prices = values_of(polars.Series("price", [f"€{value:,}.00" for value in range(900, 1100)]), table)
    assert prices.to_list() == list(range(900, 1100))
    assert values_of(polars.Series("zip", ["01234", "99999"]), table).to_list() == ["01234", "99999"]
    with pytest.raises(UsageError, match="--by cuts by values, and tags holds List"):
        values_of(polars.Series("tags", [[1, 2], [3]]), table)


def test_only_what_chance_does_not_explain_is_called_worse(folder, capsys):
    """Rows beside the baseline, both of them noise; then a slice of a few rows, of which the model has one very wrong."""
    rng = np.random.default_rng(0)
    named = [RowErrors(*rng.exponential(size=(2, 40)), np.ones(40)).standing(np.arange(40), units_of(40)) for _ in range(200)]
    assert named.count("worse") + named.count("better") <= 20
    errors = rng.exponential(size=40)
    assert RowErrors(errors + 0.3, errors, np.ones(40)).standing(np.arange(40), units_of(40)) == "worse"
    assert RowErrors(errors, errors + 0.3, np.ones(40)).standing(np.arange(40), units_of(40)) == "better"
    assert RowErrors(errors + 0.3, errors, np.ones(40)).standing(np.arange(3), units_of(3)) == "not shown"
    rows = ["a,region,b,y", *(f"{a},{region},1,yes" for region, a in (*[("few", 2.0)] * 3, *[("few", -2.0)] * 3, ("one", -2.0)))]
    (folder / "few.csv").write_text("\n".join([*rows, "2,one,1,no"]) + "\n")
    words = ["evaluate", str(folder / "run"), "--data", str(folder / "few.csv"), "--no-require", "--by", "region"]
    assert run(words) == 0
    said = capsys.readouterr().out
    assert "worse than the baseline where region is" not in said
    assert "not shown to be better or worse where region is: one, few (within chance)" in said
    assert "no intervals for 1 of 2: too few rows" in said
    assert run([*words, "--json"]) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)["slices"]}
    assert [(one["is_worse"], one["standings"]) for one in found.values()] == [(False, {"": "not shown"})] * 2


def test_series_are_told_apart_with_intervals_by_blocks_of_time(tmp_path, capsys):
    """One of two stores is as it was the day before, the other jumps, so that the last value is a bad forecast of it alone."""
    rng = np.random.default_rng(0)
    start, lines = datetime(2023, 1, 1), ["day,store,sold"]
    for store, step in (("calm", 0.01), ("wild", 5.0), ("short", 1.0)):
        steps = rng.normal(size=400 if store != "short" else 45)
        values = 50 + np.cumsum(steps * step) if store == "calm" else 50 + steps * step
        lines += [f"{start + timedelta(days=day):%Y-%m-%d},{store},{value:.4f}" for day, value in enumerate(values)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "c.yaml").write_text(
        f"data: {{source: csv, path: {tmp_path / 't.csv'}, target: sold, split: {{test: 0.2}},\n"
        "  series: {id: store, time: day, history: 3, horizon: 2}}\n"
        "model: {layers: [Flatten]}\ntraining: {epochs: 1}\n"
    )
    assert run(["-q", "fit", str(tmp_path / "c.yaml"), "--run-dir", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    assert run(["evaluate", str(tmp_path / "run"), "--by", "store", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"mase", "rmsse", "smape", "rmse"} <= set(document["intervals"])
    slices = {one["name"]: one for one in document["slices"]}
    assert {name: one["standings"][""] for name, one in slices.items()} == {
        "calm": "worse",
        "wild": "better",
        "short": "not shown",
    }
    assert slices["short"]["intervals"] == {}  # of five windows no two are of other days
    for name in ("calm", "wild"):
        for metric, (low, high) in slices[name]["intervals"].items():
            assert low <= slices[name]["metrics"][metric] <= high, metric
    assert [one["metrics"]["mase"] for one in document["slices"]] == sorted(
        (one["metrics"]["mase"] for one in slices.values()), reverse=True
    )


def test_what_is_better_by_the_verdicts_score_is_not_told_as_doubtful():
    metrics, baseline = {"log_loss": 1.06}, {"log_loss": 0.95}
    seeming = Slice("k", "c", 40, metrics, baseline=baseline, standings={"": "not shown"})
    better = Slice("k", "c", 40, metrics, baseline=baseline, standings={"": "better"})
    worse = Slice("k", "c", 40, metrics, baseline=baseline, standings={"": "worse"}, is_worse=True)
    assert [one.seems_worse for one in (seeming, better, worse)] == [True, False, False]


def test_one_long_text_takes_no_memory_of_its_own_length_for_each_row():
    tracemalloc.start()
    names, place = cut(polars.Series(["a", "b"] * 500 + ["z" * 100_000]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(name) for name in names] == [1, 1, 100_000]
    assert np.bincount(place).tolist() == [500, 500, 1]
    assert peak < 20_000_000
