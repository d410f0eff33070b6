from types import SimpleNamespace

import pytest

from dltrain.errors import ConfigError, Fault


@pytest.fixture
def configs(config_room):
    """`bad.yaml` has two faults; any other config is fine."""

    def load_config(file, overrides=()):
        config_room.overrides = list(overrides)
        if str(file) == "bad.yaml":
            raise ConfigError(
                [Fault("unknown key", "bad.yaml", 3, 1, "epohs", "did you mean epochs?"), Fault("wrong", "bad.yaml", 4, 1)]
            )
        return SimpleNamespace(warnings=(Fault("odd", str(file), severity="warning"),), resolved={"name": str(file)})

    config_room.module.load_config = load_config
    return config_room


def test_each_config_is_named(cli, configs):
    result = cli("check", "a.yaml", "b.yaml", "training.epochs=3")
    assert result.code == 0
    assert result.out == "a.yaml: OK\nb.yaml: OK\n"
    assert "a.yaml: warning: odd" in result.err
    assert configs.overrides == ["training.epochs=3"]


def test_a_bad_one_does_not_hide_the_others(cli, configs):
    result = cli("check", "bad.yaml", "a.yaml")
    assert result.code == 2
    assert result.out == "a.yaml: OK\n"
    assert "bad.yaml:3:1: error: epohs: unknown key" in result.err
    assert result.err.endswith("2 errors\n")


def test_json(cli, configs):
    document = cli("check", "bad.yaml", "a.yaml", "--json", "--resolved").json
    assert document["status"] == "error"
    assert document["exit"] == 2
    assert [error["line"] for error in document["errors"]] == [3, 4]
    assert [file["status"] for file in document["files"]] == ["error", "ok"]
    assert document["files"][1]["resolved"] == {"name": "a.yaml"}
    assert cli("check", "a.yaml", "--json").json["status"] == "finished"


def test_resolved(cli, configs):
    assert cli("check", "--resolved", "a.yaml", "b.yaml").out == "{'name': 'a.yaml'}\n---\n{'name': 'b.yaml'}\n"


def test_no_config(cli, configs):
    assert cli("check", "a=1").code == 2
