import json

from tests.support import run_dltrain


def test_stdout_is_the_schema(cli):
    result = cli("schema")
    assert (result.code, result.err) == (0, "")
    schema = json.loads(result.out)
    assert schema["$schema"].startswith("http://json-schema.org/")
    assert set(schema["properties"]) >= {"data", "model", "training"}
    assert "units" in schema["definitions"]["layer.Dense"]["properties"]
    assert schema["definitions"]["layer.Dense"]["properties"]["units"]["description"]


def test_with_json_it_is_the_same(cli):
    assert cli("schema", "--json").json == json.loads(cli("schema").out)


def test_it_is_the_same_each_time(tmp_path):
    first, second = (run_dltrain("schema", cwd=tmp_path, PYTHONHASHSEED=seed).stdout for seed in ("1", "2"))
    assert first == second
