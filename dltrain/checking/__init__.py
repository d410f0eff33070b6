"""Everything that can be known of a run without training: shapes, sizes, contradictions, odd data.

Never imports Keras by itself: `keras_build.py` does where `check --build` asks for it. What a key may hold is checked in
`config`, layers each by itself in `layers`, where a training is to run in `placing`; begin with `check.py`.
"""

from dltrain.checking.check import check_config, check_dataset, check_file, raise_for_errors
from dltrain.checking.result import CheckResult, LayerRow

__all__ = ["CheckResult", "LayerRow", "check_config", "check_dataset", "check_file", "raise_for_errors"]
