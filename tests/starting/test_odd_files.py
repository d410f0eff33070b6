"""What `init` says of columns that are called dates and hold counts, of rows of totals in other languages, of odd encodings."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import polars
import pytest

from dltrain.cli.app import run as command
from dltrain.config import load_config
from dltrain.data import load_dataset
from dltrain.data.sources import read_source
from dltrain.data.tables.text_encoding import detect_encoding
from dltrain.errors import DataError
from dltrain.reporting import Reporter
from dltrain.starting.start import make_starter

ROWS = 60


def init(folder: Path, header: str, rows: list[str], encoding: str = "utf-8") -> str:
    file, config = folder / "a.csv", folder / "a.yaml"
    config.unlink(missing_ok=True)
    file.write_bytes("".join(f"{line}\n" for line in [header, *rows]).encode(encoding))
    assert command(["init", str(file), "--target", "y", "-o", str(config)]) == 0
    return config.read_text("utf-8")


def plain(text: str) -> str:
    return " ".join(text.replace("#", "").split())


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("Datum", [44197 + row for row in range(ROWS)], "days of a spreadsheet (2021-01-01)|excel"),
        ("date", [2020001 + 7 * row for row in range(50)] + [2021002, 2021365], 'days of years (2020-01-01)|"%Y%j"'),
        ("OrderDate", [f"{44197 + row}.25" for row in range(ROWS)], "days of a spreadsheet (2021-01-01)|excel"),
        ("timestamp", [1609459200 + 3600 * row for row in range(ROWS)], "times since 1970 (2021-01-01 00:00 of UTC)|epoch"),
        ("ts", [1609459200000 + 3600000 * row for row in range(ROWS)], "times since 1970 (2021-01-01 00:00 of UTC)|epoch_ms"),
        ("month", [f"{2006 + row // 12}{row % 12 + 1:02d}" for row in range(ROWS)], 'months (2006-01)|"%Y%m"'),
        ("date", [row % 30 + 1 for row in range(ROWS)], ""),
        ("created_at", [row * 0.5 for row in range(ROWS)], ""),
        ("weight", [44197 + row * 7 for row in range(ROWS)], ""),
    ],
)
def test_numbers_that_are_called_dates(tmp_path: Path, name: str, values: list[object], said: str) -> None:
    text = plain(init(tmp_path, f"{name},y", [f"{value},{row * 37 % 11}.5" for row, value in enumerate(values)]))
    assert ("are read as amounts" in text) == bool(said)
    if said:
        what, key = said.split("|")
        assert f"{name}: numbers such as {values[0]} look like {what} and are read as amounts; " in text
        assert f"`data.features: {{{name}: date}}` with `data.dates: {{{name}: {key}}}` reads dates" in text


def test_days_of_a_spreadsheet_are_read(tmp_path: Path) -> None:
    text = init(tmp_path, "Datum,y", [f"{44197.25 + row},{row * 37 % 11}.5" for row in range(ROWS)])
    config = tmp_path / "a.yaml"
    config.write_text(text.replace("Datum: number", "Datum: date").replace("  scale:", "  dates: {Datum: excel}\n  scale:", 1))
    block = load_config(config).data
    dataset = load_dataset(block, seed=0, reporter=Reporter())
    raw = read_source(block, seed=0, reporter=Reporter())
    values = dataset.preprocessing.read_values(raw, with_targets=True, notes=[])  # type: ignore[attr-defined]
    start = datetime.datetime(2021, 1, 1, 6)
    assert values.features["Datum"].to_list() == [start + datetime.timedelta(row) for row in range(ROWS)]


@pytest.mark.parametrize(
    ("written", "writing"),
    [
        ("%d.%m.%Y %H:%M Uhr", ""),
        ("DE %d.%m.%Y", "Mo.|Di.|Mi.|Do.|Fr.|Sa.|So."),
        ("DE, %d.%m.%Y", "Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag"),
        ("DE %d/%m/%Y", "lun.|mar.|mer.|jeu.|ven.|sam.|dim."),
        ("DE %d/%m/%Y", "lunes|martes|miércoles|jueves|viernes|sábado|domingo"),
        ("DE %d-%m-%Y", "ma|di|wo|do|vr|za|zo"),
        ("DE %d.%m.%Y", "пн|вт|ср|чт|пт|сб|вс"),  # noqa: RUF001
        ("%b %d, %Y", ""),
    ],
)
def test_days_of_the_week_and_oclock_in_other_languages(tmp_path: Path, written: str, writing: str) -> None:
    days = [datetime.datetime(2021, 1, 1, 6, 30) + datetime.timedelta(row) for row in range(ROWS)]
    names = writing.split("|")
    texts = [day.strftime(written.replace("DE", names[day.weekday()]) if writing else written) for day in days]
    init(tmp_path, "d,y", [f'"{text}",{row * 37 % 11}.5' for row, text in enumerate(texts)])
    block = load_config(tmp_path / "a.yaml").data
    dataset = load_dataset(block, seed=0, reporter=Reporter())
    raw = read_source(block, seed=0, reporter=Reporter())
    values = dataset.preprocessing.read_values(raw, with_targets=True, notes=[])  # type: ignore[attr-defined]
    expected = days if "%H" in written else [day.replace(hour=0, minute=0) for day in days]
    assert values.features["d"].to_list() == expected
    assert dataset.warnings == ()


@pytest.mark.parametrize("word", ["Total", "Итого", "合計", "Zwischensumme", "Sous-total"])
def test_a_total_among_numbers_names_the_key_that_leaves_it_out(tmp_path: Path, word: str) -> None:
    rows = [f"{1950 + row},{row * 37 % 11}.5" for row in range(ROWS - 1)]
    assert f"if {word} is the sum of others, `comment: {word}` leaves out" in plain(
        init(tmp_path, "year,y", [*rows, f"{word},9"])
    )


def test_a_total_among_dates_is_told_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    days = [str(datetime.date(1950, 1, 1) + datetime.timedelta(row)) for row in range(ROWS)]
    rows = [f"{day},{row * 37 % 11}.5,{row % 7}" for row, day in enumerate(days)]
    init(tmp_path, "date,y,b", ["Total,900,7", *rows])
    assert "if 'Total' is the sum of others, `data.comment` or `data.skip` leaves that row out" in plain(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["2000/01", "2001/02", "2002/03"], "look like years that begin in one and end in the next"),
        (["1/2", "2/3", "3/4"], "look like fractions"),
        (['"Rs. 90,000/-"', '"Rs. 4,01,113/-"', "Rs. 500/-"], "look like rupees (Rs. 90,000/-)"),
    ],
)
def test_what_looks_like_numbers_is_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], values: list[str], said: str
) -> None:
    init(tmp_path, "a,b,y", [f"{values[row % 3]},{row % 7},{row * 37 % 11}.5" for row in range(ROWS)])
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning: a: " in line]
    assert len(warnings) == 1
    assert said in warnings[0]


@pytest.mark.parametrize(
    ("words", "encoding", "found"),
    [
        (("Łódź", "Kraków", "Poznań"), "iso8859-2", "iso8859-2"),
        (("Česko", "Šumava", "žluť"), "iso8859-2", "iso8859-2"),
        (("Česko", "Šumava", "žluť"), "cp1250", "cp1250"),
        (("Zürich", "Köln", "Münster"), "cp850", "cp850"),
        (("Zürich", "Köln", "Münster"), "cp1252", "cp1252"),
        (("façade", "garçon", "élève"), "cp1252", "cp1252"),
        (("it\u2019s", "naïve", "\u201cso\u201d"), "cp1252", "cp1252"),
        (("Ærø", "Århus", "Ålborg"), "latin-1", "cp1252"),
        (("กรุงเทพ", "เชียงใหม่", "ภูเก็ต"), "cp874", "cp874"),
    ],
)
def test_the_encoding_is_shown_by_a_word(tmp_path: Path, words: tuple[str, ...], encoding: str, found: str) -> None:
    rows = [f"{words[row % 3]},{row * 37 % 11}.5" for row in range(ROWS)]
    assert detect_encoding("\n".join(["city,y", *rows]).encode(encoding)) == found
    assert f"encoding: {found} the file is no UTF-8; a word of city is {words[0]}" in plain(
        init(tmp_path, "city,y", rows, encoding)
    )


WORDS = [("EU", "NNP", "B-ORG"), ("rejects", "VBZ", "O"), ("German", "JJ", "B-MISC"), ("call", "NN", "O"), (".", ".", "O")]


@pytest.mark.parametrize("kind", ["blanks", "tabs", "CoNLL-U"])
def test_words_with_tags_are_named_and_become_rows_with_neighbours(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = {
        "blanks": [f"{word} {part} I-NP {tag}" for word, part, tag in WORDS],
        "tabs": [f"{word}\t{tag}" for word, _, tag in WORDS],
        "CoNLL-U": [
            "# text = EU rejects",
            *(f"{row}\t{word}\t_\t{part}" + "\t_" * 6 for row, (word, part, _) in enumerate(WORDS, 1)),
        ],
    }[kind]
    begin = "-DOCSTART- -X- O O\n\n" if kind == "blanks" else ""
    Path("t.txt").write_text(begin + "\n\n".join(["\n".join(lines)] * 20) + "\n")
    with pytest.raises(DataError, match="each line is a word and its tags, with a blank line between sentences") as caught:
        make_starter("t.txt")
    command = re.search(r"`python -c \"(.*)\"`", str(caught.value.faults[0].hint))
    assert command is not None
    exec(command[1], {})
    made = polars.read_csv("t_words.csv").fill_null("")
    assert made.height == 100
    place = 1 if kind == "CoNLL-U" else 2
    assert made.head(2).rows() == [("", "EU", "rejects", WORDS[0][place]), ("EU", "rejects", "German", WORDS[1][place])]


def test_a_table_of_words_without_sentences_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "word,x,tag\n" + "".join(f"w{row % 7},{row / 3:.2f},{'O' if row % 3 else 'B-ORG'}\n" for row in range(60))
    )
    assert "target: tag" in make_starter(str(tmp_path / "t.csv"), target="tag").text


def test_the_begin_of_an_interval_is_the_time_of_a_row(tmp_path: Path) -> None:
    hours = [datetime.datetime(2015, 1, 1) + datetime.timedelta(hours=row) for row in range(ROWS)]
    begins = [f"{hour:%d.%m.%Y %H:%M}" for hour in (*hours, hours[-1] + datetime.timedelta(hours=1))]
    rows = [f"{begins[row]} - {begins[row + 1]},{row * 37 % 11}.5" for row in range(ROWS)]
    text = plain(init(tmp_path, "MTU (CET),y", rows))
    assert "MTU (CET): date" in text
    assert "dltrain init --series 'MTU (CET)'" in text


def test_two_years_above_amounts_name_columns(tmp_path: Path) -> None:
    lines = ["Country,Code,Indicator,2019,2020", *(f"C{row},X{row},GDP,{row * 1000.5},{row * 7 % 9 + row}" for row in range(60))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    text = make_starter(str(tmp_path / "t.csv"), target="2020").text
    assert "header: true" in text
    assert 'features: {"2019": number}' in text
