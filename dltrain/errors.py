"""The errors a user can meet; each knows the exit code that the command ends with.

Everything a user did, sent or lacks is a `DltrainError` with one `Fault` per thing that is wrong.
Any other exception that reaches the command line is a bug in dltrain (exit code 1).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dltrain.wording import LONGEST_KEY, cut_middle, cut_saying, without_credentials, without_secrets

MOST_OF_A_REASON = 300  # characters: some libraries put a whole model into their messages


def is_own_bug(error: BaseException) -> bool:
    """Whether an error that was caught around a call of another library was raised by a line of dltrain itself.

    It is then a bug, and must not be told as a fault of what the user gave. A ValueError is what our own checks raise there.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = str(trace.tb_frame.f_globals.get("__name__", "")) if trace is not None else ""
    return module.partition(".")[0] == "dltrain" and not isinstance(error, ValueError | DltrainError)


def reason_of(error: object) -> str:
    """Why something failed, in a line: what the system says, or the first line of the message, or the name of the error."""
    said = getattr(error, "strerror", None) or str(error)
    return (said.strip().splitlines() or [type(error).__name__])[0][:MOST_OF_A_REASON]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where.

    Attributes:
        message: what was expected and what was found, in the user's terms.
        file: the file as the user named it, or None.
        line: 1-based line in the file, or None.
        column: 1-based column (in characters) in the line, or None.
        path: the key in override form (`model.layers.2.units`), or None.
        hint: the next step, such as the nearest right spelling, or None.
        severity: "error" or "warning".
        details: lines that stand below the message, such as one for each thing to choose from.
        code: of a warning about the data: which one it is, whatever its words; else empty.
    """

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: str | None = None
    hint: str | None = None
    severity: str = "error"
    details: tuple[str, ...] = ()
    code: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name in ("message", "hint", "path"):
            text = getattr(self, name)
            if text is not None:
                text = without_secrets(text)
                object.__setattr__(self, name, cut_middle(text, LONGEST_KEY) if name == "path" else cut_saying(text))

        object.__setattr__(self, "details", tuple(cut_saying(line) for line in self.details))

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        head = f"{place}: {self.severity}: " if place else f"{self.severity}: "
        path = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        details = "".join(f"\n  {line}" for line in self.details)
        return f"{head}{path}{self.message}{details}{hint}"


def as_warning(warning: str | Note | Fault) -> Fault:
    """A warning as a fault: a sentence without a place, or a fault that has one."""
    if isinstance(warning, Note):
        return Fault(warning.text, path=warning.path, hint=warning.hint, severity="warning", code=warning.code)
    return Fault(warning, severity="warning") if isinstance(warning, str) else warning


def fault_documents(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Faults for JSON: file, line, column, path, message with its details, hint, and the code of one that has one.

    The passwords of URLs are left out.
    """
    names = ("file", "line", "column", "path", "message", "hint")
    whole = [replace(fault, message="\n  ".join([fault.message, *fault.details])) for fault in faults]
    return [{name: _shown(getattr(fault, name)) for name in (*names, *(["code"] if fault.code else []))} for fault in whole]


def with_faults(kept: Sequence[Mapping[str, Any]], faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """The documents of faults that were kept and of those that came since, each once; one that had no code gets it."""
    found = {tuple((name, value) for name, value in one.items() if name != "code"): dict(one) for one in kept}
    for document in fault_documents(faults):
        found[tuple((name, value) for name, value in document.items() if name != "code")] = document
    return list(found.values())


def _shown(value: str | int | None) -> str | int | None:
    return without_credentials(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the user about what was read.

    Attributes:
        text: the sentence.
        level: "note" for a fact, "warning" for what may be meant otherwise or is left out.
        code: of a warning: which one it is, whatever its words; it stays as it is. Empty for a fact.
        path: of a warning: the key of the config that it is about, or None.
        hint: of a warning: the next step, or None.
    """

    text: str
    level: str = "note"
    code: str = ""
    path: str | None = None
    hint: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", cut_saying(self.text))

    def __str__(self) -> str:
        return self.text

    def of(self, where: str) -> Note:
        """The same of a part or a file, which is named before it."""
        return replace(self, text=f"{where}: {self.text}")


def warn(text: str, code: str) -> Note:
    """A note that is a warning, with the code by which a program knows it."""
    return Note(text, "warning", code)


def texts(notes: Iterable[Note], level: str) -> list[str]:
    """The sentences of one level."""
    return [note.text for note in notes if note.level == level]


def warnings_of(notes: Iterable[Note]) -> list[Fault]:
    """The notes that warn, as they are shown and kept."""
    return [as_warning(note) for note in notes if note.level == "warning"]


class DltrainError(Exception):
    """Base of all errors that are the user's to mend.

    Args:
        faults: one message, or the faults, in the order in which they should be shown.
        file, line, path, hint, details: of a single message: as in `Fault`.
    """

    exit_code = 1

    def __init__(
        self,
        faults: str | Fault | Iterable[Fault],
        *,
        file: str | None = None,
        line: int | None = None,
        path: str | None = None,
        hint: str | None = None,
        details: tuple[str, ...] = (),
    ) -> None:
        if isinstance(faults, str):
            faults = Fault(faults, file, line, path=path, hint=hint, details=details)
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[Any, ...]:
        """As it is: Python would call the constructor with the message alone when an error comes out of another process."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[DltrainError], arguments: tuple[Any, ...], state: dict[str, Any]) -> DltrainError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class UsageError(DltrainError):
    """The command line asks for something that does not exist or cannot be."""

    exit_code = 2


class ConfigError(DltrainError):
    """The config is wrong: syntax, keys, names, types, or contradictions."""

    exit_code = 2


class DataError(DltrainError):
    """Data is missing, unreadable, unfit, or not the data of the run."""

    exit_code = 3


class DivergenceError(DltrainError):
    """The loss is no longer finite."""

    exit_code = 4


class GateError(DltrainError):
    """A required metric was not reached."""

    exit_code = 5


class RunError(DltrainError):
    """A run cannot be used: damaged, locked by a live process, refused as unsafe, or in the way."""

    exit_code = 6


# Errors of a file call that tell of the machine and not of what dltrain asked for.
_REFUSALS = frozenset(
    {
        *(errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EMFILE, errno.ENFILE),
        *(errno.ENOMEM, errno.EAGAIN, errno.EBUSY, errno.ESTALE, errno.ENOLCK, errno.ETIMEDOUT, errno.ENODEV, errno.ENXIO),
        *(errno.ELOOP, errno.ENAMETOOLONG, errno.ETXTBSY, errno.EREMOTEIO),
    }
)


def refusal(error: BaseException) -> RunError | None:
    """What to say where the system refused a file call or memory; None where an error tells of something else."""
    if isinstance(error, MemoryError):
        return RunError(
            f"there is not enough memory: {str(error) or 'the system gave no more'}", hint="a smaller batch, or less data"
        )
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        return RunError(
            "the system gives this process no further thread",
            hint="`ulimit -u` and `ulimit -v` say what a process may take, a control group's pids.max what all of it may",
        )
    if isinstance(error, FileNotFoundError) and "No usable temporary directory" in str(error):
        return RunError("there is no folder for temporary files that can be written", hint="set TMPDIR to one")
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    where = f" {error.filename}" if error.filename is not None and not isinstance(error.filename, int) else " a file"
    hint = "free some space on that disk" if error.errno in (errno.ENOSPC, errno.EDQUOT) else None
    return RunError(f"the system refuses{where}: {reason_of(error)}", hint=hint)


class TrialsCrashedError(DltrainError):
    """A sweep finished, but trials of it crashed."""

    exit_code = 7


class WorkerLostError(DltrainError):
    """One of the processes that train a fit together is gone; the run is saved and can be resumed.

    Attributes:
        run: the directory of the run, where it had begun.
    """

    exit_code = 8
    run: os.PathLike[str] | None = None


class InterruptedRun(DltrainError):
    """A signal ended the run; it is saved and can be resumed."""

    def __init__(self, message: str, *, signal_number: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = 128 + signal_number


NUM_SHOWN = 10


def capped(faults: Sequence[Fault], total: int | None = None) -> list[Fault]:
    """The first ten faults, and one that counts the others."""
    total = len(faults) if total is None else total
    shown_faults = list(faults[:NUM_SHOWN])
    if total > len(shown_faults):
        last = shown_faults[-1] if shown_faults else Fault("")
        shown_faults.append(Fault(f"and {total - len(shown_faults):,} more", file=last.file))
    return shown_faults


def all_of(*steps: Callable[[], Any]) -> list[Any]:
    """What each step returns; the faults of all that fail are raised together.

    Raises:
        DataError: at least one step failed.
    """
    results: list[Any] = []
    faults: list[Fault] = []
    for step in steps:
        try:
            results.append(step())
        except DataError as error:
            faults.extend(error.faults)
    if faults:
        raise DataError(faults)
    return results
