"""What the tests of the command line share."""

import json
import sys
from types import ModuleType, SimpleNamespace

import pytest

from dltrain.cli.app import run
from dltrain.config.types import DataConfig


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "DLTRAIN_DATA"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cli(capsys):
    """Run a command line in this process: exit code, stdout, stderr, and the JSON document where there is one."""

    def call(*words):
        capsys.readouterr()
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        document = json.loads(out, parse_constant=pytest.fail) if "--json" in words else None
        return SimpleNamespace(code=code, out=out, err=err, json=document)

    return call


@pytest.fixture
def fake(monkeypatch):
    """Put functions in the place of a library module, so that a command is tried without training."""

    def put(name, **functions):
        module = ModuleType(name)
        for key, value in functions.items():
            setattr(module, key, value)
        monkeypatch.setitem(sys.modules, name, module)
        parent, _, child = name.rpartition(".")
        if parent in sys.modules:
            monkeypatch.setattr(sys.modules[parent], child, module, raising=False)
        return module

    return put


@pytest.fixture
def config_room(fake):
    """A config room that reads any file name and remembers the overrides."""
    seen = SimpleNamespace(file=None, overrides=None)

    def load_config(file, overrides=()):
        seen.file, seen.overrides = str(file), list(overrides)
        return SimpleNamespace(warnings=(), resolved={"name": "x"}, data=DataConfig("digits"))

    def split_words(words):
        return [word for word in words if "=" not in word], [word for word in words if "=" in word]

    seen.module = fake(
        "dltrain.config", load_config=load_config, split_words=split_words, dump_yaml=lambda mapping: f"{mapping}\n"
    )
    return seen
