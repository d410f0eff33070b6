from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture
def exported(fake, tmp_path):
    run = tmp_path / "runs" / "sms-1"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text('{"status": "finished", "started": "2026-01-01T00:00:00Z"}')
    seen = SimpleNamespace(options=None)
    columns = [
        {"name": f"c{number}", "column": f"c{number}", "dtype": "float32", "shape": [None], "meaning": "a number"}
        for number in range(10)
    ]
    outputs = [{"name": "prediction", "dtype": "string", "shape": [None], "meaning": "a label", "labels": ["ham", "spam"]}]
    seen.result = SimpleNamespace(
        run=run, path=Path("sms-1.keras"), format="keras", num_bytes=1234, inputs=columns, outputs=outputs,
        num_rows=64, difference=2.5e-7, usage=["import keras", "model = ...", "model.predict(...)"], notes=[],
    )  # fmt: skip

    def export(run, **options):
        seen.options = options
        return seen.result

    fake("dltrain.evaluation.export", export=export)
    return seen


def test_text(cli, exported):
    result = cli("export", "latest", "--format", "keras", "-o", "x.keras", "--force", "--weights", "last", "--threads", "2")
    assert result.code == 0
    assert exported.options | {"reporter": None} == {
        "format": "keras", "destination": Path("x.keras"), "force": True, "weights": "last", "top": None, "threads": 2, "reporter": None,
    }  # fmt: skip
    lines = result.out.splitlines()
    assert lines[0].startswith("sms-1.keras: keras, 1.23 kB, from ")
    assert "  in  c7  float32  a number" in lines
    assert "  in  ... 2 more (--json names all)" in lines
    assert "  out  prediction  string  a label: ham, spam" in lines
    assert "answers as the run does on 64 made-up rows (largest difference 2e-07)" in lines
    assert lines[-3:] == ["    import keras", "    model = ...", "    model.predict(...)"]


def test_a_column_of_several_lines_stays_in_its_line(cli, exported):
    exported.result.inputs[0]["name"] = "a\n::error::b"
    assert "  in  a\\n::error::b  float32  a number" in cli("export", "latest").out.splitlines()


def test_json(cli, exported):
    exported.result.notes = ["nothing that reads it is installed"]
    exported.result.num_rows, exported.result.difference = 0, None
    result = cli("export", "sms", "--json")
    assert "nothing that reads it is installed" in result.err
    document = result.json
    assert document["status"] == "finished"
    assert (document["file"], document["format"], document["bytes"]) == ("sms-1.keras", "keras", 1234)
    assert len(document["inputs"]) == 10
    assert document["outputs"][0]["labels"] == ["ham", "spam"]
    assert document["compared"] == {"rows": 0, "largest_difference": None}


@pytest.mark.parametrize(("words", "said"), [(["--format", "pickle"], "pickle"), (["no-such-run"], "no-such-run"), ([], "RUN")])
def test_wrong_usage(cli, exported, words, said):
    run = [] if said in ("RUN", "no-such-run") else ["latest"]
    result = cli("export", *run, *words)
    assert result.code == 2
    assert said in result.err
    assert exported.options is None
