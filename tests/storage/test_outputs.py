from __future__ import annotations

import os

import pytest

from dltrain.errors import RunError, UsageError
from dltrain.storage.outputs import check_output


def test_what_is_there_is_replaced_only_when_asked_for(tmp_path):
    file = tmp_path / "p.csv"
    check_output(file, force=False)
    file.write_text("precious")
    with pytest.raises(RunError, match="exists already"):
        check_output(file, force=False)
    check_output(file, force=True)
    (tmp_path / "link.csv").symlink_to(file)
    with pytest.raises(RunError, match="exists already"):
        check_output(tmp_path / "link.csv", force=False)
    check_output("/dev/null", force=False)


@pytest.mark.parametrize("given", ["d.csv", "./d.csv", "*.csv", "**/d.csv", "hard.csv", "link.csv"])
def test_an_input_is_never_written_over(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.csv").write_text("a,b\n")
    os.link("d.csv", "hard.csv")
    os.symlink("d.csv", "link.csv")
    with pytest.raises(UsageError, match="is what is read"):
        check_output("d.csv", force=True, inputs=[given])


def test_a_place_that_cannot_be_written(tmp_path):
    for path in (tmp_path, tmp_path / "no" / "p.csv"):
        with pytest.raises(UsageError):
            check_output(path, force=True)
