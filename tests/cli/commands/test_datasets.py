import pytest

from dltrain.errors import DataError


def test_list(cli):
    out = cli("datasets").out
    names = [line.split()[0] for line in out.splitlines()[1:]]
    assert {"lfw_people", "digits", "iris", "mnist", "noise"} <= set(names)


def test_one(cli):
    out = cli("datasets", "digits").out
    assert "1,797" in out
    assert "8 x 8" in out
    assert cli("datasets", "digits", "--json").json["rows"] == 1797


def test_json(cli):
    datasets = {info["name"]: info for info in cli("datasets", "--json").json["datasets"]}
    assert datasets["iris"]["task"] == "classification"
    assert datasets["iris"]["rows"] == 150


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mnst"], "did you mean mnist?"),
        (["get"], "datasets get NAME"),
        (["get", "lfw"], "no dataset 'lfw'"),
        (["digits", "iris"], "one dataset name"),
        (["get", "digits", "iris"], "one dataset name"),
    ],
)
def test_wrong_usage(cli, words, said):
    result = cli("datasets", *words)
    assert result.code == 2
    assert said in result.err


def test_get(cli, monkeypatch, tmp_path):
    def get_dataset(name, reporter):
        reporter.status("downloading 1 of 2 MB")
        return tmp_path / name

    monkeypatch.setattr("dltrain.data.catalogue.get_dataset", get_dataset)
    result = cli("datasets", "get", "mnist", "--json")
    assert result.json["path"] == str(tmp_path / "mnist")
    assert "downloading" in result.err


def test_get_without_internet(cli, monkeypatch):
    def get_dataset(name, reporter):
        raise DataError("mnist cannot be downloaded")

    monkeypatch.setattr("dltrain.data.catalogue.get_dataset", get_dataset)
    assert cli("datasets", "get", "mnist").code == 3
