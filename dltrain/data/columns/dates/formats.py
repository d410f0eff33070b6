"""The formats that a single text may be a date of, by its look: what `dltrain.data.columns.dates` tries on a column."""

from __future__ import annotations

import re
from functools import lru_cache

# Hours from UTC of names that mean one offset: those of RFC 822 and of Europe.
ZONE_HOURS = {
    "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
}  # fmt: skip
# Forms and spreadsheets of Google write `GMT+1` and `GMT-3:30`.
ZONE = r"Z|z|[+-]\d\d:?\d\d|[+-]\d\d|(?: (?:(?:GMT|UTC)[+-]\d{1,2}(?::?\d\d)?|" + "|".join(ZONE_HOURS) + "))"
# English name of a month -> how it begins in German, French, Spanish, Italian, Portuguese, Dutch, Scandinavian languages, Polish,
# Russian and Turkish, beside the English.
MONTHS = {
    "jan": "jan|jän|ene|gen|sty|oca|янв", "feb": "feb|fév|fev|lut|şub|фев", "mar": "mar|mär|mrz|maa|mrt|мар",
    "apr": "apr|avr|abr|kwi|nis|апр", "may": "may|mai|mag|mei|maj|мая|май", "jun": "jun|juin|giu|cze|haz|июн",
    "jul": "jul|juil|lug|lip|tem|июл", "aug": "aug|aoû|aou|ago|sie|ağu|авг", "sep": "sep|set|wrz|eyl|сен",
    "oct": "oct|okt|ott|out|paź|eki|окт", "nov": "nov|lis|kas|ноя", "dec": "dec|déc|dez|dic|des|gru|ara|дек",
}  # fmt: skip
_ENGLISH = rf"(?:{'|'.join(MONTHS)})[a-z]*"
MONTH = rf"(?:{'|'.join(MONTHS.values())})[^\W\d_]*"
# What stands behind the number of a day: `1st`, `1er`, `1º`.
ENDING = r"(?:(?:st|nd|rd|th|er|re)\b|[ºª°])"
# The place of a moment, as Java writes it after the offset.
PLACE = r"\[[A-Za-z_/+\-0-9]+\]"
# The same behind a time without an offset: ` Europe/Berlin`, or in brackets.
NAMED_PLACE = re.compile(
    r"(?<=[0-9A-Za-z]) ?(?:\[([A-Z][A-Za-z_]+(?:/[A-Za-z_+\-0-9]+)+)\]|([A-Z][A-Za-z_]+(?:/[A-Za-z_+\-0-9]+)+))$"
)
# English name of a day of the week -> how it begins in German, Dutch, French, Spanish, Italian, Portuguese and Russian; in an
# order in which the longer of two beginnings comes first.
WEEKDAYS = {
    "sun": "so|zo|dim|dom|вс|воск",
    "tue": "di|mar|ter|вт",
    "mon": "mo|ma|lun|seg|пн|понед",
    "wed": "mi|wo|mer|qua|ср",  # noqa: RUF001
    "thu": "do|jeu|jue|gio|qui|чт|четв",
    "fri": "fr|vr|ven|vie|sex|пт|пятн",
    "sat": "sa|sá|za|сб|субб",  # noqa: RUF001
}
_OTHER_WEEKDAY = re.compile(rf"(?:{'|'.join(WEEKDAYS.values())})[^\W\d_]*(?:-feira)?\.?(,? +)(?=\d)", re.IGNORECASE)
# What stands behind the hour.
_OCLOCK = r"(?<=\d) ?(?:Uhr|uur|hrs|h)$"
_WEEKDAY = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)([a-z]*)(,? +)", re.IGNORECASE)
_TIMED = re.compile(
    r"(?P<date>.+?)(?P<join>[ T:]|, )(?P<hour>\d{1,2})"
    r"(?:(?P<sign>[:.])(?P<minute>\d\d)(?:(?P=sign)(?P<second>\d\d)(?P<part>[.,]\d{1,9})?)?)?"
    rf"(?P<half> ?[AaPp](?:[Mm]|\.[Mm]\.))?(?P<gap> ?)(?P<zone>{ZONE})?"
)
_BASIC = re.compile(rf"\d{{8}}(?P<join>[T _-])(?P<time>\d{{4}}|\d{{6}})(?P<part>\.\d{{1,9}})?(?P<gap> ?)(?P<zone>{ZONE})?")
# A day and a time in the names of files: `2020-01-05-08`, `2020-01-05_08-30-00`.
_DASHED = re.compile(r"(?P<date>\d{4}-\d\d-\d\d)(?P<join>[-_])\d\d(?P<minute>-\d\d)?(?P<second>-\d\d)?")
# What C's ctime and the posts of networks write: `Mon Apr  6 22:19:45 2009`.
_CTIME = re.compile(rf"{_ENGLISH} +\d{{1,2}} \d\d:\d\d:\d\d(?P<zone> [+-]\d{{4}}| [A-Z]{{3,4}})? \d{{4}}", re.IGNORECASE)
# What DB2 writes: `2020-01-05-08.30.00.123456`.
_DB2 = re.compile(r"\d{4}-\d\d-\d\d-\d\d\.\d\d\.\d\d(?P<part>\.\d{1,9})?")

_LONGEST = 200  # characters of a date, in whatever words and zones


@lru_cache(maxsize=1024)
def candidates(text: str) -> tuple[str, ...]:
    """The formats that a text may be written in, the likelier first."""
    if len(text) > _LONGEST:
        return ()
    text = text.strip()
    place = NAMED_PLACE.search(text)
    if place:
        local = [date_format for date_format in candidates(text[: place.start()]) if "%z" not in date_format]
        if local:
            return tuple(date_format + place[0] for date_format in local)
    text = re.sub(rf"{PLACE}$", "", text)
    year = re.search(rf"(?<=\d{{4}}) ?(?:г\.?|года)$|{_OCLOCK}", text)  # noqa: RUF001 of Russian dates
    if year:
        return tuple(date_format + year[0] for date_format in candidates(text[: year.start()]))
    other = _OTHER_WEEKDAY.match(text)
    found = [date for date in candidates(text[other.end() :]) if date[:2] not in ("%a", "%A")] if other else []
    if other and found:  # and no month, such as May
        return tuple(f"%a{other[1]}{date}" for date in found)
    weekday = _WEEKDAY.match(text)
    if not weekday:
        return tuple(_of_a_day(text))
    before, text = ("%A" if weekday[2] else "%a") + weekday[3], text[weekday.end() :]
    ctime = _CTIME.fullmatch(text)
    found = [f"%b %d %H:%M:%S{' %z' if ctime['zone'] else ''} %Y"] if ctime else []
    return tuple(before + date for date in (*_of_a_day(text), *found))


def _of_a_day(text: str) -> list[str]:
    """Formats of a date with or without a time, and without the name of its weekday."""
    if text.isdigit():
        return []
    found = _date_formats(text)
    for pattern, formats in ((_BASIC, _basic), (_DASHED, _dashed), (_DB2, _db2), (_TIMED, _timed)):
        if match := pattern.fullmatch(text):
            found += formats(match)
    return found


def _basic(match: re.Match[str]) -> list[str]:
    time = "%H%M%S" if len(match["time"]) == 6 else "%H%M"
    return [f"%Y%m%d{match['join']}{time}{'%.f' if match['part'] else ''}{_zone_format(match)}"]


def _dashed(match: re.Match[str]) -> list[str]:
    return [f"%Y-%m-%d{match['join']}%H{'-%M' if match['minute'] else ''}{'-%S' if match['second'] else ''}"]


def _db2(match: re.Match[str]) -> list[str]:
    return [f"%Y-%m-%d-%H.%M.%S{'%.f' if match['part'] else ''}"]


def _timed(match: re.Match[str]) -> list[str]:
    half = match["half"]
    time = "%I" if half else "%H"
    time += f"{match['sign']}%M" if match["minute"] else ""
    time += f"{match['sign']}%S" if match["second"] else ""
    if match["part"]:
        time += "%.f" if match["part"][0] == "." else f",%{len(match['part']) - 1}f"
    if half:
        time += " %p" if half[0] == " " else "%p"
    return [f"{date}{match['join']}{time}{_zone_format(match)}" for date in _date_formats(match["date"])]


def _zone_format(match: re.Match[str]) -> str:
    if not match["zone"]:
        return ""
    return " %z" if match["gap"] or match["zone"].startswith(" ") else "%z"


def _date_formats(text: str) -> list[str]:
    """Formats of a date without a time."""
    patterns = (
        (r"\d{8}()", "Y m d|d m Y|m d Y"),
        (r"\d{4}([-/. ])\d{1,2}\1\d{1,2}", "Y m d|Y d m"),
        (r"\d{1,2}(/)\d{1,2}/\d{4}", "m d Y|d m Y"),
        (r"\d{1,2}(/)\d{1,2}/\d{2}", "m d y|d m y|y m d"),
        (r"\d{1,2}([-. ])\d{1,2}\1\d{4}", "d m Y|m d Y"),
        (r"\d{1,2}([-.])\d{1,2}\1\d{2}", "d m y|m d y|y m d"),
        (r"\d{4}([-/])\d{1,2}", "Y m"),
        (r"\d{1,2}([-/])\d{4}", "m Y"),
        (r"\d{1,2}(\.)\d{4}", "m Y"),
        (r"\d{2}(/)\d{2}", "m y"),
        (r"\d{4}(-)\d{3}", "Y j"),
        (rf"\d{{1,2}}([-/. ]|\. |){MONTH}\1\d{{4}}", "d B Y"),
        (rf"\d{{1,2}}([-/. ]|){MONTH}\1\d{{2}}", "d B y|y B d"),
        (rf"\d{{4}}([-/. ]|){MONTH}\1\d{{1,2}}", "Y B d"),
        (rf"{MONTH}([-/.' ])\d{{4}}", "B Y"),
        (rf"{MONTH}([-/.'])\d{{2}}", "B y"),
        (rf"\d{{4}}([-/. ]){MONTH}", "Y B"),
        (rf"{MONTH}([-/ ])\d{{1,2}}\1\d{{4}}", "B d Y"),
    )
    name = re.search(rf"{MONTH}\.?", text, re.IGNORECASE)
    month = "%b" if name and len(name[0]) == 3 else "%B"
    if name and name[0][-1] == ".":  # `05. Jan. 1998`, but not `05.Jan.1998`
        point = "" if re.search(rf"\.{MONTH}\.", text, re.IGNORECASE) else "."
        month, text = f"%b{point}", text if not point else text[: name.end() - 1] + text[name.end() :]
    ending = re.search(rf"(?<=\d){ENDING}", text, re.IGNORECASE)
    if ending and name:
        text = text[: ending.start()] + text[ending.end() :]
    found = []
    for pattern, orders in patterns:
        match = re.fullmatch(pattern, text, re.IGNORECASE)
        for order in orders.split("|") if match else ():
            assert match is not None
            found.append(match[1].join(month if part == "B" else f"%{part}" for part in order.split()))
    comma = re.fullmatch(rf"{MONTH} \d{{1,2}}(, ?)(\d{{4}}|\d{{2}})", text, re.IGNORECASE)
    if comma:
        found.append(f"{month} %d{comma[1]}{'%Y' if len(comma[2]) == 4 else '%y'}")
    european = re.fullmatch(rf"\d{{1,2}}\. {MONTH} (\d{{4}}|\d{{2}})", text, re.IGNORECASE)
    if european:
        found.append(f"%d. {month} {'%Y' if len(european[1]) == 4 else '%y'}")
    spanish = re.fullmatch(rf"\d{{1,2}} de {MONTH} (de |del )?\d{{4}}", text, re.IGNORECASE)
    if spanish:
        found.append(f"%d de {month} {spanish[1] or ''}%Y")
    if ending and name:
        found = [date_format.replace("%d", "%dth") for date_format in found]
    return found + _date_parts_formats(text)


def _date_parts_formats(text: str) -> list[str]:
    """Formats of quarters, of weeks, of Eurostat's months, and of dates with the characters of Chinese and Japanese."""
    for pattern, date_format in (
        (r"(?P<Y>\d{4})(?P<s>[-/ ]?)(?P<c>[Qq])[1-4]", "%Y{s}{c}%q"),
        (r"(?P<Y>\d\d)(?P<s>[-/ ]?)(?P<c>[Qq])[1-4]", "%y{s}{c}%q"),
        (r"(?P<c>[Qq])[1-4](?P<s>[-/ '.]?)(?P<Y>\d{4})", "{c}%q{s}%Y"),
        (r"(?P<c>[Qq])[1-4](?P<s>[-/ '.])(?P<Y>\d\d)", "{c}%q{s}%y"),
        (r"[1-4](?P<c>[Qq])(?P<s>[-/ '.]?)(?P<Y>\d{4})", "%q{c}{s}%Y"),
        (r"[1-4](?P<c>[Qq])(?P<s>[-/ '.]?)(?P<Y>\d\d)", "%q{c}{s}%y"),
        (r"(?P<Y>\d{4})(?P<s>-?)(?P<c>M)(0[1-9]|1[0-2])", "%Y{s}{c}%m"),
        (r"(?P<Y>\d{4})(?P<s>[- ]?)(?P<c>[Ww])[0-5]\d", "%G{s}{c}%V"),
        (r"(?P<Y>\d{4})(?P<s>-?)(?P<c>W)[0-5]\d(?(s)(?P=s))[1-7]", "%G{s}{c}%V{s}%u"),
        (r"(?P<Y>\d{4})(?P<c>年)(?P<s>)\d{1,2}月\d{1,2}日", "%Y年%m月%d日"),
        (r"(?P<Y>\d{4})(?P<c>年)(?P<s>)\d{1,2}月", "%Y年%m月"),
    ):
        match = re.fullmatch(pattern, text)
        if match:
            return [date_format.format(s=match["s"], c=match["c"])]
    return []
