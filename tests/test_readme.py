"""Every command of the README runs as it stands there, in the order in which it stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from dltrain.cli.app import run
from tests.support import CONFIGS, REPOSITORY, data_folder, run_dltrain

BIN = Path(sys.executable).parent  # where `dltrain` lies as well
TEXT = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.strip().splitlines() if line.startswith("dltrain ")]
INSTALLING = [line for block in BLOCKS for line in block.strip().splitlines() if not line.startswith("dltrain ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(CONFIGS, folder / "configs")
    return folder


# What trains by several processes is tried beside it; its words are understood, as those of clusters are.
@pytest.mark.parametrize("command", [pytest.param(one, marks=[pytest.mark.slow] * ("--workers" in one)) for one in COMMANDS])
def test_command(command: str, folder: Path, warm: Mapping[str, str]) -> None:
    data = data_folder()
    lfw = "lfw" in command or "accuracy>=0.9'" in command
    if lfw and data is None:
        pytest.skip("the pictures of Labeled Faces in the Wild are not on this machine")
    done = run_dltrain(
        *shlex.split(command)[1:], cwd=folder, DLTRAIN_OFFLINE="1", **warm, **({"DLTRAIN_DATA": str(data)} if data else {})
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_config_shown_is_the_one_shipped() -> None:
    shown = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)[0]
    assert shown.strip() in (CONFIGS / "lfw.yaml").read_text()


def test_every_config_named_is_shipped() -> None:
    named = set(re.findall(r"`(?:configs/)?(\w+\.yaml)`", TEXT)) - {"config.yaml", "best.yaml", "faces.yaml", "base.yaml"}
    assert len(named) > 8
    assert named <= {path.name for path in CONFIGS.glob("*.yaml")}


def test_the_errors_shown_are_those_of_the_config_shown(tmp_path: Path) -> None:
    config, said = re.search(r"of\n\n```yaml\n(.*?)```\n\nsays\n\n```text\n(.*?)```", TEXT, flags=re.DOTALL).groups()  # type: ignore[union-attr]
    (tmp_path / "faces.yaml").write_text(config)
    done = run_dltrain("check", "faces.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, said)


def test_the_workflow_for_github_is_one_and_its_commands_run(tmp_path: Path, warm: Mapping[str, str]) -> None:
    [shown] = [block for block in re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL) if "runs-on" in block]
    assert len(shown.strip().splitlines()) <= 17
    workflow = yaml.load(shown, yaml.BaseLoader)  # of which `on` is a word
    assert workflow["on"] == ["pull_request"]
    steps = workflow["jobs"]["train"]["steps"]
    assert [step["uses"] for step in steps if "uses" in step] == ["actions/checkout@v4", "actions/upload-artifact@v4"]
    commands = [line for step in steps for line in step.get("run", "").splitlines()]
    assert commands[0] == "pip install ."  # which the test of installing does
    shutil.copy(CONFIGS / "iris.yaml", tmp_path / "config.yaml")
    environment = {**os.environ, **warm, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "PATH": f"{BIN}:{os.environ['PATH']}"}
    for command in commands[1:]:
        done = subprocess.run(
            ["bash", "-e", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        # A gate that is not met fails the step, and the report follows all the same: `if: always()`.
        assert done.returncode in ((0, 5) if "--require" in command else (0,)), done.stderr
    assert (tmp_path / "summary").read_text().startswith("## ")
    [upload] = [step for step in steps if "with" in step]
    assert (tmp_path / upload["with"]["path"]).read_text().startswith("<!DOCTYPE html>")


@pytest.mark.slow
def test_installing_and_training_in_one_line(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(
        REPOSITORY, copy, ignore=shutil.ignore_patterns(".venv", ".git", "runs", ".*_cache", "__pycache__", ".hypothesis")
    )
    done = subprocess.run(["bash", "-c", INSTALLING[0]], cwd=copy, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout


def snippet(name: str) -> str:
    """What stands in the README below `<!-- snippet: NAME -->`."""
    (found,) = re.findall(rf"<!-- snippet: {name} -->\n```\w+\n(.*?)```", TEXT, flags=re.DOTALL)
    return str(found)


def dltrain_commands() -> list[list[str]]:
    """The words of `dltrain` in all snippets on machines and clusters, and of the fits by several processes."""
    job = yaml.safe_load(snippet("kubernetes"))
    container = job["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]
    lines = [*snippet("slurm").splitlines(), *snippet("ray").splitlines()]
    found = [shlex.split(line.partition("dltrain ")[2]) for line in lines if "dltrain " in line and not line.startswith("#")]
    return [container["command"][1:], *found, *(shlex.split(one)[1:] for one in COMMANDS if "--workers" in one)]


def test_the_snippets_on_clusters_are_what_they_say() -> None:
    job = yaml.safe_load(snippet("kubernetes"))
    assert (job["kind"], job["apiVersion"]) == ("TFJob", "kubeflow.org/v1")
    assert job["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]["name"] == "tensorflow"  # it asks for
    for name in ("slurm", "ray"):
        subprocess.run(["bash", "-n"], input=snippet(name), text=True, check=True)
    steps = [line.split(maxsplit=1)[0] for line in snippet("dockerfile").splitlines()]
    assert steps == ["FROM", "COPY", "RUN", "ENTRYPOINT", "CMD"]
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r"\[(\w+)\]'", snippet("dockerfile"))) <= extras.keys()


@pytest.mark.parametrize("words", dltrain_commands(), ids=" ".join)
def test_their_commands_are_understood(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What follows once all options are read: that there is no config of this name."""
    words = [str(tmp_path / Path(word).name) if word.endswith(".yaml") or "/" in word else word for word in words]
    assert run(words) == 2
    said = capsys.readouterr().err
    assert "no such config file" in said
    assert next(Path(word).name for word in words if word.endswith(".yaml")) in said
