"""Which encoding a text is in that is no UTF-8: by its byte-order mark, by its zero bytes, else by what its letters look like."""

from __future__ import annotations

import codecs
import re

LOOKED_AT = 1 << 20
# What tables are written in; beyond these a guess is more often wrong than right.
_CANDIDATES = [
    "cp1252", "cp1250", "cp1251", "koi8_r", "cp949", "cp932", "euc_jp", "gb18030", "big5", "cp1253", "cp1254", "cp1255", "cp1256",
]  # fmt: skip
_OTHER_ALPHABETS = [name for name in _CANDIDATES if name not in ("cp1250", "cp1252", "cp1254")]
_OF_TWO_BYTES = ("cp949", "cp932", "euc_jp", "gb18030", "big5")
_NAMES = {"cp932": "shift_jis", "iso8859_2": "iso8859-2"}
# Letters of western and of central Europe and of Turkey, whose code pages share most bytes.
_WESTERN = set("ðþÐÞäöüßéèêëàâçñóíáúîïôûœæøåÄÖÜÉÈÀÇÑØÅÆ€°²³½£«»ãõÃÕºª¿¡")
_CENTRAL = set("ěščřžýůďťňĚŠČŘŽÝŮĎŤŇłąęśćńżźŁĄĘŚĆŃŻŹőűŐŰăşţâîáíéúóäöüßÁÍÉÚÓÄÖÜ€")
_TURKISH = set("ğışİĞŞçöüÇÖÜâîû€")
# Signs that cp1252 has within texts of any language: quotes, dashes, dots, the euro and the trade mark.
_SIGNS = b"\x80\x85\x91\x92\x93\x94\x95\x96\x97\x99"
_THAI_MARK = "[\u0e31\u0e33-\u0e3a\u0e47-\u0e4e]"
_RUSSIAN = set("оеаинтсрвл")  # the ten most frequent letters, by which its two code pages are told apart


def detect_encoding(content: bytes) -> str | None:
    """The encoding of a text, as `data.encoding` names it; None for UTF-8 and for UTF-16 with its mark.

    UTF-32 begins with the mark of UTF-16 and two zeros, or has three zeros to each letter of a table.

    Args:
        content: the text, or its beginning.
    """
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    head = content[:4096]
    if len(head) < 16:
        return None
    wide = _wide(head)
    if wide is not None and _is_text(head, wide):
        return wide
    if any(byte in head for byte in range(1, 9)) or _is_utf8(content):
        return None  # what is no text, the reader says
    odd = [line for line in content[: 8 * LOOKED_AT].split(b"\n") if not line.isascii()]
    sample = b"\n".join(odd)[:LOOKED_AT]
    # Of a word in an alphabet of its own all letters are outside of ASCII; of a Latin one with accents some are.
    words = [word for word in re.findall(rb"[A-Za-z\x80-\xff]+", sample) if max(word) > 127 and len(word) > 1]
    if not words:  # a letter or a sign by itself, as of euros and degrees, is no word of an alphabet
        return _of_latin(sample)
    if _is_kana(sample):
        return "euc_jp"
    if _is_thai(sample):
        return "cp874"
    high = sum(byte > 127 for word in words for byte in word)
    found = _by_letters(sample, is_latin=high < 0.6 * sum(map(len, words)))
    return _NAMES.get(found, found)


def _is_utf8(content: bytes) -> bool:
    """Whether it is UTF-8, or no text at all; a character may be cut in two at the end of what was looked at."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return b"\0" in content or error.start > len(content) - 4
    return True


def _by_letters(sample: bytes, *, is_latin: bool) -> str:
    """The encoding by which lines with letters beyond ASCII look most like a language; `is_latin`: most letters are of ASCII."""
    from charset_normalizer import from_bytes

    old = _of_old_machines(sample) if is_latin else None
    if old is not None:
        return old
    among = _CANDIDATES if is_latin else _OTHER_ALPHABETS
    match = from_bytes(sample, cp_isolation=among).best()
    if match is not None and match.encoding == "cp932" and _is_half_width(sample):
        match = from_bytes(sample, cp_isolation=[name for name in among if name != "cp932"]).best()
    found = match.encoding if match is not None else "cp1252" if is_latin else _by_words(sample)
    if found in _OTHER_ALPHABETS and found not in _OF_TWO_BYTES and _are_mixed(sample, found):
        return _of_latin(sample)
    if found in ("cp1251", "koi8_r"):
        return max(
            ("cp1251", "koi8_r"), key=lambda name: sum(letter in _RUSSIAN for letter in sample.decode(name, "replace").lower())
        )
    if found in _OF_TWO_BYTES and _has_accents(sample, found):
        return "cp1252"
    if found in ("cp1250", "cp1252", "cp1254"):
        return _of_latin(sample)
    return found


def _wide(head: bytes) -> str | None:
    """UTF-32 or UTF-16, where the zero bytes of separators, digits and Latin letters stand as in these."""
    quarters = [head[place::4].count(0) / max(1, len(head[place::4])) for place in range(4)]
    if min(quarters[1:3]) > 0.3 and max(quarters[0], quarters[3]) == 1.0 and min(quarters[0], quarters[3]) < 0.3:
        return "utf-32-le" if quarters[3] == 1.0 else "utf-32-be"
    zeros = [head[place::2].count(0) for place in (0, 1)]
    if max(zeros) > 0.3 * len(head) / 2 and min(zeros) < 0.02 * len(head):
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return None


def _is_text(head: bytes, encoding: str) -> bool:
    """Whether a beginning, of which the last character may be cut in two, is whole lines of text by an encoding."""
    text = head[: len(head) - len(head) % 4].decode(encoding, "replace")[:-1]
    return "\ufffd" not in text and not any(letter < " " and letter not in "\t\n\r\f" for letter in text)


def _is_kana(sample: bytes) -> bool:
    """Whether a text is Japanese of the encoding in which no other language has so many letters of two of its rows."""
    try:
        letters = [letter for letter in sample.decode("euc_jp") if not letter.isascii()]
    except UnicodeDecodeError:
        return False
    return 3 * sum("\u3041" <= letter <= "\u30ff" for letter in letters) > len(letters)


def _is_thai(sample: bytes) -> bool:
    """Whether a text is Thai, whose vowels and tones above and below a letter stand behind one, and others before one."""
    try:
        text = sample.decode("cp874")
    except UnicodeDecodeError:
        return False
    letters, marks = set(re.findall("[\u0e01-\u0e5b]", text)), re.findall(_THAI_MARK, text)
    well = len(re.findall(rf"(?<=[\u0e01-\u0e2e]){_THAI_MARK}|(?<={_THAI_MARK}){_THAI_MARK}", text))
    before = re.findall("[\u0e40-\u0e44][\u0e01-\u0e2e]?", text)
    odd = len(marks) - well + sum(len(pair) == 1 for pair in before) + len(re.findall("[\u0e4f-\u0e5b]", text))
    are_many = len(set(marks)) >= 3 and len(letters) >= 10 and bool(before)  # of fewer, words of other languages look so as well
    return are_many and odd <= 0.01 * len(marks)


def _is_half_width(sample: bytes) -> bool:
    """Whether Japanese of this text would be half-width katakana: so look Cyrillic letters of KOI8, and hardly any Japanese."""
    letters = [letter for letter in sample.decode("cp932", "replace") if not letter.isascii()]
    return sum("\uff61" <= letter <= "\uff9f" for letter in letters) > 0.8 * len(letters)


def _has_accents(sample: bytes, encoding: str) -> bool:
    """Whether a text has letters of western Europe alone, which by an encoding of two bytes a letter stand within Latin words."""
    odd = [letter for letter in sample.decode("cp1252", "replace") if not letter.isascii()]
    return all(letter in _WESTERN for letter in odd) and _are_mixed(sample, encoding)


def _are_mixed(sample: bytes, encoding: str) -> bool:
    """Whether by an encoding of another alphabet most of its words have letters of ASCII as well, as no language writes them."""
    words = [word for word in re.findall(r"[^\W\d_]{2,}", sample.decode(encoding, "replace")) if not word.isascii()]
    return 2 * sum(any(letter.isascii() for letter in word) for word in words) > len(words)


def _of_old_machines(sample: bytes) -> str | None:
    """The encoding of the Macintosh or of DOS, where nearly all words with accents are usual by it, and few by Windows'.

    Elsewhere their letters are signs, or capitals within words; of a tie the Macintosh has the commoner letters.
    """
    words = [word for word in re.findall(rb"[A-Za-z\x80-\xff]+", sample) if not word.translate(None, _SIGNS).isascii()]
    of_windows = (("cp1252", _WESTERN), ("cp1250", _CENTRAL), ("cp1254", _TURKISH))
    others = max(sum(_is_usual(word.decode(name, "replace"), letters) for word in words) for name, letters in of_windows)
    counts = {name: sum(_is_usual(word.decode(name), _WESTERN) for word in words) for name in ("mac_roman", "cp850")}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] > 0.9 * len(words) and 2 * others < counts[best] else None


def _is_usual(word: str, letters: set[str]) -> bool:
    """Whether a word is in one case or has one capital first, of letters of ASCII and some others."""
    is_cased = word.islower() or word.isupper() or word.istitle()
    return word.isalpha() and is_cased and all(letter.isascii() or letter in letters for letter in word)


def _by_words(sample: bytes) -> str:
    """The encoding of another alphabet by which the most words are in one case, or have one capital first."""
    best, best_score = "cp1251", -1.0
    for name in _OTHER_ALPHABETS:
        try:
            words = re.findall(r"[^\W\d_]+", sample.decode(name))
        except UnicodeDecodeError:
            continue
        words = [word for word in words if not word.isascii()]
        usual = sum(word.islower() or word.isupper() or word.istitle() for word in words)
        score = usual / len(words) if words else 0.0
        if score > best_score:
            best, best_score = name, score
    return best


def _of_latin(sample: bytes) -> str:
    """Western, central European or Turkish, by which letters there would be more of; the first where it makes no difference."""
    counts = {}
    for name, usual in (("cp1252", _WESTERN), ("cp1250", _CENTRAL), ("cp1254", _TURKISH), ("iso8859_2", _CENTRAL)):
        text = sample.decode(name, "replace")
        against = 3 if name == "cp1254" else 1  # the Icelandic of a text has other letters besides
        odd = sum(not letter.isascii() and letter not in usual for letter in text)
        counts[name] = sum(letter in usual for letter in text) - against * odd
    if any(byte in sample for byte in b"\x81\x8d\x8f\x90\x9d") and counts["cp1250"] <= counts["cp1252"]:
        # These bytes are none of cp1252's: letters of DOS, or the control characters of Latin-1, which no table has.
        letters = [letter for letter in sample.decode("cp850") if not letter.isascii()]
        return "cp850" if 2 * sum(letter in _WESTERN for letter in letters) > len(letters) else "latin-1"
    return max(counts, key=counts.__getitem__)
