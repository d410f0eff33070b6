"""The pictures of an evaluation, in the run that was evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dltrain.evaluation.drawing.charts import RESULTS_FILE, importance_panel, plot_results
from dltrain.evaluation.drawing.figure import draw_or_warn
from dltrain.evaluation.drawing.occlusion_sheet import FILE as OCCLUSION_FILE
from dltrain.evaluation.drawing.occlusion_sheet import plot_occlusions
from dltrain.evaluation.drawing.svg import sheet
from dltrain.evaluation.importance.occlusion import Occlusions
from dltrain.reporting import Reporter
from dltrain.storage.atomic import write_atomically
from dltrain.storage.held import held
from dltrain.storage.run import Run

if TYPE_CHECKING:
    from dltrain.evaluation.evaluate import EvaluateResult
    from dltrain.evaluation.importance.permutation import Importances

IMPORTANCE_FILE = "importance.svg"


def draw_evaluation(
    result: EvaluateResult, worth: Importances | Occlusions | None, reporter: Reporter, *, is_default: bool
) -> list[str]:
    """Draw predictions against true values, and the importance of each column or of places of pictures, into the run.

    Args:
        result: of the evaluation.
        worth: importances, where they were asked for.
        reporter: hears of what could not be drawn.
        is_default: it is of the rows and the weights whose results the fit draws as `results.svg`; the picture of others has
            their part in its name.

    Returns:
        The names of the pictures that are there.
    """
    with held(result.run):
        Run(result.run).remove_temporary_files()
        name = RESULTS_FILE if is_default else f"results_{result.part}.svg"
        drawn = draw_or_warn(plot_results, name, result.run / name, result.report, reporter=reporter)
        names = [name] if drawn else []
        if isinstance(worth, Occlusions):
            if draw_or_warn(plot_occlusions, OCCLUSION_FILE, result.run / OCCLUSION_FILE, worth, reporter=reporter):
                names.append(OCCLUSION_FILE)
        elif worth is not None and worth.columns:
            file = result.run / IMPORTANCE_FILE
            if draw_or_warn(plot_importance, IMPORTANCE_FILE, file, worth.document(), reporter=reporter):
                names.append(IMPORTANCE_FILE)
    return names


def plot_importance(picture: Path, worth: dict[str, Any]) -> bool:
    """Write the importance of each column, as `Importances.document` has it, as SVG, whole or not at all."""
    words = [one for one in worth["columns"] if one["kind"] == "token"]
    both = ([one for one in worth["columns"] if one not in words], words)
    panels = [importance_panel(some, worth["metric"]) for some in both if some]
    write_atomically(picture, sheet(panels))
    return True
