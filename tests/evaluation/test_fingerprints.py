"""What has become of the data is told in words, not in digests."""

import pytest

from dltrain.evaluation.fingerprints import fingerprint_faults

SMALL = {"bytes": 613, "rows": 39, "columns": 3, "digest": "b"}
LARGE = {"bytes": 940, "rows": 60, "columns": 3, "digest": "a"}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"t.csv": LARGE}, {"t.csv": SMALL}, ["t.csv has 39 rows in 613 bytes; it had 60 rows in 940 bytes"]),
        ({"/d/t.csv": LARGE}, {"u.csv": SMALL},
         ["u.csv (in the place of /d/t.csv) has 39 rows in 613 bytes; it had 60 rows in 940 bytes"]),
        ({"t.csv": LARGE}, {"t.csv": {**LARGE, "digest": "c"}}, ["t.csv has other contents, of the same length"]),
        ({"t.csv": LARGE}, {"u.csv": LARGE}, ["its files are the same, but other columns, rows or values are read from them"]),
        ({"a.csv": LARGE, "b.csv": SMALL}, {"b.csv": SMALL}, ["a.csv is missing"]),
        ({"b.csv": SMALL}, {"a.csv": LARGE, "b.csv": SMALL}, ["a.csv has come to it"]),
        # Both were moved; only the second was changed.
        ({"/d/a.csv": LARGE, "/d/b.csv": SMALL}, {"b.csv": {**SMALL, "bytes": 7}, "a.csv": LARGE},
         ["b.csv (in the place of /d/b.csv) has 7 bytes; it had 613 bytes"]),
        ({"x.npz": {"rows": 3, "classes": ["a", "b"]}}, {"x.npz": {"rows": 4, "classes": ["a", "c"]}},
         ['x.npz has 4 rows; it had 3 rows; its classes were ["a", "b"] and are ["a", "c"]']),
        ({"x.npz": {"rows": 3, "classes": ["a", "b"]}}, {"x.npz": {"rows": 3, "classes": ["a", "c"]}},
         ['x.npz: its classes were ["a", "b"] and are ["a", "c"]']),
        ({"x": 1}, {"x": 2}, ["x was 1, is 2"]),
    ],
)  # fmt: skip
def test_each_file_is_one_sentence(before, after, told):
    assert [fault.message for fault in fingerprint_faults(before, after)] == [
        f"the data is not that of the run: {text}" for text in told
    ]


def test_many_files_are_counted():
    before = {f"{index}.csv": LARGE for index in range(20)}
    faults = fingerprint_faults(before, dict.fromkeys(before, SMALL))
    assert len(faults) == 9
    assert faults[-1].message.endswith("and 12 more files differ")
