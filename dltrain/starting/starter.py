"""A first config: its text, and what it says of the data."""

from __future__ import annotations

from dataclasses import dataclass

from dltrain.errors import UsageError

# What a fit takes beside its epochs: TensorFlow's start, the table, the building of the nets, their evaluation and the pictures.
START_SECONDS = 12.0
DEFAULT_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of `dltrain init` that shape a config: time, simplicity, comparison, series.

    Attributes:
        simple: a small net, as a course begins with.
        seconds: that a fit may take on two cores, where the net's epochs go by it; None: minutes.
        compare: the config asks for the baselines that learn.
        series: the column of the time, where the target is to be foretold.
        horizon: how many rows ahead; None: a season, as a week of days.
    """

    simple: bool = False
    seconds: float | None = None
    compare: bool = False
    series: str | None = None
    horizon: int | None = None

    @property
    def epoch_seconds(self) -> float:
        """What the epochs of a fit may take on two cores."""
        return (self.seconds or DEFAULT_SECONDS) - START_SECONDS


USUAL = Wishes()


@dataclass(frozen=True, slots=True)
class Starter:
    """A first config.

    Attributes:
        text: the YAML, with comments.
        summary: what was found, a line each.
    """

    text: str
    summary: tuple[str, ...]


def no_comparison(reason: str) -> UsageError:
    """The error for `--compare` where no comparison can be made."""
    hint = "leave --compare out; `evaluation.baselines: [linear, boosting]` is for rows of numbers and categories"
    return UsageError(f"no linear model and no trees to compare with: {reason}", hint=hint)


def no_series(what: str) -> UsageError:
    """The error for `--series` on data that is no series."""
    return UsageError(f"init --series foretells a column of a table, and {what}", hint="leave --series out")
