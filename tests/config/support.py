"""Loading config text in tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.config import Config, load_config_text
from dltrain.errors import ConfigError, Fault

DATA = "data: {source: digits, split: {validation: 0.2}}\n"


def load(text: str | bytes, *overrides: str, folder: Path = Path("/configs")) -> Config:
    return load_config_text(text, file="c.yaml", folder=folder, overrides=overrides)


def faults_of(text: str | bytes, *overrides: str) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        load(text, *overrides)
    return caught.value.faults
