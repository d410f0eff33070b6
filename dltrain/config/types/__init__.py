"""The validated config as typed, frozen values.

`load_config` makes one from text. Nothing here knows Keras; components carry canonical names and checked arguments. The fields
say what their keys are (`key.py`): a new key is a field with `keyed(…)`. Begin with `config.py`.
"""

from __future__ import annotations

from dltrain.config.types.component import Component, LayerConfig, Place, fault_at
from dltrain.config.types.config import (
    LEARNED_BASELINES,
    Config,
    CostConfig,
    EvaluationConfig,
    ModelConfig,
    SweepConfig,
    ThresholdConfig,
)
from dltrain.config.types.data import (
    LIKE_BOTH,
    LIKE_SCIKIT_LEARN,
    MULTILABEL,
    NO_DATA,
    RECONSTRUCTION,
    SEGMENTATION,
    CorruptConfig,
    DataConfig,
    ImagesConfig,
    LabelsConfig,
    SplitConfig,
    TextConfig,
    config_fault,
)
from dltrain.config.types.series import SeriesConfig
from dltrain.config.types.training import CheckpointConfig, LossConfig, MembersConfig, PhaseConfig, TrainingConfig

__all__ = [
    "LEARNED_BASELINES",
    "LIKE_BOTH",
    "LIKE_SCIKIT_LEARN",
    "MULTILABEL",
    "NO_DATA",
    "RECONSTRUCTION",
    "SEGMENTATION",
    "CheckpointConfig",
    "Component",
    "Config",
    "CorruptConfig",
    "CostConfig",
    "DataConfig",
    "EvaluationConfig",
    "ImagesConfig",
    "LabelsConfig",
    "LayerConfig",
    "LossConfig",
    "MembersConfig",
    "ModelConfig",
    "PhaseConfig",
    "Place",
    "SeriesConfig",
    "SplitConfig",
    "SweepConfig",
    "TextConfig",
    "ThresholdConfig",
    "TrainingConfig",
    "config_fault",
    "fault_at",
]
