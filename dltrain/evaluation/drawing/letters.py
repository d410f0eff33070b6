"""Fonts that have the letters of a text; a letter that none has stands as its code, and it is said: a box is like any other."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = 8  # letters, in a warning
_BASIC = frozenset(range(ord("!"), ord("~") + 1))
_lacking: ContextVar[set[str] | None] = ContextVar("lacking", default=None)


@contextlib.contextmanager
def lacking_letters() -> Iterator[set[str]]:
    """Collects the letters that no font has of what is drawn within."""
    found: set[str] = set()
    token = _lacking.set(found)
    try:
        yield found
    finally:
        _lacking.reset(token)


def apart(word: str) -> str:
    """A word as it stands in a line: one that is read from the right does not turn the numbers behind it round."""
    is_from_right = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in word)
    return word + "\N{LEFT-TO-RIGHT MARK}" if is_from_right else word


def say_lacking(letters: set[str]) -> str:
    """A sentence on letters that stand as their codes."""
    some = sorted(letters)
    more = f" and {len(some) - _NAMED} more" if len(some) > _NAMED else ""
    named = " ".join(some[:_NAMED])
    return (
        f"no font here has {named}{more} beside the other letters; they stand as \\u codes until one is installed (Noto has most)"
    )


def font_of(text: str) -> tuple[Path, str]:
    """The font to draw a text in, and the text as that font can draw it.

    The font of all pictures where it has the letters, else the installed one that lacks the fewest, the first of these; what it
    lacks stands as its code in the text (a backslash, u and four digits).
    """
    own = own_font()
    needed = frozenset(ord(letter) for letter in text if _is_drawn(letter))
    if text.isascii() or needed <= _letters_of(own):
        return own, text
    font = _best_of(needed)
    without = needed - _letters_of(font)
    heard = _lacking.get()
    if heard is not None:
        heard |= {chr(code) for code in without}
    return font, "".join(_code(letter) if ord(letter) in without else letter for letter in text)


def choose_fonts(figure: Figure) -> None:
    """Give each text of a figure a font that has its letters; other texts stay as they are."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Text

    for piece in figure.findobj(Text):
        if not isinstance(piece, Text) or piece.get_text().isascii():
            continue
        font, shown = font_of(piece.get_text())
        if font != own_font():
            piece.set_fontproperties(FontProperties(fname=font, size=piece.get_fontsize()))
        if shown != piece.get_text():
            piece.set_text(shown)


def own_font() -> Path:
    """That of all pictures, which comes with matplotlib."""
    import matplotlib

    return Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")


def _is_drawn(letter: str) -> bool:
    """Whether a font needs something for it: not for blanks, what ends lines, joins letters or chooses between their forms."""
    return not letter.isspace() and unicodedata.category(letter) not in ("Cc", "Cf") and not "\ufe00" <= letter <= "\ufe0f"


def _code(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"


@cache
def _letters_of(font: Path) -> frozenset[int]:
    """The codes that a font has letters for; none where it cannot be read, or holds pictures of one size."""
    from matplotlib.ft2font import FT2Font

    try:
        face = FT2Font(str(font))
        return frozenset(face.get_charmap()) if face.scalable else frozenset()
    except (RuntimeError, OSError):
        return frozenset()


@lru_cache(maxsize=1000)
def _best_of(needed: frozenset[int]) -> Path:
    """The font that lacks the fewest of these letters; one that lacks letters without accents is none for words."""
    best, least = own_font(), len(needed - _letters_of(own_font()))
    for font in _installed():
        letters = _letters_of(font)
        if len(needed - letters) < least and letters >= _BASIC:
            best, least = font, len(needed - letters)
            if least == 0:
                break
    return best


@cache
def _installed() -> tuple[Path, ...]:
    """The fonts of this machine, upright ones without serifs first; none that draws boxes for all letters there are."""
    from matplotlib.font_manager import findSystemFonts

    def order(font: Path) -> tuple[bool, bool, str]:
        name = font.name.lower()
        leans = any(word in name for word in ("bold", "italic", "oblique", "black", "light", "thin", "mono"))
        return leans, "sans" not in name, str(font)

    fonts = (Path(font) for font in findSystemFonts())
    return tuple(sorted((font for font in fonts if "lastresort" not in font.name.lower()), key=order))
