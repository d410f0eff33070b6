"""The config language: text → positions → validated, resolved `Config`. Never imports TensorFlow or Keras."""

from __future__ import annotations

from dltrain.config.catalog import Catalog, load_catalog
from dltrain.config.load import load_config, load_config_text, resolve
from dltrain.config.overrides import split_words
from dltrain.config.types import Config
from dltrain.config.yaml_writer import dump_yaml

__all__ = ["Catalog", "Config", "dump_yaml", "load_catalog", "load_config", "load_config_text", "resolve", "split_words"]
