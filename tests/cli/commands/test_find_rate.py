"""`dltrain find-rate`: what it prints and writes."""

from __future__ import annotations

from tests.training.support import NOISE


def test_the_command_says_it_as_one_document(cli, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(NOISE)
    result = cli("find-rate", config, "--json", "-o", tmp_path / "rates.png")
    assert result.code == 0
    document = result.json
    assert document["status"] == "finished"
    assert len(document["rates"]) == len(document["losses"])
    assert (tmp_path / "rates.png").read_bytes()[:4] == b"\x89PNG"
    assert cli("find-rate").code == 2


def test_what_it_says_to_do_next_is_the_same_experiment(cli, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(NOISE)
    result = cli("find-rate", config, "training.batch_size=4", "data.split={test: 0.3}", "training.optimizer.learning_rate=1")
    [line] = [line for line in result.out.splitlines() if line.startswith("next: ")]
    assert line.startswith(f"next: dltrain fit {config} training.batch_size=4 'data.split={{test: 0.3}}' training.optimizer.")
    assert line.count("learning_rate=") == 1


def test_no_file_is_replaced_that_was_not_named_to_be(cli, tmp_path):
    config, picture = tmp_path / "c.yaml", tmp_path / "rates.png"
    config.write_text(NOISE)
    picture.write_text("mine")
    assert cli("find-rate", config, "-o", picture).code == 6
    assert cli("find-rate", config, "-o", config, "--force").code == 2
    assert cli("find-rate", config, "-o", tmp_path / "no" / "rates.png").code == 2
    assert (config.read_text(), picture.read_text()) == (NOISE, "mine")
    assert cli("find-rate", config, "-o", picture, "--force").code == 0
    assert picture.read_bytes()[:4] == b"\x89PNG"
