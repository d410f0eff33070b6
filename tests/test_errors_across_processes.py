from __future__ import annotations

import importlib
import pickle
import pkgutil
import signal
from collections.abc import Iterator

import pytest

import dltrain
from dltrain.errors import DltrainError, Fault, InterruptedRun

FAULTS = (Fault("first", file="a.csv", line=3, hint="mend it"), Fault("second", path="data.path"))


def _children(kind: type[DltrainError]) -> Iterator[type[DltrainError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _children(child)


def _all_errors() -> list[type[DltrainError]]:
    for module in pkgutil.walk_packages(dltrain.__path__, "dltrain."):
        if (".data." in module.name or module.name.count(".") == 1) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return list(dict.fromkeys(_children(DltrainError)))


@pytest.mark.parametrize("kind", _all_errors(), ids=lambda kind: kind.__name__)
def test_c5_every_error_comes_out_of_another_process_as_it_went_in(kind: type[DltrainError]) -> None:
    error = kind.__new__(kind)
    DltrainError.__init__(error, FAULTS)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.faults, again.exit_code, str(again)) == (error.faults, error.exit_code, str(error))


def test_c5_an_interruption_keeps_its_signal() -> None:
    again = pickle.loads(pickle.dumps(InterruptedRun("stopped", signal_number=signal.SIGTERM, hint="resume it")))
    assert (again.exit_code, again.faults) == (143, (Fault("stopped", hint="resume it"),))


def test_c5_an_error_with_a_constructor_of_its_own_survives() -> None:
    class Own(DltrainError):
        def __init__(self, number: int, *, word: str) -> None:
            super().__init__(FAULTS)
            self.number, self.word = number, word

    globals()["Own"] = Own
    Own.__qualname__ = "Own"
    again = pickle.loads(pickle.dumps(Own(3, word="x")))
    assert (again.number, again.word, again.faults) == (3, "x", FAULTS)
