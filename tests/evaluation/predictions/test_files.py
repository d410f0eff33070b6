import csv
import io
import json
import os
import sys
import threading

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.errors import RunError, UsageError
from dltrain.evaluation.predictions.files import (
    choose_format,
    control_notes,
    formula_notes,
    neutralize,
    picture_lines,
    prediction_columns,
    row_documents,
    to_csv,
    to_jsonl,
    to_parquet,
    write_predictions,
)

PROBABILITIES = {"no": np.array([0.1, 1 / 3], np.float32), "yes": np.array([0.9, 2 / 3], np.float32)}
COLUMNS = prediction_columns({"id": ["1", "2"]}, ["yes", "yes"], PROBABILITIES)


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))


def test_columns_in_order():
    assert list(COLUMNS) == ["id", "prediction", "probability_no", "probability_yes"]


def test_an_identifier_does_not_replace_the_prediction():
    columns = prediction_columns({"prediction": ["a"], "input_prediction": ["b"]}, ["yes"])
    assert columns == {"input_prediction": ["a"], "input_input_prediction": ["b"], "prediction": ["yes"]}


def test_csv_numbers_read_back_to_the_same_bits():
    rows = read_csv(to_csv(COLUMNS))
    assert rows[1] == ["1", "yes", "0.1", "0.9"]
    read = np.array([row[2] for row in rows[1:]], np.float32)
    assert read.tobytes() == PROBABILITIES["no"].tobytes()
    doubles = np.array([1 / 3, 1e-300, -0.0, 12345678.9])
    assert np.array([row[0] for row in read_csv(to_csv({"x": doubles}))[1:]], float).tobytes() == doubles.tobytes()


def test_a_missing_number_is_an_empty_cell_and_a_null():
    columns = {"id": ["a", "b"], "x": np.array([np.nan, 1.5]), "y": [float("nan"), 2]}
    assert to_csv(columns) == b"id,x,y\na,,\nb,1.5,2\n"
    assert [json.loads(line) for line in to_jsonl(columns).splitlines()] == [
        {"id": "a", "x": None, "y": None},
        {"id": "b", "x": 1.5, "y": 2},
    ]


text_cells = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12), min_size=1, max_size=8
)


@given(text_cells)
@settings(deadline=None)
def test_raw_csv_reads_back_unchanged(cells):
    rows = read_csv(to_csv({"prediction": cells}, raw=True))
    assert rows == [["prediction"], *[[cell] for cell in cells]]


@given(text_cells)
@settings(deadline=None)
def test_no_csv_cell_is_a_formula(cells):
    for (cell,), original in zip(read_csv(to_csv({"prediction": cells}))[1:], cells, strict=True):
        assert cell in (original, f"'{original}")
        if cell[:1] in ("=", "@", "\t", "\r") and cell.strip("+-=@"):
            pytest.fail(f"{cell!r} would run")
        if cell[:1] in ("+", "-") and cell.strip("+-=@"):
            float(cell)


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@SUM(A1)", "\tx", "\rx", "-1+1|cmd", "--5", "-5\n"])
def test_formulas_are_neutralized(text):
    assert neutralize(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=b", "-5", "+3.2e-1", "-.5", "'=1", "5-1", " =1", "+", "-", "--"])
def test_the_rest_is_not(text):
    assert neutralize(text) == text


def test_column_names_are_neutralized_too():
    assert to_csv({"=id": ["1"]}) == b"'=id\n1\n"
    assert to_csv({"=id": ["1"]}, raw=True) == b"=id\n1\n"


def test_what_names_a_row_comes_back_as_it_was():
    columns = {"=id": ["=1+1", "-a", "@u", "7"], "prediction": ["=2", "b", "-", "c"]}
    assert read_csv(to_csv(columns, num_naming=1)) == [
        ["=id", "prediction"], ["=1+1", "'=2"], ["-a", "b"], ["@u", "-"], ["7", "c"],
    ]  # fmt: skip
    of_name, named, said = formula_notes(columns, 1)
    assert of_name.startswith("the name of =id begins as a formula does and is left as in the data")
    assert named.startswith("3 values in =id, such as '=1+1'")
    assert "left as in the data" in named
    assert "1 value in prediction, such as '=2'" in said
    assert "--raw" in said
    assert formula_notes({"id": ["-5", "a"], "prediction": [1.0, -2.0]}, 1) == []
    assert (
        len(formula_notes({"=id": ["a", "b"], "=x": [1.0, 2.0]}, 1)) == 1
    )  # the second name gets its apostrophe, as a cell does


def test_control_characters_stay_as_in_the_data_and_are_told():
    columns = {"id": ["1", "2\tb"], "prediction": ["a\x1b[2J", "b\r\n"], "probability_a\x1b[2J": [0.5, 0.25]}
    (said,) = control_notes(columns)
    assert said.startswith("2 texts with control characters, such as 'probability_a\\x1b[2J': left as in the data")
    assert control_notes({"id": ["1", "2\tb"], "prediction": ["b\r\n", None]}) == []
    found = read_csv(to_csv(columns, num_naming=1))
    assert (found[0][2], found[1][1]) == ("probability_a\x1b[2J", "a\x1b[2J")


def test_control_characters_are_escaped_in_json_lines_and_read_back():
    columns = {"prediction": ["a\x1b\x9b\x7f\u202e\ufeff", "é ü"], "probability_\x9b": [0.5, 0.25]}
    written = to_jsonl(columns).decode()
    assert not set(written) & set("\x1b\x9b\x7f\u202e\ufeff")
    assert "é ü" in written
    assert [json.loads(line) for line in written.splitlines()] == row_documents(columns)


def test_labels_with_commas_quotes_and_newlines():
    labels = ['say "hi"', "a,b", "two\nlines", "cr\rhere", " blank ", ""]
    assert [row[0] for row in read_csv(to_csv({"prediction": labels}))[1:]] == labels


def test_jsonl_and_parquet_hold_text_unchanged():
    columns = {"prediction": ["=1+1", "é\u2028x"], "probability_a": PROBABILITIES["no"]}
    lines = to_jsonl(columns).decode().split("\n")
    assert [json.loads(line)["prediction"] for line in lines[:-1]] == columns["prediction"]
    frame = polars.read_parquet(io.BytesIO(to_parquet(columns)))
    assert frame["prediction"].to_list() == columns["prediction"]
    assert frame["probability_a"].dtype == polars.Float32
    assert frame["probability_a"].to_numpy().tobytes() == PROBABILITIES["no"].tobytes()


def test_rows_as_documents_are_plain():
    document = row_documents(COLUMNS)[0]
    assert document == {"id": "1", "prediction": "yes", "probability_no": 0.1, "probability_yes": 0.9}
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize(
    ("name", "form"), [("a.csv", "csv"), ("a.JSONL", "jsonl"), ("a.ndjson", "jsonl"), ("a.parquet", "parquet"), ("-", "csv")]
)
def test_format_by_suffix(name, form):
    assert choose_format(name) == form
    assert choose_format(name, "jsonl") == "jsonl"


def test_unknown_format():
    with pytest.raises(UsageError, match="csv, jsonl, parquet"):
        choose_format("a.csv", "xml")


def test_a_file_is_replaced_whole(tmp_path):
    file = tmp_path / "predictions.csv"
    file.write_text("old")
    write_predictions(str(file), COLUMNS)
    assert file.read_bytes() == to_csv(COLUMNS)
    assert os.listdir(tmp_path) == ["predictions.csv"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_predictions(str(tmp_path / "link.csv"), COLUMNS)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_bytes() == to_csv(COLUMNS)


def test_a_pipe_is_written_into(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write_predictions(str(pipe), COLUMNS)
    reader.join(timeout=120)
    assert received == [to_csv(COLUMNS)]


def test_a_refused_write_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "predictions.csv"
    file.write_text("old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left"):  # the code of a report, an export and a run there
        write_predictions(str(file), COLUMNS)
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["predictions.csv"]


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_attack_16_a_label_steers_no_terminal_and_a_pipe_gets_what_it_is(format, monkeypatch):
    for is_terminal in (True, False):
        stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        monkeypatch.setattr(stream, "isatty", lambda answer=is_terminal: answer, raising=False)
        monkeypatch.setattr(sys, "stdout", stream)
        write_predictions("-", {"prediction": ["a\x1b[2J\x9b", "é ü"]}, format=format)
        said = stream.buffer.getvalue().decode()
        assert ("\x9b" in said) is (format == "csv" and not is_terminal)  # JSON has a spelling for it
        assert not is_terminal or ("\x1b" not in said and "é ü" in said)


def test_stdout(capsysbinary):
    write_predictions("-", COLUMNS, format="jsonl")
    assert capsysbinary.readouterr().out == to_jsonl(COLUMNS)


@pytest.mark.parametrize("name", ["p.xlsx", "p.txt", "p.h5"])
def test_e4_a_suffix_that_stands_for_no_format_is_refused(name):
    with pytest.raises(UsageError, match="are not written as"):
        choose_format(name)
    assert choose_format(name, "csv") == "csv"
    assert choose_format("predictions") == "csv"


def test_e2_top_is_of_each_row():
    from dltrain.evaluation.predictions.of_outputs import most_probable

    probabilities = np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.4, 0.4, 0.2]])
    found = most_probable(["a", "b", "c"], probabilities, 2)
    assert list(found) == ["label_1", "probability_1", "label_2", "probability_2"]
    assert (found["label_1"], found["label_2"]) == (["c", "a", "a"], ["b", "b", "b"])
    assert found["probability_1"].tolist() == [0.7, 0.6, 0.4]
    assert list(most_probable(["a", "b"], np.array([[0.5, 0.5]]), 9, "_t")) == [
        "label_t_1", "probability_t_1", "label_t_2", "probability_t_2",
    ]  # fmt: skip


def test_e2_a_picture_is_answered_in_a_line():
    wide = {"file": ["a.png", "b.png"], "prediction": ["cat", "dog"]}
    wide |= {"probability_cat": np.array([0.931, 0.001]), "probability_dog": np.array([0.069, 0.999])}
    assert picture_lines(wide) == ["a.png: cat 93.1 %, dog 6.9 %", "b.png: dog 99.9 %"]
    ranked = {"file": ["a.png"], "prediction": ["cat"], "label_1": ["cat"], "probability_1": np.array([0.5])}
    assert picture_lines(ranked) == ["a.png: cat 50.0 %"]
    assert picture_lines({"file": ["a.png"], "prediction": [1.25]}) == ["a.png: 1.25"]
    assert picture_lines({"id": ["7"], "prediction": [1.25]}) == [], "a table stays one"


def test_e2_numbers_have_nine_digits_where_a_float32_has_no_more():
    from dltrain.evaluation.predictions.of_outputs import in_nine_digits

    assert in_nine_digits(np.array([1 / 3, 123456.789012345]), 1000.0).tolist() == [0.333333333, 123456.789]
    seconds = np.array([1_600_000_000.25])
    assert in_nine_digits(seconds, 10.0).tolist() == seconds.tolist(), "nine digits are too few of these"
    # One rule for a column: the digits that its hardest value needs.
    far = 1e6 + np.array([1 / 3, 0.5, 2 / 3])
    assert in_nine_digits(far, 0.01).tolist() == [1000000.333333333, 1000000.5, 1000000.666666667]
    assert in_nine_digits(far, 0.1).tolist() == [1000000.33333333, 1000000.5, 1000000.66666667]
    assert {len(f"{value:g}") for value in in_nine_digits(np.array([np.nan, np.inf]), 1.0)} == {3}
    single = np.float32(np.random.default_rng(0).normal(size=1000))
    assert (np.float32(in_nine_digits(single.astype(float))) == single).all()
