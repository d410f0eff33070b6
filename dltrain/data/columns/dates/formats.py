"""The formats that a single text may be a date of, by its look: what `dltrain.data.columns.dates` tries on a column."""

from __future__ import annotations

import re
from functools import lru_cache

from dltrain.config.catalog.date_formats import JSON_DATE

# Hours from UTC of names that mean one offset: those of RFC 822 and of Europe.
ZONE_HOURS = {
    "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
}  # fmt: skip
# Forms and spreadsheets of Google write `GMT+1` and `GMT-3:30`.
ZONE = r"Z|z|[+-]\d\d:?\d\d|[+-]\d\d|(?: (?:(?:GMT|UTC)[+-]\d{1,2}(?::?\d\d)?|" + "|".join(ZONE_HOURS) + "))"
# English name of a month -> how it begins in English, German, French, Spanish, Italian, Portuguese, Dutch, Scandinavian tongues,
# Polish, Czech, Slovak, Hungarian, Romanian, Finnish, Indonesian, Turkish, Russian, Ukrainian, Bulgarian and Greek; in an order
# in which the longer of two beginnings comes first.
MONTHS = {
    "jan": "jan|jän|ene|gen|sty|oca|ledn|leden|tammi|ian|янв|січ|яну|ιαν",  # noqa: RUF001
    "feb": "feb|fév|fev|lut|şub|úno|helmi|фев|лют|φεβ",
    "nov": "nov|lis|kas|noi|marras|ноя|ное|лист|νοε|νοέ",
    "mar": "mar|mär|mrz|maa|mrt|már|bře|мар|берез|μαρ|μάρ",
    "apr": "apr|avr|abr|kwi|nis|ápr|dubn|duben|huhti|апр|квіт|απρ",
    "may": "may|mai|mag|mei|maj|máj|kvě|touko|мая|май|трав|μαΐ|μαϊ|μαι|μάι",
    "jul": "jul|juil|lug|lip|tem|júl|iul|červenec|července|heinä|июл|юли|лип|ιουλ|ιούλ",
    "jun": "jun|juin|giu|cze|haz|jún|iun|červen|červn|kesä|июн|юни|черв|ιουν|ιούν",  # noqa: RUF001
    "aug": "aug|aoû|aou|ago|agu|sie|ağu|srp|elok|авг|серп|αυγ|αύγ",  # noqa: RUF001
    "sep": "sep|set|wrz|eyl|szep|zář|syys|сен|верес|σεπ",
    "oct": "oct|okt|ott|out|paź|eki|říj|loka|окт|жовт|οκτ",
    "dec": "dec|déc|dez|dic|des|gru|ara|prosin|joulu|дек|груд|δεκ",
}  # fmt: skip
_ENGLISH = rf"(?:{'|'.join(MONTHS)})[a-z]*"
MONTH = rf"(?:{'|'.join(MONTHS.values())})[^\W\d_]*"
# What stands behind the number of a day: `1st`, `1er`, `1º`.
ENDING = r"(?:(?:st|nd|rd|th|er|re)\b|[ºª°])"
# The place of a moment, as Java writes it after the offset, or what browsers call its zone.
PLACE = r"(?:\[[A-Za-z_/+\-0-9]+\]| \([^()]+\))"
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
# Words of Korean, Chinese and Japanese for the half of the day, before noon and after it.
BEFORE_NOON, AFTER_NOON = "오전|上午|午前", "오후|下午|午後"
# Blanks that keep words together, which stand where others do.
OTHER_BLANKS = "[\u00a0\u2007\u2009\u202f]"
# Between the begin and the end of an interval, as grids and exchanges write it; its format: the begin's, and this behind.
INTERVAL, TO_ITS_END = " - ", " - ..."
# What stands behind the hour.
_OCLOCK = r"(?<=\d) ?(?:Uhr|uur|hrs|h)$"
_WEEKDAY = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)([a-z]*)(,? +)", re.IGNORECASE)
# The same behind a date: ` (Sat)`, `, Saturday`.
_WEEKDAY_BEHIND = re.compile(r"(, | \(| )(?:mon|tue|wed|thu|fri|sat|sun)([a-z]*)(\)?)$", re.IGNORECASE)
# What Russian, Ukrainian and Polish write behind a year.
_OF_YEAR = r"(?<=\d{4}) ?(?:г\.?|года|р\.|року|r\.)$"  # noqa: RUF001
_TIMED = re.compile(
    rf"(?P<date>.+?)(?P<join>[ T:]|, |,? at | um | - )(?P<first>(?:{BEFORE_NOON}|{AFTER_NOON}) ?)?(?P<hour>\d{{1,2}})"
    r"(?:(?P<sign>[:.h])(?P<minute>\d\d)(?:(?P=sign)(?P<second>\d\d)(?P<part>[.,]\d{1,9})?)?)?"
    rf"(?P<half> ?(?:[AaPp](?:[Mm]|\.[Mm]\.)|{BEFORE_NOON}|{AFTER_NOON}))?(?P<gap> ?)(?P<zone>{ZONE})?"
)
_BASIC = re.compile(rf"\d{{8}}(?P<join>[T _-])(?P<time>\d{{4}}|\d{{6}})(?P<part>\.\d{{1,9}})?(?P<gap> ?)(?P<zone>{ZONE})?")
# A time before its day: `08:30 05/01/2020`.
_TIME_FIRST = re.compile(r"(?P<time>\d{1,2}:\d\d(?P<second>:\d\d)?)(?P<half> ?[AaPp][Mm])?(?P<join>,? )(?P<date>.+)")
# A day and a time with the characters of Chinese and Japanese: `2020年1月5日 8時30分`.
_CHINESE = re.compile(
    r"(?P<date>\d{4}年\d{1,2}月\d{1,2}日)(?P<join> ?)\d{1,2}(?P<hour>[時时])(?:\d{1,2}分(?P<second>\d{1,2}秒)?)?"
)
# A day and a time in the names of files: `2020-01-05-08`, `2020-01-05_08-30-00`.
_DASHED = re.compile(r"(?P<date>\d{4}-\d\d-\d\d)(?P<join>[-_])\d\d(?P<minute>-\d\d)?(?P<second>-\d\d)?")
# What C's ctime and the posts of networks write: `Mon Apr  6 22:19:45 2009`.
_CTIME = re.compile(rf"{_ENGLISH} +\d{{1,2}} \d\d:\d\d:\d\d(?P<zone> [+-]\d{{4}}| [A-Z]{{3,4}})? \d{{4}}", re.IGNORECASE)
# What DB2 writes: `2020-01-05-08.30.00.123456`.
_DB2 = re.compile(r"\d{4}-\d\d-\d\d-\d\d\.\d\d\.\d\d(?P<part>\.\d{1,9})?")

# How Stata writes a week, and how ISO 8601 would read it.
STATA_WEEK, ISO_OF_STATA = "%Yw%tw", "%Gw%V"
_LONGEST = 200  # characters of a date, in whatever words and zones


@lru_cache(maxsize=1024)
def candidates(text: str) -> tuple[str, ...]:
    """The formats that a text may be written in, the likelier first."""
    if len(text) > _LONGEST or not any(map(str.isdecimal, text)):
        return ()
    text = re.sub(OTHER_BLANKS, " ", text.strip())
    if text.startswith("/Date("):
        return (JSON_DATE,)
    begin, sign, end = text.partition(INTERVAL)
    if sign and (both := [date_format for date_format in candidates(begin) if date_format in candidates(end)]):
        return tuple(date_format + TO_ITS_END for date_format in both if "%d" in date_format and "%z" not in date_format)
    place = NAMED_PLACE.search(text)
    if place:
        local = [date_format for date_format in candidates(text[: place.start()]) if "%z" not in date_format]
        if local:
            return tuple(date_format + place[0] for date_format in local)
    text = re.sub(rf"({ZONE}){PLACE}$", r"\1", text)
    behind = _WEEKDAY_BEHIND.search(text)
    if behind:
        name = f"{behind[1]}{'%A' if behind[2] else '%a'}{behind[3]}"
        return tuple(date_format + name for date_format in candidates(text[: behind.start()]) if "%z" not in date_format)
    year = re.search(rf"{_OF_YEAR}|{_OCLOCK}", text)
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
    for pattern, formats in (
        (_BASIC, _basic), (_DASHED, _dashed), (_DB2, _db2), (_CHINESE, _chinese), (_TIMED, _timed), (_TIME_FIRST, _time_first),
    ):  # fmt: skip
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


def _chinese(match: re.Match[str]) -> list[str]:
    time = f"%H{match['hour']}" + ("%M分" if "分" in match[0] else "") + ("%S秒" if match["second"] else "")
    return [f"%Y年%m月%d日{match['join']}{time}"]


def _time_first(match: re.Match[str]) -> list[str]:
    time = ("%I" if match["half"] else "%H") + (":%M:%S" if match["second"] else ":%M")
    time += "" if not match["half"] else " %p" if match["half"][0] == " " else "%p"
    return [f"{time}{match['join']}{date}" for date in _date_formats(match["date"])]


def _timed(match: re.Match[str]) -> list[str]:
    first, half = match["first"], match["half"]
    time = "%I" if half or first else "%H"
    if first:
        time = f"%p {time}" if first[-1] == " " else f"%p{time}"
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
    if re.search(r"\d\.$", text):  # of Hungarian, Croatian and Korean dates
        return [f"{date_format}." for date_format in _date_formats(text[:-1]) if date_format.count("%") == 3]
    patterns = (
        (r"\d{8}()", "Y m d|d m Y|m d Y"),
        (r"\d{4}([-/. _]|\. )\d{1,2}\1\d{1,2}", "Y m d|Y d m"),
        (r"(?:19|20)\d\d(:)(?:0\d|1[0-2])\1[0-3]\d", "Y m d"),
        (r"\d{1,2}(/)\d{1,2}/\d{4}", "m d Y|d m Y"),
        (r"\d{1,2}(/)\d{1,2}/\d{2}", "m d y|d m y|y m d"),
        (r"\d{1,2}([-. _]|\. )\d{1,2}\1\d{4}", "d m Y|m d Y"),
        (r"\d{1,2}([-.]|\. )\d{1,2}\1\d{2}", "d m y|m d y|y m d"),
        (r"\d{4}([-/])\d{1,2}", "Y m|G V"),
        (r"\d{1,2}([-/])\d{4}", "m Y|V G"),
        (r"\d{1,2}(\.)\d{4}", "m Y"),
        (r"\d{2}(/)\d{2}", "m y"),
        (r"\d{4}(-)\d{3}", "Y j"),
        (rf"\d{{1,2}}([-/. ]|\. |){MONTH}\1\d{{4}}", "d B Y"),
        (rf"\d{{1,2}}([-/. ]|){MONTH}\1\d{{2}}", "d B y|y B d"),
        (rf"\d{{4}}([-/. ]|){MONTH}\1\d{{1,2}}", "Y B d"),
        (rf"{MONTH}([-/.' ])\d{{4}}", "B Y"),
        (rf"(?:{'|'.join(MONTHS)})()(?:19|20)\d\d", "B Y"),
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
    found += _with_words_between(text, month)
    if ending and name:
        found = [date_format.replace("%d", "%dth") for date_format in found]
    return found + _date_parts_formats(text)


def _with_words_between(text: str, month: str) -> list[str]:
    """Formats of a date with a month's name and something else than one sign between its parts."""
    found = []
    comma = re.fullmatch(rf"{MONTH} \d{{1,2}}(, ?)(\d{{4}}|\d{{2}})", text, re.IGNORECASE)
    if comma:
        found.append(f"{month} %d{comma[1]}{'%Y' if len(comma[2]) == 4 else '%y'}")
    between = re.fullmatch(rf"\d{{1,2}} {MONTH}(, ?)\d{{4}}", text, re.IGNORECASE)
    if between:
        found.append(f"%d {month}{between[1]}%Y")
    european = re.fullmatch(rf"\d{{1,2}}\. {MONTH} (\d{{4}}|\d{{2}})", text, re.IGNORECASE)
    if european:
        found.append(f"%d. {month} {'%Y' if len(european[1]) == 4 else '%y'}")
    spanish = re.fullmatch(rf"\d{{1,2}} de {MONTH} (de |del )?\d{{4}}", text, re.IGNORECASE)
    if spanish:
        found.append(f"%d de {month} {spanish[1] or ''}%Y")
    return found


def _date_parts_formats(text: str) -> list[str]:
    """Formats of quarters, weeks, months of Eurostat and Stata, and dates with the characters of Chinese and Japanese."""
    for pattern, date_format in (
        (r"(?P<Y>\d{4})(?P<s>[-/ ]?)(?P<c>[QqT])[1-4]", "%Y{s}{c}%q"),
        (r"(?P<Y>\d\d)(?P<s>[-/ ]?)(?P<c>[QqT])[1-4]", "%y{s}{c}%q"),
        (r"(?P<c>[QqT])[1-4](?P<s>[-/ '.]?)(?P<Y>\d{4})", "{c}%q{s}%Y"),
        (r"(?P<c>[QqT])[1-4](?P<s>[-/ '.])(?P<Y>\d\d)", "{c}%q{s}%y"),
        (r"[1-4](?P<c>[QqT])(?P<s>[-/ '.]?)(?P<Y>\d{4})", "%q{c}{s}%Y"),
        (r"[1-4](?P<c>[QqT])(?P<s>[-/ '.]?)(?P<Y>\d\d)", "%q{c}{s}%y"),
        (r"(?P<Y>\d{4})(?P<s>[-/ ]?)(?P<c>[HhS])[12]", "%Y{s}{c}%q"),
        (r"(?P<c>[HhS])[12](?P<s>[-/ '.]?)(?P<Y>\d{4})", "{c}%q{s}%Y"),
        (r"[12](?P<c>[HhS])(?P<s>[-/ '.]?)(?P<Y>\d{4})", "%q{c}{s}%Y"),
        (r"(?P<Y>\d{4})(?P<s>-?)(?P<c>[Mm])(0?[1-9]|1[0-2])", "%Y{s}{c}%m"),
        (r"(?P<Y>\d{4})(?P<s>[-/ ]?)(?P<c>[Ww]|[KC]W) ?[0-5]?\d", "%G{s}{c}%V"),
        (r"(?P<c>(?:KW|CW|[Ww]eek|W)[. ]?)[0-5]?\d(?P<s>, |[-/ ])(?P<Y>\d{4})", "{c}%V{s}%G"),
        (r"(?P<Y>\d{4})(?P<s>-?)(?P<c>W)[0-5]\d(?(s)(?P=s))[1-7]", "%G{s}{c}%V{s}%u"),
        (r"(?P<Y>\d{4})(?P<c>年)(?P<s>)\d{1,2}月\d{1,2}日", "%Y年%m月%d日"),
        (r"(?P<Y>\d{4})(?P<c>年)(?P<s>)\d{1,2}月", "%Y年%m月"),
    ):
        match = re.fullmatch(pattern, text)
        if match:
            found = date_format.format(s=match["s"], c=match["c"])
            return [found, STATA_WEEK] if found == ISO_OF_STATA else [found]
    return []
