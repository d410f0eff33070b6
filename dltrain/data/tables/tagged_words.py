"""Files of words with their tags, a word a line and blank lines between sentences, as CoNLL and CoNLL-U have them."""

from __future__ import annotations

import re
from pathlib import Path

from dltrain.errors import Fault
from dltrain.wording import shown

FEWEST_SENTENCES, FEWEST_WORDS = 5, 20
_TAG = re.compile(r"O|[BIESLU]-\S+")
_BEGINS = "-DOCSTART-"
_UNIVERSAL = 10  # columns of CoNLL-U: the word is the second, its part of speech the fourth


def refused_words(text: bytes, file: str) -> Fault | None:
    """The fault of a file of tagged words, with the command that makes a table of it; None: it is none.

    Args:
        text: its beginning, UTF-8.
        file: its path.
    """
    sentences = [
        block for block in re.split(r"\n[ \t]*\n", text.decode("utf-8", "replace").replace("\r\n", "\n")) if block.strip()
    ]
    lines = [line for block in sentences for line in block.split("\n") if line.strip() and not line.startswith(("# ", _BEGINS))]
    rows = [line.split("\t") if "\t" in line else line.split() for line in lines[:-1]]  # the last may be cut short
    widths = {len(row) for row in rows}
    if len(sentences) < FEWEST_SENTENCES or len(rows) < FEWEST_WORDS or len(widths) != 1 or min(widths) < 2:
        return None
    is_universal = widths == {_UNIVERSAL} and all(re.fullmatch(r"\d+([-.]\d+)?", row[0]) for row in rows)
    if not is_universal and not all(_TAG.fullmatch(row[-1].strip()) for row in rows):
        return None
    word, tag = (1, 3) if is_universal else (0, -1)
    new = f"{Path(file).stem}_words.csv"
    code = (
        f"import polars; t = open({str(shown(file))!r}, encoding='utf-8').read(); "
        f"s = [[['']*{max(widths)}, *(l.split() for l in b.splitlines() if l.strip() and not l.startswith(('# ', '{_BEGINS}'))), "
        f"['']*{max(widths)}] for b in t.split('\\n\\n')]; "
        f"r = [(p[{word}], w[{word}], n[{word}], w[{tag}]) for x in s for p, w, n in zip(x, x[1:], x[2:])]; "
        f"polars.DataFrame(r, ['before', 'word', 'after', 'tag'], orient='row').write_csv({new!r})"
    )
    message = "each line is a word and its tags, with a blank line between sentences, as CoNLL has them"
    hint = f'what is labelled here are rows: `python -c "{code}"` makes one of each word and its neighbours, in {new}'
    return Fault(message, file=shown(file), hint=f"{hint}, whose target is --target tag")
