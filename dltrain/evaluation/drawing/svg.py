"""Charts as SVG, put together here: the import of matplotlib alone takes longer than all that a run has to show.

A panel is one chart of a known size; a sheet puts panels beside each other. All text is escaped. Colours are those of Okabe and
Ito ("Color Universal Design"), told apart by those who see few colours as well, and become lighter where the reader's
screen is dark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from dltrain.wording import display_width, shortened

TEXT = 12.0  # pixels of a letter's height
_GAP = 24.0  # between panels
_STYLE = (
    "text{font:12px 'DejaVu Sans',Verdana,Arial,sans-serif;fill:#1b1f24}.t{font-weight:bold}.b{fill:#fff}"
    ".g{stroke:#d0d7de;fill:none}.a{stroke:#57606a;fill:none}.l{fill:none;stroke-width:1.8}"
    ".d{fill:none;stroke-linecap:round}.blue{stroke:#0072b2}.orange{stroke:#d55e00}.grey{stroke:#767676}.fb{fill:#0072b2}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#0d1117}.g{stroke:#3d444d}.a{stroke:#9ea7b3}"
    ".blue{stroke:#56b4e9}.orange{stroke:#e69f00}.grey{stroke:#9ea7b3}.fb{fill:#56b4e9}}"
)


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart of so many pixels; `title` says in words what it shows."""

    width: float
    height: float
    body: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve; it is broken where a number is not finite. `style` is one of blue, orange and grey."""

    xs: Sequence[float]
    ys: Sequence[float]
    style: str = "blue"
    label: str = ""
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Dots:
    """Points, all of one size."""

    xs: Sequence[float]
    ys: Sequence[float]
    style: str = "blue"
    label: str = ""
    size: float = 5.0


@dataclass(frozen=True, slots=True)
class Axis:
    """One side of a chart: its name, its ends (None: those of the numbers), words in the place of numbers, whole ones alone."""

    name: str
    ends: tuple[float, float] | None = None
    is_logarithmic: bool = False
    words: Sequence[str] = ()
    is_whole: bool = False


def text_width(text: str) -> float:
    """Pixels that a text takes at most in the fonts that are asked for."""
    return display_width(text) * 0.6 * TEXT


def sheet(panels: Sequence[Panel], widest: float = 960.0) -> bytes:
    """The panels, as many beside each other as have room, as one SVG file."""
    rows: list[list[Panel]] = [[]]
    for panel in panels:
        if rows[-1] and sum(other.width + _GAP for other in rows[-1]) + panel.width > widest:
            rows.append([])
        rows[-1].append(panel)
    parts, top, width = [], _GAP / 2, 0.0
    for row in rows:
        left = _GAP / 2
        for panel in row:
            parts.append(f'<g transform="translate({left:.0f} {top:.0f})">{panel.body}</g>')
            left += panel.width + _GAP
        width = max(width, left - _GAP / 2)
        top += max((panel.height for panel in row), default=0.0) + _GAP
    height = top - _GAP / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}"><style>{_STYLE}</style><rect class="b" width="100%" height="100%"/>'
        f"{''.join(parts)}</svg>\n"
    ).encode("utf-8", errors="replace")


def text(x: float, y: float, words: str, anchor: str = "start", more: str = "") -> str:
    """A piece of text that begins, ends or has its middle at a place."""
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in words)
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(shown)}</text>'


def plot(
    title: str, across: Axis, up: Axis, marks: Sequence[Line | Dots], *, width: float = 330.0, height: float = 250.0
) -> Panel:
    """Curves and points over two axes, with their names above.

    Args:
        title: above all.
        across, up: the axes.
        marks: what is drawn, the last one on top.
        width, height: of the field itself, without names and numbers.
    """
    low, high = _ends(across, (x for mark in marks for x in mark.xs))
    bottom, top_value = _ends(up, (y for mark in marks for y in mark.ys))
    ticks, rungs = _ticks(across, low, high, width / 70), _ticks(up, bottom, top_value, height / 45)
    legend = [mark for mark in marks if mark.label]
    left = 2.0 * TEXT + max((text_width(label) for _, label in rungs), default=0.0)
    top = 1.8 * TEXT + 1.5 * TEXT * len(legend)
    tilted = bool(across.words) and sum(text_width(label) + 8 for _, label in ticks) > width
    below = max((text_width(label) for _, label in ticks), default=0.0) if tilted else TEXT

    def x_of(value: float) -> float:
        return left + width * _share(across, value, low, high)

    def y_of(value: float) -> float:
        return top + height * (1 - _share(up, value, bottom, top_value))

    parts = [text(left, TEXT, title, more=' class="t"')]
    for place, mark in enumerate(legend):
        y = 1.8 * TEXT + 1.5 * TEXT * place + 0.6 * TEXT
        parts += [_sample(mark, left, y - 4), text(left + 30, y, mark.label)]
    grid = "".join(f"M{left:.1f} {y_of(value):.1f}h{width:.1f}" for value, _ in rungs)
    grid += "".join(f"M{x_of(value):.1f} {top:.1f}v{height:.1f}" for value, _ in ticks)
    parts.append(f'<path class="g" d="{grid}"/>')
    parts += [text(left - 6, y_of(value) + 4, label, "end") for value, label in rungs]
    for value, label in ticks:
        turned = f' transform="rotate(-90 {x_of(value) + 4:.1f} {top + height + 8:.1f})"' if tilted else ""
        drop = 8 if tilted else 1.3 * TEXT
        parts.append(text(x_of(value) + (4 if tilted else 0), top + height + drop, label, "end" if tilted else "middle", turned))
    parts.append(f'<path class="a" d="M{left:.1f} {top:.1f}v{height:.1f}h{width:.1f}"/>')
    parts += [_drawn(mark, x_of, y_of) for mark in marks]
    bottom_line = top + height + below + 1.9 * TEXT
    middle = top + height / 2
    parts.append(text(left + width / 2, bottom_line, _fitted(across.name, width), "middle"))
    parts.append(text(TEXT, middle, _fitted(up.name, height), "middle", f' transform="rotate(-90 {TEXT:.1f} {middle:.1f})"'))
    needed = max(
        left + width + text_width(ticks[-1][1] if ticks else "") / 2, *(left + 30 + text_width(m.label) for m in legend), 0
    )
    said = f"{title}: {', '.join(mark.label for mark in legend)}" if legend else title
    return Panel(max(needed, left + text_width(title) * 1.1), bottom_line + 4, "".join(parts), said)


def bars(title: str, names: Sequence[str], values: Sequence[float], labels: Sequence[str]) -> Panel:
    """Bars that lie, one below the other, each with its name before and its number behind; negative ones go to the left.

    Args:
        title: above all.
        names: of the bars.
        values: their lengths.
        labels: what stands behind them.
    """
    width = 260.0  # of the field
    names = [shortened(name, 44) for name in names]
    left, step = max(map(text_width, names), default=0.0) + 8, 1.7 * TEXT
    low, high = min([0.0, *values]), max([0.0, *values])
    scale = width / ((high - low) or 1.0)
    parts, zero = [text(0, TEXT, title, more=' class="t"')], left - low * scale
    for place, (name, value, label) in enumerate(zip(names, values, labels, strict=True)):
        y = 1.8 * TEXT + place * step
        start = zero + min(0.0, value) * scale
        parts.append(text(left - 8, y + TEXT, name, "end"))
        parts.append(
            f'<rect class="fb" x="{start:.1f}" y="{y + 2:.1f}" width="{abs(value) * scale:.1f}" height="{step - 5:.1f}"/>'
        )
        parts.append(text(zero + max(0.0, value) * scale + 5, y + TEXT, label))
    bottom = 1.8 * TEXT + len(names) * step
    parts.append(f'<path class="a" d="M{zero:.1f} {1.8 * TEXT:.1f}V{bottom:.1f}"/>')
    needed = left + width + 10 + max(map(text_width, labels), default=0.0)
    said = f"{title}: {', '.join(map(' '.join, zip(names[:5], labels)))}"
    return Panel(max(needed, 1.1 * text_width(title)), bottom + 4, "".join(parts), said)


def spark(counts: Sequence[float]) -> bytes:
    """A histogram no higher than two lines of text."""
    width, height = 132.0, 30.0
    most, step = max([*counts, 1e-300]), width / max(len(counts), 1)
    path = "".join(
        f"M{place * step:.1f} {height:.1f}v{-max(height * count / most, 1.0):.1f}h{0.9 * step:.1f}V{height:.1f}z"
        for place, count in enumerate(counts)
        if count > 0
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} '
        f'{height:.0f}"><style>{_STYLE}</style><path class="fb" d="{path}"/></svg>'
    ).encode()


def _fitted(name: str, room: float) -> str:
    """An axis's name, cut to the length of the axis."""
    while text_width(name) > room:
        name = shortened(name, len(name) - max(2, len(name) // 10))
    return name


def _sample(mark: Line | Dots, x: float, y: float) -> str:
    if isinstance(mark, Dots):
        return f'<path class="d {mark.style}" stroke-width="{min(mark.size, 8):.1f}" d="M{x + 12:.1f} {y:.1f}h0"/>'
    return f'<path class="l {mark.style}"{_dashes(mark)} d="M{x:.1f} {y:.1f}h24"/>'


def _dashes(mark: Line) -> str:
    return ' stroke-dasharray="5 4"' if mark.is_dashed else ""


def _drawn(mark: Line | Dots, x_of: Callable[[float], float], y_of: Callable[[float], float]) -> str:
    path, goes_on = [], False
    for x, y in zip(mark.xs, mark.ys, strict=True):
        if not (math.isfinite(x) and math.isfinite(y)):
            goes_on = False
            continue
        if isinstance(mark, Dots):
            path.append(f"M{x_of(x):.1f} {y_of(y):.1f}h0")
        else:
            path.append(f"{'L' if goes_on else 'M'}{x_of(x):.1f} {y_of(y):.1f}")
        goes_on = True
    if isinstance(mark, Dots):
        return f'<path class="d {mark.style}" stroke-width="{mark.size:.1f}" stroke-opacity=".7" d="{"".join(path)}"/>'
    return f'<path class="l {mark.style}"{_dashes(mark)} d="{"".join(path)}"/>'


def _ends(axis: Axis, values: Iterable[float]) -> tuple[float, float]:
    """Where an axis begins and ends: as it says, else a little beyond the numbers."""
    if axis.words:
        return -0.5, len(axis.words) - 0.5
    if axis.ends is not None:
        return axis.ends
    found = [value for value in values if math.isfinite(value) and (value > 0 or not axis.is_logarithmic)]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    if axis.is_logarithmic:
        return (low / 1.15, high * 1.15) if found else (0.1, 1.0)
    room = 0.05 * (high - low) or max(abs(low) * 0.1, 1e-9)
    return low - room, high + room


def _share(axis: Axis, value: float, low: float, high: float) -> float:
    """How far along the axis a value lies; what is beyond its ends lies at them."""
    if axis.is_logarithmic:
        value, low, high = math.log10(max(value, 1e-300)), math.log10(low), math.log10(high)
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _ticks(axis: Axis, low: float, high: float, most: float) -> list[tuple[float, str]]:
    """Round numbers on the axis, about so many, with their text."""
    if axis.words:
        return [(float(place), shortened(word, 24)) for place, word in enumerate(axis.words)]
    if axis.is_logarithmic:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = [step * 10.0**power for power in range(first, last + 1) for step in steps]
            found = [value for value in found if low <= value <= high]
            if len(found) <= most + 1:
                break
        return [(value, f"{value:g}") for value in found[:: max(1, math.ceil(len(found) / (most + 1)))]]
    rough = (high - low) / max(most, 1.0)
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough)
    step = max(step, 1.0) if axis.is_whole else step
    first = math.ceil(low / step - 1e-9)
    values = [number * step for number in range(first, first + 1000) if number * step <= high + 1e-9 * step]
    return [
        (value, f"{value:,.{max(0, -math.floor(math.log10(step)))}f}" if 1e-4 <= step < 1e9 else f"{value:g}") for value in values
    ]
