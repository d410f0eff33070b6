"""`dltrain init`: where the config goes, and what happens to files that are there."""

from pathlib import Path

import pytest

from dltrain.config import load_config

TABLE = "a,b,y\n" + "".join(f"{index % 7}.5,{index % 5},{index % 2}\n" for index in range(100))


@pytest.fixture(autouse=True)
def _table(tmp_path, _in_a_folder_of_its_own):
    Path("t.csv").write_text(TABLE)


def test_the_config_is_the_only_thing_on_stdout(cli):
    done = cli("init", "t.csv", "--target", "y")
    assert done.code == 0
    Path("first.yaml").write_text(done.out)
    assert load_config("first.yaml").data.target == ("y",)
    assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize("word", ["-", None])
def test_json_without_a_file(cli, word):
    done = cli("init", "t.csv", "--json", *(["-o", word] if word else []))
    assert done.json["status"] == "finished"
    assert "file" not in done.json
    assert 'target: "y"' in done.json["config"]
    assert done.json["summary"][0] == "t.csv: 100 rows, 3 columns"


def test_a_file_is_written_and_named(cli):
    Path("configs").mkdir()
    done = cli("init", "t.csv", "-o", "configs/first.yaml")
    assert (done.code, done.out) == (0, "configs/first.yaml: written\nnext: dltrain fit configs/first.yaml\n")
    assert "target y: 2 classes" in done.err
    config = load_config("configs/first.yaml")
    assert config.data.path == (str(Path.cwd() / "t.csv"),)
    assert cli("check", "configs/first.yaml").code == 0
    assert list(Path("configs").iterdir()) == [Path("configs/first.yaml")]


def test_a_file_that_is_there_is_kept_unless_forced(cli):
    Path("first.yaml").write_text("mine")
    done = cli("init", "t.csv", "-o", "first.yaml", "--json")
    assert (done.code, done.json["exit"]) == (6, 6)
    assert "--force" in done.json["errors"][0]["hint"]
    assert Path("first.yaml").read_text() == "mine"
    done = cli("init", "t.csv", "-o", "first.yaml", "--force", "--json")
    assert done.json["file"] == "first.yaml"
    assert load_config("first.yaml").data.source == "csv"


def test_nothing_is_written_where_the_data_is_no_good(cli):
    Path("bad.csv").write_text("a,b\n1,2\n3\n")
    assert cli("init", "bad.csv", "-o", "first.yaml").code == 3
    assert not Path("first.yaml").exists()


@pytest.mark.parametrize("place", ["nowhere/first.yaml", "."])
def test_a_place_that_takes_no_file(cli, place):
    assert cli("init", "t.csv", "-o", place).code == 2


def test_an_unclear_target_is_wrong_usage(cli):
    Path("u.csv").write_text(TABLE.replace("y", "z"))
    done = cli("init", "u.csv")
    assert done.code == 2
    assert "a (number, such as 0.5)" in done.err
    assert done.out == ""


def test_a_missing_path_is_wrong_usage(cli):
    assert cli("init").code == 2
    assert cli("init", "no_such.csv").code == 3


def test_columns_to_choose_from_stand_each_on_a_line(cli, tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{i}.5,{i * i}.25\n" for i in range(40)))
    result = cli("init", "t.csv", "--target", "c")
    lines = result.err[result.err.index("error:") :].splitlines()
    assert result.code == 2
    assert lines[0] == "error: t.csv has no column 'c'"
    assert [line[:5] for line in lines[1:3]] == ["  a (", "  b ("]
    message = cli("--json", "init", "t.csv", "--target", "c").json["errors"][0]["message"]
    assert message.splitlines()[1:] == lines[1:3]
