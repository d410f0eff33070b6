"""`training.devices` and `training.deterministic` against the cards that this machine shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dltrain import cards
from dltrain.checking.places import fault, placed
from dltrain.checking.placing.several import faults_of_several
from dltrain.config.types import Config, TrainingConfig
from dltrain.data.facts import DataFacts
from dltrain.errors import Fault
from dltrain.model.heads.head import Head

_KEY = "training.devices"


def check_devices(
    config: Config, training: TrainingConfig, facts: DataFacts | None = None, heads: Sequence[Head] = ()
) -> Iterator[Fault]:
    """Errors where this machine has no such cards; a warning where it has one that nothing can compute on."""
    del facts, heads
    if (found := cards.why_no_card(training.devices)) is not None:
        yield fault(config, _KEY, *found)
    elif training.devices == cards.AUTO and cards.count_cards() and not cards.has_cuda_libraries():
        message, hint = cards.no_libraries()
        yield fault(config, _KEY, f"{message}: the processor trains", hint, warning=True)
    if cards.asked_cards(training.devices) > 1:
        yield from placed(config, faults_of_several(config, training))
        if config.sweep is not None:
            yield fault(
                config, _KEY, "the trials of a sweep take one card each", "training.devices=gpu, and as many --jobs as cards"
            )
