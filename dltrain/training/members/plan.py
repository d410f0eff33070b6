"""How the members of an ensemble will be trained, and what that costs: known without training."""

from __future__ import annotations

from dltrain.config.found_rate import with_rate
from dltrain.config.types import Config
from dltrain.model.members import member_configs
from dltrain.training.stacked.structure import why_not_network, why_not_stacked


def why_in_turn(config: Config) -> str | None:
    """Why the members of a config are trained one after the other, a clause; None where they are one program.

    Args:
        config: of the ensemble.
    """
    first = member_configs(with_rate(config, None))[0]  # a rate that is to be found is one number for all of them
    return why_not_stacked(first) or why_not_network(first)


def describe_members(config: Config) -> list[str]:
    """Lines on what the members are and what they cost; none where there is only one model."""
    training = config.training
    if training is None or not training.members.are_several:
        return []
    number, reason = training.members.count, why_in_turn(config)
    if training.members.folds:
        what = f"{number} models, each validated on another fold of the rows that are not of the test part"
        lines = [f"members: {what}; scales and categories are those of all of these rows"]
    else:
        lines = [f"members: {number} models of other seeds on the same parts"]
    if reason:
        time = f"one after the other, because {reason}: {number} times the time of one fit"
    else:
        time = f"together, as one program: from little more than the time of one fit (small nets) to {number} times (large ones)"
    return [*lines, f"members: trained {time}; the run's model is their average"]
