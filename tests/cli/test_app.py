import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from dltrain import errors
from dltrain.__main__ import main
from dltrain.cli import app
from dltrain.errors import DltrainError, Fault, InterruptedRun
from tests.support import REPOSITORY, run_dltrain

HEAVY = {"pydantic", "tensorflow", "keras", "sklearn", "matplotlib", "polars", "pandas", "PIL", "rich", "numpy", "yaml"}
COMMAND_ERRORS = [
    (kind, kind.exit_code)
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, DltrainError) and kind is not InterruptedRun
]


def raising(monkeypatch, error):
    """Make `dltrain datasets` fail."""

    def list_datasets():
        raise error

    monkeypatch.setattr("dltrain.data.catalogue.list_datasets", list_datasets)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        *([name, "--help"] for name in app.COMMANDS),
        ["runs"],
    ],
)
def test_nothing_heavy_is_loaded(words):
    assert loaded_by(words) == set()


@pytest.mark.parametrize("words", [["explain", "Dense"], ["schema"], ["datasets"], ["fit", "no-such.yaml"], ["nonsense"]])
def test_reading_the_config_language_loads_little(words):
    assert loaded_by(words) <= {"yaml", "numpy"}


def loaded_by(words):
    """The heavy modules that a command line loads in a process of its own."""
    code = f"import sys; from dltrain.cli.app import run; run({words!r}); print(*{HEAVY!r} & sys.modules.keys(), file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    return set(result.stderr.splitlines()[-1].split())


def test_every_listed_command_exists(cli):
    help_text = cli("--help").out
    for name in app.COMMANDS:
        assert f"  {name} " in help_text
        result = cli(name, "--help")
        assert result.code == 0
        for option in ("--json", "--quiet", "--verbose", "--threads"):
            assert option in result.out


def test_version(cli):
    assert cli("--version").out.startswith("dltrain ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fitt"], "did you mean fit?"),
        (["xyzzy"], "the commands are fit"),
        (["runs", "--sortt", "loss"], "did you mean --sort?"),
        (["fit", "--force"], "hint: `dltrain fit --help` explains it"),  # no option is near
        (["predict", "--forec"], "did you mean --force?"),
        (["runs", "--limit", "many"], "many"),
        (["runs", "--limit"], "--limit"),
        (["evaluate"], "RUN"),
        (["predict", "--data", "x"], "RUN"),
        (["evaluate", "--weights", "better", "x"], "better"),
        (["evaluate", "x", "--part", "tset"], "tset"),
        (["--nonsense"], "--nonsense"),
        (["fit"], "one config file was expected, found none"),
        (["fit", "x.yaml", "--threads", "0"], "0"),
        (["runs", "--json=yes"], "--json"),
    ],
)
def test_wrong_usage(cli, words, said):
    result = cli(*words)
    assert result.code == 2
    assert said in result.err
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err
    assert result.out == ""


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["predict", "t.csv"], "`dltrain predict RUN --data t.csv`: the run comes first"),
        (["evaluate", "t.csv"], "`dltrain evaluate RUN --data t.csv` take it"),
        (["init", "c.yaml"], "`dltrain fit c.yaml` trains by it"),
        (["init", "t.csv", "y"], "--target y"),
        (["help"], "`dltrain --help`"),
        (["help", "fit"], "`dltrain fit --help`"),
    ],
)
def test_a_file_in_the_place_of_another_is_told_its_own(cli, monkeypatch, tmp_path, words, hint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("x,y\n" + "1,2\n" * 20)
    (tmp_path / "c.yaml").write_text("data: {source: digits}\n")
    result = cli(*words)
    assert result.code == 2
    assert hint in result.err


@pytest.mark.parametrize(
    "words",
    [
        ["--json"],
        ["--json", "fitt"],
        ["fitt", "--json"],
        ["runs", "--json", "--limit", "x"],
        ["runs", "--limit", "--json"],
        ["fit", "--json"],
    ],
)
def test_wrong_usage_in_json(cli, words):
    result = cli(*words)
    assert result.code == result.json["exit"] == 2
    assert result.json["status"] == "error"
    assert set(result.json["errors"][0]) == {"file", "line", "column", "path", "message", "hint"}


def test_json_after_two_dashes_is_a_word(cli):
    assert cli("fit", "--", "x").out == ""


@pytest.mark.parametrize(("kind", "code"), COMMAND_ERRORS)
def test_each_error_has_its_exit_code(cli, monkeypatch, kind, code):
    raising(monkeypatch, kind([Fault("first", "a.csv", 3, 4, "data.target", "do it"), Fault("second")]))
    result = cli("datasets", "--json")
    assert result.code == result.json["exit"] == code
    assert [error["message"] for error in result.json["errors"]] == ["first", "second"]
    assert "a.csv:3:4: error: data.target: first" in result.err
    assert result.err.endswith("2 errors\n")


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)])
def test_an_interrupted_run(cli, monkeypatch, number, code):
    raising(monkeypatch, InterruptedRun("the run is saved", signal_number=number, hint="dltrain fit --resume latest"))
    result = cli("datasets")
    assert result.code == code
    assert "--resume latest" in result.err


def test_an_interrupt_anywhere_else(cli, monkeypatch):
    raising(monkeypatch, KeyboardInterrupt())
    result = cli("datasets", "--json")
    assert result.code == result.json["exit"] == 130
    assert "Traceback" not in result.err


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_sigterm_outside_training(tmp_path, options):
    """The command is told to stop while it reads; one line, or one document, and the exit code of the signal."""
    code = """
import os, signal, sys, time
import dltrain.storage.run_list
def list_runs(folder, limit, **_):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(600)
dltrain.storage.run_list.list_runs = list_runs
from dltrain.cli.app import run
sys.exit(run(sys.argv[1:]))
"""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    words = [sys.executable, "-c", code, "runs", *options]
    result = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, cwd=tmp_path, check=False)
    assert result.returncode == 143
    assert result.stderr == "error: interrupted by SIGTERM\n"
    if options:
        assert json.loads(result.stdout)["exit"] == 143
    else:
        assert result.stdout == ""


def test_the_signal_handler_of_someone_else_stays(cli):
    def own(number, frame):
        raise AssertionError

    before = signal.signal(signal.SIGTERM, own)
    try:
        assert cli("runs").code == 0
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)
    cli("runs")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_warnings_are_no_errors(cli, monkeypatch):
    raising(monkeypatch, errors.ConfigError([Fault("odd", severity="warning"), Fault("wrong")]))
    result = cli("datasets", "--json")
    assert [fault["message"] for fault in result.json["errors"]] == ["wrong"]
    assert [fault["message"] for fault in result.json["warnings"]] == ["odd"]
    assert "warning: odd" in result.err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(5, "Input/output error", "some.csv"), "the system refuses some.csv: Input/output error"),
        (PermissionError(13, "Permission denied"), "the system refuses a file: Permission denied"),
        (MemoryError(), "there is not enough memory"),
    ],
)
def test_what_the_system_refuses_is_no_bug(cli, monkeypatch, tmp_path, error, said):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    raising(monkeypatch, error)
    result = cli("datasets", "--json")
    assert result.code == result.json["exit"] == 6
    assert said in result.json["errors"][0]["message"]
    assert list(tmp_path.glob("dltrain-*")) == []


@pytest.mark.parametrize(
    "error", [ValueError("broken\nin two"), RecursionError(), OSError(22, "Invalid argument"), BrokenPipeError()]
)
def test_a_bug_leaves_its_traceback_in_a_file(cli, monkeypatch, tmp_path, error):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    raising(monkeypatch, error)
    result = cli("datasets", "--json")
    assert result.code == result.json["exit"] == 1
    assert "Traceback" not in result.err
    (log,) = tmp_path.glob("dltrain-*.log")
    assert str(log) in result.err
    assert str(log) in result.json["errors"][0]["hint"]
    assert "Traceback" in log.read_text()


def test_a_bug_in_a_run_goes_to_the_log_of_the_run(cli, monkeypatch, tmp_path):
    (tmp_path / "log.txt").write_text("before\n")

    def list_runs(folder, limit, **_):
        click.get_current_context().obj.run_started(str(tmp_path), 0, 1, 1)
        raise ZeroDivisionError("x")

    monkeypatch.setattr("dltrain.storage.run_list.list_runs", list_runs)
    result = cli("runs")
    assert result.code == 1
    log = (tmp_path / "log.txt").read_text()
    assert log.startswith("before\n")
    assert "ZeroDivisionError" in log
    assert "log.txt" in result.err


def test_a_bug_where_nothing_can_be_written(cli, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    raising(monkeypatch, ValueError("broken"))
    result = cli("datasets")
    assert result.code == 1
    assert "ValueError: broken" in result.err


def test_common_options_before_and_after_the_command(cli):
    assert (
        cli("--json", "runs").json == cli("runs", "--json").json == {"status": "finished", "runs": [], "total": 0, "warnings": []}
    )


def test_log_records_by_verbosity(cli, monkeypatch):
    def list_datasets():
        logger = logging.getLogger("dltrain.somewhere")
        logger.warning("odd \x1b[31m")
        logger.info("decided")
        logger.debug("looked")
        return []

    monkeypatch.setattr("dltrain.data.catalogue.list_datasets", list_datasets)
    assert cli("datasets").err == "warning: odd \\x1b[31m\n"
    assert cli("datasets", "-v").err.count("\n") == 2
    assert cli("datasets", "-vv").err.endswith("debug: looked\n")
    assert not logging.getLogger("dltrain").handlers


def test_what_a_person_types_comes_back_without_steering_the_terminal(cli):
    result = cli("fit\x1b[2J\r\x08")
    assert result.code == 2
    assert not set(result.err) & set("\x1b\r\x08")


def test_a_reader_who_leaves_early_changes_nothing():
    """The pipe is closed before anything is written; exit code and stderr stay those of the command."""
    for words, code in (["datasets"], 0), (["fitt"], 2), (["--help"], 0):
        reading, writing = os.pipe()
        os.close(reading)
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        process = subprocess.run(
            [sys.executable, "-m", "dltrain", *words],
            stdout=writing,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            timeout=300,
        )
        os.close(writing)
        assert process.returncode == code
        assert "Broken" not in process.stderr
        assert "Exception" not in process.stderr


def test_attack_6_the_command_imports_nothing_from_the_working_directory(tmp_path):
    for name in ("numpy", "yaml", "polars", "selectors", "typer", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write({name!r})\n")
    (tmp_path / "t.csv").write_text("a,y\n" + "1,no\n2,yes\n" * 20)
    (tmp_path / "t.yaml").write_text("data: {source: csv, path: t.csv, target: y}\nmodel: {layers: [{Dense: {units: 2}}]}\n")
    assert run_dltrain("check", "--data", "t.yaml", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "executed").exists()


def test_the_real_command(tmp_path):
    result = run_dltrain("runs", "--json", cwd=tmp_path, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert result.returncode == 0
    assert json.loads(result.stdout) == {"status": "finished", "runs": [], "total": 0, "warnings": []}
    assert list(Path(tmp_path).iterdir()) == []


def test_ctrl_c_while_the_command_line_is_imported(monkeypatch, capsys):
    def run(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "run", run)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)  # with it, this very process would be left at once
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as left:
            main()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN  # one that comes now does not change how it ended
    finally:
        signal.signal(signal.SIGINT, before)
    assert left.value.code == 130
    assert capsys.readouterr() == ("", "error: interrupted\n")


def test_e4_a_table_in_the_place_of_a_config_is_told_from_one(cli, tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,Tony: Blair\n")
    result = cli("fit", "t.csv")
    assert result.code == 2
    assert "found a file of data" in result.err
    assert "dltrain init t.csv" in result.err


@pytest.mark.parametrize(
    ("over", "said"),
    [("lr=0.1,0.2", "training.optimizer.learning_rate"), ("epochs=1,2", "training.epochs"), ("bs=1,2", "training.batch_size")],
)
def test_e4_over_answers_with_the_name_of_today(cli, tmp_path, over, said):
    (tmp_path / "c.yaml").write_text("data: {source: iris}\nmodel:\n  layers: [{Dense: {units: 2}}]\n")
    result = cli("sweep", "c.yaml", "--over", over)
    assert result.code == 2
    assert said in result.err


@pytest.mark.parametrize("command", ["fit", "sweep", "find-rate", "evaluate", "predict", "export", "trace", "check"])
def test_what_may_import_own_code_takes_the_word_for_it(cli, command):
    assert "--trust-code" in cli(command, "--help").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["init", "t.csv", "--target", "y", "--series", "-o", "x.yaml"],
            "--series needs a value, COL, and the option -o follows",
        ),
        (["init", "t.csv", "--series", "--target=y"], "--series needs a value, COL, and the option --target follows"),
        (["fit", "c.yaml", "--run-dir", "--json"], "--run-dir needs a value, DIR, and the option --json follows"),
        (["evaluate", "r", "--data", "-v"], "--data needs a value, PATH, and the option -v follows"),
    ],
)
def test_an_option_is_no_value_of_the_one_before_it(words, said, capsys):
    assert app.run(words) == 2
    assert said in capsys.readouterr().err
