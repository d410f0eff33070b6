"""What a reporter is told."""

from __future__ import annotations

from dltrain.errors import Fault, Note, warn
from dltrain.reporting import Reporter, WarningList, warn_each


def test_a_note_is_told_with_its_code_and_a_sentence_as_it_is():
    heard = WarningList(Reporter())
    warn_each(
        heard, ["a sentence", Fault("a fault", severity="warning"), warn("two pictures", "broken_pictures"), Note("a fact")]
    )
    assert [fault.message for fault in heard.warnings] == ["a sentence", "a fault", "two pictures", "a fact"]
    assert [fault.code for fault in heard.warnings] == ["", "", "broken_pictures", ""]
    assert {fault.severity for fault in heard.warnings} == {"warning"}
