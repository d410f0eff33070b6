# ruff: noqa: RUF001
"""How a text table is written - separator, decimal sign, thousands, encoding, lines that are no rows - is read as what it says."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.checking import check_file
from dltrain.cli.app import run as command
from dltrain.config import load_config_text
from dltrain.data import load_dataset, read_part
from dltrain.data.arrays.disk_array import rows_in_memory
from dltrain.data.columns.number_signs import MIXED, find_number_signs
from dltrain.data.tables.text_encoding import detect_encoding
from dltrain.data.tables.text_format import find_separator
from dltrain.reporting import Reporter
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as
from tests.support import shared_data

MODEL = "model: {layers: [{Dense: {units: 2}}]}\ntraining: {epochs: 1}\n"


def columns(folder: Path, text: str | bytes, *options: str, name: str = "t.csv", target: str = "y"):
    """The raw numbers of each feature and of the target, as a fit reads them."""
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    data = ", ".join(
        ["source: csv", f"path: {name}", f"target: {target}", "task: regression", "scale: none", "scale_target: false", *options]
    )
    config = load_config_text(f"data: {{{data}}}\n{MODEL}", folder=folder).data
    dataset = load_dataset(config, seed=0)
    part = dataset.parts["train"]
    spec = dataset.schema.inputs[0]
    rows = rows_in_memory(part.inputs[spec.name], np.arange(part.num_rows))
    table = {column: rows[:, place] for place, column in enumerate(spec.columns)}
    return {**table, target: rows_in_memory(part.targets[target], np.arange(part.num_rows)).ravel()}, dataset


def german(number: float, digits: int) -> str:
    return f"{number:.{digits}f}".replace(".", ",")


WEIGHTS = [1.344, 4.495, 7.887, 3.898] * 3
TARGETS = [1.68, 6.61, 14.56, 4.06] * 3


def test_a1_decimal_commas_are_no_thousands(tmp_path):
    rows = "".join(f"{german(w, 3)};{b};{german(y, 2)}\n" for w, b, y in zip(WEIGHTS, ["1", "2,5", "1", "3,75"] * 3, TARGETS))
    found, dataset = columns(tmp_path, "weight_kg;b;y\n" + rows)
    np.testing.assert_allclose(found["y"], TARGETS, rtol=1e-6)
    np.testing.assert_allclose(found["weight_kg"], WEIGHTS, rtol=1e-6)
    np.testing.assert_allclose(found["b"], [1, 2.5, 1, 3.75] * 3)
    assert dataset.resolved["data.decimal"] == ","
    assert command(["init", str(tmp_path / "t.csv"), "--target", "y", "-o", str(tmp_path / "c.yaml")]) == 0
    text = (tmp_path / "c.yaml").read_text()
    assert 'decimal: ","' in text
    assert "thousands" not in text


@pytest.mark.parametrize(
    ("separator", "said"),
    [(";", "the comma is taken for the decimal sign"), ("\t", "the comma is taken for a sign between thousands")],
)
def test_a1_where_two_readings_explain_every_value_it_is_said(separator, said, tmp_path):
    text = separator.join("wy") + "\n" + "".join(f"{german(w, 3)}{separator}{german(w, 3)}\n" for w in WEIGHTS)
    found, dataset = columns(tmp_path, text)
    assert any(said in warning and ("data.decimal" in warning or "data.thousands" in warning) for warning in dataset.warnings)
    factor = 1 if separator == ";" else 1000
    np.testing.assert_allclose(found["y"], np.array(WEIGHTS) * factor, rtol=1e-6)
    found, dataset = columns(tmp_path, text, "decimal: '.', thousands: ','" if separator == ";" else "decimal: ','")
    np.testing.assert_allclose(found["y"], np.array(WEIGHTS) * (1000 if separator == ";" else 1), rtol=1e-6)
    assert not dataset.warnings


@pytest.mark.parametrize(
    ("values", "decimal", "thousands", "sure"),
    [
        (["1.234,56", "7,5"], ",", ".", True),
        (["1,234.56", "7.5"], ".", ",", True),
        (["1 234,56", "7,5"], ",", " ", True),
        (["1'234.56", "7.5"], ".", "'", True),
        (["1\u202f234,5", "2"], ",", "\u202f", True),
        (["1.234.567", "2"], ",", ".", True),
        (["0,344", "1,200"], ",", None, True),
        (["1,344", "12000"], ",", None, False),
        (["1,344", "12000", "3.5"], ".", ",", True),
        (["1.344", "12000", "3,5"], ",", ".", True),
        (["12345,678"], ",", None, True),
        (["1.5", "2.25"], ".", None, True),
        (["1", "2"], ".", None, False),
        (["01.02.2020", "03.04.2021"], ".", None, False),
        (["1.2.3", "1.2.4"], ".", None, False),
        (["a,b", "c,d"], ".", None, False),
    ],
)
def test_a1_signs_by_what_only_one_reading_explains(values, decimal, thousands, sure):
    text = "x;z\n" + "".join(f"{value};q\n" for value in values)
    signs = find_number_signs(text.encode(), ";", '"', decimal=None, thousands=None)
    assert (signs.decimal, signs.thousands, signs.is_sure) == (decimal, thousands, sure)


@given(
    numbers=st.lists(st.integers(-(10**8), 10**8), min_size=5, max_size=30),
    style=st.sampled_from(
        [(";", ",", "."), (";", ",", " "), (",", ".", ","), ("\t", ",", "."), ("|", ".", "'"), (";", ".", ",")]
    ),
)
def test_a1_any_table_is_read_as_it_was_written(numbers, style, tmp_path_factory):
    separator, decimal, thousands = style
    values = [number / 100 for number in [*numbers, 123_456_789, 5]]

    def write(value: float) -> str:
        text = f"{value:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
        return f'"{text}"' if separator in text else text

    text = f"x{separator}y\n" + "".join(f"{index}{separator}{write(value)}\n" for index, value in enumerate(values))
    found, _ = columns(tmp_path_factory.mktemp("t"), text)
    np.testing.assert_array_equal(found["y"], np.array(values, np.float32))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("top", "options"),
    [("Report\nof 2020\n\n", ["skip: 3"]), ("# one\n# two\n", ["comment: '#'"]), ("sep=;\n", []), ("\n\n", [])],
)
def test_a1_the_signs_are_found_below_lines_that_are_no_rows(top, options, streamed, tmp_path, monkeypatch):
    if streamed:
        monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "1")
    rows = "".join(f"{german(index * 1.25, 2)};{german(index / 4, 2)}\n" for index in range(40))
    found, dataset = columns(tmp_path, f"{top}x;y\n{rows}", *options)
    np.testing.assert_array_equal(np.sort(found["y"]), np.arange(40, dtype=np.float32) / 4)
    np.testing.assert_array_equal(np.sort(found["x"]), np.arange(40, dtype=np.float32) * 1.25)
    assert dataset.resolved["data.decimal"] == ","


SHOWN = "x;y\n" + "".join(f"{index};{index % 5},25\n" for index in range(60))
WHOLE = "x;y\n" + "".join(f"{index};{index % 5}\n" for index in range(40))
POINTS = "x;y\n" + "".join(f"{index};{index % 5}.25\n" for index in range(40))
THOUSANDS = "x|y\n" + "".join(f"{index}|{index % 5 + 1},000,000\n" for index in range(40))
EITHER_POINT = "x;y\n" + "".join(f"{index};{index % 5 + 1}.344\n" for index in range(40))
EITHER_COMMA = EITHER_POINT.replace(".", ",")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("texts", "first", "last"),
    [
        ((SHOWN, WHOLE), 0.25, 4.0),
        ((WHOLE, SHOWN), 0.0, 4.25),
        ((THOUSANDS, WHOLE), 1_000_000.0, 4.0),
        ((WHOLE, THOUSANDS), 0.0, 5_000_000.0),
        ((EITHER_COMMA, WHOLE), 1.344, 4.0),
        ((EITHER_POINT, SHOWN), 1344.0, 4.25),  # as in one file
        ((EITHER_COMMA, POINTS), 1344.0, 4.25),
    ],
)
def test_a1_several_files_are_read_by_what_any_of_them_shows(texts, first, last, streamed, tmp_path, monkeypatch):
    if streamed:
        monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "1")
    for name, text in zip("ab", texts, strict=True):
        (tmp_path / f"{name}.csv").write_text(text)
    for files in ("path: [a.csv, b.csv]", "path: a.csv, test: b.csv"):
        config = load_config_text(
            f"data: {{source: csv, {files}, target: y, task: regression, scale_target: false}}\n{MODEL}", folder=tmp_path
        ).data
        dataset = load_dataset(config, seed=0)
        targets = [np.asarray(rows_in_memory(part.targets["y"], np.arange(part.num_rows))) for part in dataset.parts.values()]
        values = np.concatenate([target.ravel() for target in targets])
        np.testing.assert_allclose([values[0], values[-1]], [first, last], rtol=1e-6, err_msg=files)
        assert not any("two ways" in warning for warning in dataset.warnings) or "1.344" in str(first)


@pytest.mark.parametrize("texts", [(SHOWN, POINTS), (EITHER_COMMA, EITHER_POINT)])
def test_a1_files_whose_numbers_are_written_otherwise_are_refused(texts, tmp_path):
    for name, text in zip("ab", texts, strict=True):
        (tmp_path / f"{name}.csv").write_text(text)
    (tmp_path / "c.yaml").write_text(f"data: {{source: csv, path: [a.csv, b.csv], target: y}}\n{MODEL}")
    (error,) = check_file(tmp_path / "c.yaml")[1].errors
    assert error.file is not None
    assert error.file.endswith("b.csv")
    assert error.message.startswith('its numbers have the decimal sign ".", those of ')
    assert error.message.endswith('a.csv the decimal sign ","')


@pytest.mark.parametrize(
    ("text", "written"),
    [(EITHER_COMMA, 'decimal: ","'), (EITHER_POINT, 'decimal: "."'), (EITHER_COMMA.replace(";", "|"), 'thousands: ","')],
)
def test_a1_init_says_which_of_two_readings_it_takes(text, written, tmp_path, capsys):
    (tmp_path / "t.csv").write_text(text)
    assert command(["init", str(tmp_path / "t.csv"), "--target", "y", "-o", str(tmp_path / "c.yaml")]) == 0
    assert "could be read in two ways" in capsys.readouterr().err
    config = (tmp_path / "c.yaml").read_text()
    assert "could be read in two ways" in config
    assert written in config


@pytest.mark.parametrize(("own", "factor", "said"), [("7,5", 1, False), ("1.007,5", 1000, True)])
def test_a1_a_warning_of_predict_says_what_the_run_makes_of_two_readings(own, factor, said, tmp_path):
    text = "x;y\n" + "".join(f"{own};{index}\n{index};{index}\n" for index in range(1, 40))
    _, dataset = columns(tmp_path, text)
    (tmp_path / "new.csv").write_text("x;y\n1.344;1\n2.344;2\n")
    heard: list[str] = []

    class Listener(Reporter):
        def warning(self, warning):
            heard.append(str(warning))

    part = read_part(dataset.preprocessing, [str(tmp_path / "new.csv")], with_targets=True, reporter=Listener())
    np.testing.assert_allclose(np.asarray(next(iter(part.inputs.values()))).ravel(), np.array([1.344, 2.344]) * factor, rtol=1e-6)
    assert any("sign between thousands, as the run's own data is written" in text for text in heard) == said
    assert any("could be read in two ways" in text for text in heard)


def test_a9_a_run_reads_its_own_file_and_one_that_is_written_otherwise(tmp_path):
    rows = [(index, index * 0.5) for index in range(40)]
    own = "x~y\n" + "".join(f"{x}~{y}\n" for x, y in rows)
    _, dataset = columns(tmp_path, own, "separator: '~'")
    dataset.preprocessing.save(tmp_path)
    from dltrain.data.stored import load_preprocessing

    stored = load_preprocessing(tmp_path)
    whole = np.asarray(next(iter(dataset.parts["train"].inputs.values())))
    others = {
        "own.csv": own.encode(),
        "comma.csv": own.replace("~", ",").encode(),
        "german.csv": b"x;y\n" + "".join(f"{x};{german(y, 1)}\n" for x, y in rows).encode(),
        "wide.csv": own.replace("~", "\t").encode("utf-16"),
        "packed.csv.gz": gzip.compress(own.encode(), mtime=0),
    }
    for name, content in others.items():
        (tmp_path / name).write_bytes(content)
        part = read_part(stored, [str(tmp_path / name)], with_targets=True)
        np.testing.assert_array_equal(np.asarray(next(iter(part.inputs.values()))), whole, err_msg=name)
        np.testing.assert_array_equal(part.targets["y"], dataset.parts["train"].targets["y"], err_msg=name)


@pytest.mark.parametrize(("decimal", "said"), [("decimal: ','", False), ("", True)])
def test_a_run_with_a_decimal_comma_says_nothing_of_points_beside_them(decimal, said, tmp_path):
    own = "a;b;y\n" + "".join(f"{index / 4};{german(index, 2)};{index}\n" for index in range(40))
    _, dataset = columns(tmp_path, own, decimal)
    (tmp_path / "new.csv").write_text(own)
    heard = []

    class Listener(Reporter):
        def warning(self, warning: str, /) -> None:
            heard.append(str(warning))

    read_part(dataset.preprocessing, [str(tmp_path / "new.csv")], with_targets=True, reporter=Listener())
    assert any(MIXED in text for text in heard) == said


@pytest.mark.parametrize("streamed", [False, True])
def test_a9_a_run_reads_a_file_without_a_header_again_and_one_that_names_its_columns(streamed, tmp_path, monkeypatch):
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "0" if streamed else str(1 << 40))
    own = "".join(f"{german(index / 2, 2)};{german(index, 2)}\n" for index in range(40))
    (tmp_path / "own.csv").write_text(own)
    (tmp_path / "named.csv").write_text(f"column_1;column_2\n{own}")
    text = "data: {source: csv, path: own.csv, header: false, target: column_2}\nmodel: {layers: []}\n"
    dataset = load_dataset(load_config_text(text, folder=tmp_path).data, seed=0)
    dataset.preprocessing.save(tmp_path)
    from dltrain.data.stored import load_preprocessing

    for name in ("own.csv", "named.csv"):
        part = read_part(load_preprocessing(tmp_path), [str(tmp_path / name)], with_targets=True)
        np.testing.assert_array_equal(part.targets["column_2"], dataset.parts["train"].targets["column_2"], err_msg=name)


@pytest.mark.parametrize("header", ["a;b;c\n", ""])
def test_a10_as_many_decimal_commas_as_separators(header):
    rows = "".join(f"{german(index / 7, 2)};{german(index / 3, 2)};-{german(index, 2)}\n" for index in range(1, 200))
    assert find_separator((header + rows).encode(), '"', header=bool(header)) == ";"


@pytest.mark.parametrize("review", ["Tom &amp; Jerry were great", "good; really good", "one\ttab", "a | b", "yes, no, yes"])
def test_a11_a_separator_stands_in_the_header(review):
    text = "review\n" + "".join(f"{review}\nfine\n" for _ in range(20))
    assert find_separator(text.encode(), '"') == ","


@pytest.mark.parametrize("streamed", [False, True])
def test_a12_what_is_no_row_can_be_said(streamed, tmp_path, monkeypatch):
    if streamed:
        monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "1")
    rows = "".join(f"{index},{index / 4}\n" for index in range(30))
    expected = np.arange(30) / 4
    for text, options in (
        (f"Report\nof 2020\n\nx,y\n{rows}", "skip: 3"),
        (f"# made by hand\nx,y\n{rows}# end\n", "comment: '#'"),
        (f"x,y\n{rows}Total,999\n", "comment: Total"),
        (f"sep=,\nx,y\n{rows}", "limit: 1000"),
        ("x   y\n" + rows.replace(",", "  \t "), "separator: whitespace"),
        ("x\ty\n" + rows.replace(",", "\t"), "separator: tab"),
    ):
        found, _ = columns(tmp_path, text, options)
        np.testing.assert_allclose(np.sort(found["y"]), expected, err_msg=options)


def test_a12_the_key_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("Report\nof 2020\n\nx,y\n" + "".join(f"{index},{index}\n" for index in range(30)))
    (tmp_path / "c.yaml").write_text(f"data: {{source: csv, path: t.csv, target: y}}\n{MODEL}")
    errors = check_file(tmp_path / "c.yaml")[1].errors
    assert any("data.skip: 3" in (fault.hint or "") for fault in errors)


@pytest.mark.parametrize(
    ("write", "values"),
    [
        ("${:.2f}", [8.75, 0.5, 12.0]),
        ("{:.1f}%", [12.5, 3.0, 99.9]),
        ("{:.2f} €", [8.75, 0.5, 12.0]),
        ("€ {:.2f}", [8.75, 0.5, 12.0]),
        ("-${:.2f}", [8.75, 0.5, 12.0]),
        ("(${:.2f})", [8.75, 0.5, 12.0]),
        ("${:,.2f}", [1234.5, 8.75, 1_000_000.0]),
        ("$({:,.2f})", [1234.5, 8.75, 1_000_000.0]),
        ("\u2013{:.2f}", [8.75, 0.5, 12.0]),
        ("\uff0d{:.2f} €", [8.75, 0.5, 12.0]),
    ],
)
def test_a13_money_and_percent_are_numbers(write, values, tmp_path):
    text = "x,y\n" + "".join(f'{index},"{write.format(value)}"\n' for index, value in enumerate(values * 8))
    found, _ = columns(tmp_path, text)
    sign = -1 if write.startswith(("-", "(", "$(", "\u2013", "\uff0d")) else 1
    np.testing.assert_allclose(found["y"], sign * np.array(values * 8), rtol=1e-6)


def test_a13_dollars_and_euros_are_no_one_number(tmp_path):
    text = "x,p,y\n" + "".join(f"{index},{'$' if index % 2 else '€'}{index % 3},{index}\n" for index in range(30))
    found, dataset = columns(tmp_path, text)
    assert "p" not in found or not any(column == "p" for column in found)
    assert "p" in " ".join(dataset.summary)


LETTERS = {
    "cp1251": "имя,город\nИван,Москва\nОльга,Казань\nПётр,Самара\n",
    "koi8_r": "имя,город\nИван,Москва\nОльга,Казань\nПётр,Самара\n",
    "cp949": "이름,도시\n김철수,서울\n이영희,부산\n",
    "shift_jis": "名前,都市\n山田太郎,東京\n鈴木花子,大阪\nカタカナ,ひらがな\n",
    "gb18030": "姓名,城市\n张伟,北京\n王芳,上海\n李娜,广州\n",
    "cp1252": "name,city\nMüller,Köln\nJosé,Málaga\nZoë,Genève\nFrançois,Orléans\n",
    "cp1250": "jméno,město\nŘehoř,Plzeň\nŽaneta,Děčín\nłukasz,Kraków\n",
    "cp1253": "όνομα,πόλη\nΓιώργος,Αθήνα\nΜαρία,Θεσσαλονίκη\n",
    "cp1254": "isim,şehir\nAyşe,İzmir\nIşık,Muğla\nÇağrı,Eskişehir\n",
    "mac_roman": "name,city\nMüller,Köln\nJosé,Málaga\nZoë,Genève\nFrançois,Orléans\n",
    "euc_jp": "名前,都市\nカタカナ,東京\nひらがな,はい\nやまだ,いいえ\n",
    "utf-16-le": "name,city\nMüller,Köln\nJosé,Málaga\n",
}


@pytest.mark.parametrize("encoding", LETTERS)
@pytest.mark.parametrize("times", [1, 50])
def test_a15_texts_of_other_encodings_are_read_as_they_were_written(encoding, times):
    content = (LETTERS[encoding] * times).encode(encoding)
    found = detect_encoding(content)
    assert found is not None
    assert content.decode(found) == LETTERS[encoding] * times


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1252", ["größe", "süß", "bitter"]),
        ("cp1252", ["straße", "weg"]),
        ("cp1252", ["Müller", "Öz", "ça"]),
        ("cp1252", ["naïve", "déjà"]),
        ("cp1252", ["Þórður", "fjörður", "Ísland"]),
        ("cp1252", ["naïve é é é"]),
        ("cp1252", ["don\u2019t \u2013 naïve", "it\u2019s \u201cso\u201d"]),
        ("cp850", ["Müller", "Genève", "façade"]),
        ("cp1250", ["Beneš", "Žižek", "Žďár"]),
        ("mac_roman", ["Müller", "Genève", "façade"]),
        ("mac_roman", ["São Paulo", "Málaga", "Århus"]),
        ("koi8_r", ["да конечно", "нет никогда"]),
        ("koi8_r", ["да", "нет"]),
        ("cp1251", ["ДА КОНЕЧНО", "НЕТ НИКОГДА"]),
        ("euc_jp", ["値段", "はい", "いいえ"]),
        ("shift_jis", ["iPhoneケース", "Xperiaカバー"]),
        ("gb18030", ["北京市", "上海市"]),
        ("big5", ["臺北市", "高雄市"]),
        ("cp949", ["서울시", "부산시"]),
    ],
)
def test_a15_few_words_that_come_again_and_again_tell_the_encoding(encoding, words):
    text = "a,b\n" + "".join(f"{row % 7}.5,{words[row % len(words)]}\n" for row in range(80))
    assert text.encode(encoding).decode(detect_encoding(text.encode(encoding)) or "utf-8") == text


def test_a15_it_is_said_and_stored(tmp_path):
    text = "город,y\n" + "".join(f"{'Москва' if index % 3 else 'Казань'},{index % 2}\n" for index in range(40))
    (tmp_path / "t.csv").write_bytes(text.encode("cp1251"))
    config = load_config_text(f"data: {{source: csv, path: t.csv, target: y}}\n{MODEL}", folder=tmp_path).data
    dataset = load_dataset(config, seed=0)
    assert any("it is read as cp1251; data.encoding says otherwise" in warning for warning in dataset.warnings)
    assert dataset.resolved["data.encoding"] == "cp1251"
    assert dataset.preprocessing.features[0].name == "город"
    assert set(dataset.preprocessing.features[0].categories) == {"Москва", "Казань"}


# Tables of real data, and how pandas reads them by hand.
TABLES = {
    "tabular/california_housing/housing.csv": {},
    "tabular/concrete/concrete_data.csv": {},
    "tabular/wine_quality/winequality-white_with_header.csv": {"sep": ";"},
    "tabular/bike_sharing/bike_sharing.csv": {},
}


@pytest.mark.parametrize("name", TABLES)
def test_numbers_of_real_tables_are_those_of_pandas_however_they_are_written(name, tmp_path):
    frame = pd.read_csv(shared_data(name), **TABLES[name]).select_dtypes("number").head(400)
    frame.columns = [f"c{index}" for index in range(frame.shape[1])]
    frame["y"] = np.arange(len(frame)) / 8
    compared = 0
    german_text = frame.to_csv(index=False, sep=";", decimal=",")
    writings = {
        "comma.csv": frame.to_csv(index=False).encode(),
        "semicolon.csv": frame.to_csv(index=False, sep=";").encode(),
        "tab.csv": frame.to_csv(index=False, sep="\t").encode(),
        "german.csv": german_text.encode(),
        "wide.csv": frame.to_csv(index=False).encode("utf-16"),
        "packed.csv.gz": gzip.compress(german_text.encode(), mtime=0),
    }
    for file, content in writings.items():
        found, _ = columns(tmp_path, content, name=file)
        for column, values in found.items():
            if column.endswith(" missing"):
                continue
            expected = frame[column].to_numpy(np.float64).astype(np.float32)
            filled = ~np.isnan(expected)
            np.testing.assert_array_equal(values[filled], expected[filled], err_msg=f"{file} {column}")
            compared += int(filled.sum())
    assert compared > 1_500


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('"a","b","y"\n"1","2,5","3"\n"4","5,25","6"\n"7","8,125","9"\n', ""),
        ('a,b,y\n1,2,"3"\n4,5,"6"\n7,8,"9"\n', ""),
        ("a b y\n1 2 3  \n4\t5 6 \n7  8 9\n", ", separator: whitespace"),
        ('sep=;\n"a" ; "b";"y"\n"1";"2";"3" \n4;"5";6\n7;8;9\n', ""),
        ('n,b,y\nx,2,3\ny,5,6\nx,8,9\nz,1,1\n"Total","16","19"\n', ""),
    ],
)
def test_line_ends_of_windows_are_read_alike_streamed_and_not(text, options, tmp_path, monkeypatch):
    (tmp_path / "unix.csv").write_bytes(text.encode())
    (tmp_path / "windows.csv").write_bytes(text.replace("\n", "\r\n").encode())
    texts = [
        f"data: {{source: csv, path: {name}.csv, target: y, task: regression{options}}}\n{MODEL}" for name in ("unix", "windows")
    ]
    unix, windows = (load_config_text(one, folder=tmp_path).data for one in texts)
    resident = load_as(monkeypatch, IN_MEMORY, windows)
    assert_same(resident, load_as(monkeypatch, STREAMED, windows))
    expected = load_as(monkeypatch, IN_MEMORY, unix).parts["train"]
    for name, rows in expected.inputs.items():
        np.testing.assert_array_equal(resident.parts["train"].inputs[name], rows)
    np.testing.assert_array_equal(resident.parts["train"].targets["y"], expected.targets["y"])
