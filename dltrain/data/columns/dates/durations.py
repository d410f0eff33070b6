"""Text that is a length of time or a time of the day - `01:23:45`, `2h 50m`, `8h30`, `4:15 PM`, `18.00.00` - as seconds."""

from __future__ import annotations

from dltrain.later import polars

# Hours, minutes and seconds, or minutes and seconds, as stop watches and pandas write them.
DURATION = r"^(?:(-?\d+) days?,? \+?)?(-?)(?:(\d{1,4}):)?(\d{1,4}):([0-5]\d(?:[.,]\d{1,9})?)$"
# Each number with its word; a number after hours is one of minutes.
_WORDS = (
    r"(?i)^(-?)(?:(\d+) ?(?:d|days?|tage?|jours?|j)\.?,? ?)?(?:(\d+) ?(?:h|hrs?|hours?|std|stunden?|heures?)\.?,? ?)?"
    r"(?:(\d+) ?(?:m|mn|mins?|minutes?|minuten?)?\.?,? ?)?"
    r"(?:(\d+(?:[.,]\d+)?) ?(?:s|secs?|seconds?|sek|sekunden?|secondes?)\.?)?$"
)
# `8:30 h`: hours and minutes, whatever stands where minutes and seconds do without the word.
_HOURS = r"(?i)^(-?)(\d{1,4}):([0-5]\d)(?::([0-5]\d))? ?(?:h|hrs?|hours?|std\.?|stunden|uhr)$"
_HALF_DAYS = r"^(0?\d|1[0-2]):([0-5]\d)(?::([0-5]\d(?:\.\d{1,9})?))? ?([AaPp])\.?[Mm]\.?$"
# As Italian loggers write the time of a day; `10.03.04` by itself is rather a date.
_POINTS = r"^([01]\d|2[0-3])\.([0-5]\d)\.([0-5]\d)$"
_NO_DATE = r"^00|\.(?:00|1[3-9]|[2-5]\d)\."
# ISO 8601, as feeds of videos and XML write it: PT1H30M, P1DT2H, PT4.5S.
_ISO = r"^(-?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$"
# `1995H1` is half a year: minutes behind hours have two digits where no word follows.
_HALF_YEAR = r"(?i)\dh\d$"
_LETTER = r"\p{L}"
_PAIR = r"(?i)\d ?(?:d|h|j|std|tag|jour|m|heure)[^\d]*\d"


def are_durations(series: polars.Series) -> bool:
    """Whether a column holds text such as 01:23:45, and nothing else; or, where a value shows two of them, words of time."""
    if str(series.dtype) not in ("String", "Utf8") or series.null_count() == len(series):
        return False
    if any(series.str.contains(pattern).all() for pattern in (DURATION, _HOURS, _HALF_DAYS)):
        return True
    if series.str.contains(_POINTS).all() and series.str.contains(_NO_DATE).any():
        return True
    if series.str.contains(_ISO).all() and series.str.contains(r"\d[WDHMS]$").all():
        return True
    if series.str.contains(_HALF_YEAR).any():
        return False
    return bool(series.str.contains(_WORDS).all() and series.str.contains(_LETTER).all() and series.str.contains(_PAIR).any())


def to_seconds(series: polars.Series) -> polars.Series:
    """Float64, null where there is no value or none of the known forms; of `10:30` it is not known whether they are minutes."""

    def numbers(part: polars.Series) -> polars.Series:
        return part.str.replace(",", ".", literal=True).cast(polars.Float64, strict=False).fill_null(0.0)

    def signed(part: polars.Series) -> polars.Series:
        return polars.select(polars.when(part == "-").then(-1.0).otherwise(1.0)).to_series()

    parts = series.str.extract_groups(DURATION).struct
    within = signed(parts[1]) * ((numbers(parts[2]) * 60 + numbers(parts[3])) * 60 + numbers(parts[4]))
    found = [(DURATION, numbers(parts[0]) * 86400.0 + within)]
    parts = series.str.extract_groups(_HOURS).struct
    found.append((_HOURS, signed(parts[0]) * ((numbers(parts[1]) * 60 + numbers(parts[2])) * 60 + numbers(parts[3]))))
    parts = series.str.extract_groups(_HALF_DAYS).struct
    afternoon = (parts[3].str.to_lowercase() == "p").cast(polars.Float64) * 12
    found.append((_HALF_DAYS, ((numbers(parts[0]) % 12 + afternoon) * 60 + numbers(parts[1])) * 60 + numbers(parts[2])))
    parts = series.str.extract_groups(_POINTS).struct
    found.append((_POINTS, (numbers(parts[0]) * 60 + numbers(parts[1])) * 60 + numbers(parts[2])))
    parts = series.str.extract_groups(_ISO).struct
    hours = (numbers(parts[1]) * 7 + numbers(parts[2])) * 24 + numbers(parts[3])
    found.append((_ISO, signed(parts[0]) * ((hours * 60 + numbers(parts[4])) * 60 + numbers(parts[5]))))
    parts = series.str.extract_groups(_WORDS).struct
    hours = numbers(parts[1]) * 24 + numbers(parts[2])
    found.append((_WORDS, signed(parts[0]) * ((hours * 60 + numbers(parts[3])) * 60 + numbers(parts[4]))))
    seconds = polars.Series("", [None], dtype=polars.Float64).new_from_index(0, len(series))
    for pattern, values in reversed(found):
        is_such = series.str.contains(pattern) & (series.str.contains(_LETTER) if pattern == _WORDS else True)
        seconds = values.zip_with(is_such.fill_null(False), seconds)
    return seconds.alias(series.name)
