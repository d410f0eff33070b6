"""How a config says what a word of another library means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dltrain.config.old_words.block_words import OF_BLOCKS, OLD_BLOCKS
from dltrain.config.old_words.keras_words import AUGMENT, WORDS_OF_KERAS
from dltrain.config.old_words.other_words import WORDS_OF_OTHERS
from dltrain.wording import normalize

# A word that is no key here -> how the same is said. A path of a key alone, or a sentence.
OLD_WORDS: Mapping[str, str] = {**WORDS_OF_OTHERS, **WORDS_OF_KERAS}

_FACTORS: Mapping[str, Callable[[float], str]] = {
    "rotationrange": lambda value: _turns(value),
    "degrees": lambda value: _turns(value),
    "zoomrange": lambda value: AUGMENT.format(layer=f"{{RandomZoom: {{height_factor: {value:g}}}}}"),
    "widthshiftrange": lambda value: AUGMENT.format(
        layer=f"{{RandomTranslation: {{height_factor: 0.0, width_factor: {value:g}}}}}"
    ),
    "heightshiftrange": lambda value: AUGMENT.format(
        layer=f"{{RandomTranslation: {{height_factor: {value:g}, width_factor: 0.0}}}}"
    ),
}


def _turns(degrees: float) -> str:
    return AUGMENT.format(layer=f"{{RandomRotation: {{factor: {degrees / 360:.4g}}}}}") + ", in turns of 360 degrees"


def _lookup(words: Mapping[str, str]) -> Mapping[str, str]:
    return {normalize(word): said for word, said in words.items()}


_EVERYWHERE, _IN_BLOCKS = _lookup(OLD_WORDS), {block: _lookup(words) for block, words in OF_BLOCKS.items()}


def said_here(word: str, block: str = "", value: Any = None) -> str | None:
    """How a config says what a word of another library means: `here it is training.epochs`; None for other words.

    Args:
        word: as it was written, perhaps with Python's module and brackets around it.
        block: the path of the block in which it stands.
        value: what stands behind it, as plain values.
    """
    if not block and isinstance(value, Mapping) and word.lower() in OLD_BLOCKS:
        return f"here it is {OLD_BLOCKS[word.lower()]}"
    if word.startswith("val_") and normalize(word) not in _EVERYWHERE and len(word) > 4:
        return f"the {word[4:]} of the validation part, in the history and for monitors; among the metrics write {word[4:]}"
    whole = word.partition("(")[0].strip()
    bare = whole.rpartition(".")[2]
    found = (words.get(normalize(name)) for name in (whole, bare) for words in (_IN_BLOCKS.get(block, {}), _EVERYWHERE))
    said = next((each for each in found if each is not None), None)
    if said is None:
        return None
    if (factor := _FACTORS.get(normalize(bare))) is not None and isinstance(value, int | float) and not isinstance(value, bool):
        return factor(float(value))
    return said if " " in said else f"here it is {said}"
