"""A command that is forked from a warm process is as if it had begun by itself. The warm process here knows nothing but Python."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dltrain.processes.warm.server import stamps_of
from tests.support import REPOSITORY, examples

SERVER = """
import os, signal, sys, time
from pathlib import Path
from dltrain.processes.warm import server
from dltrain.processes.warm.circumstances import circumstances, folder, key_of
from dltrain.processes.warm.server import serve, stamps_of
package = Path(sys.argv[1])
folder().mkdir(0o700, exist_ok=True)
signal.signal(signal.SIGINT, signal.SIG_IGN)
if len(sys.argv) > 3:
    become = server.become
    server.become = lambda *given: (open(sys.argv[3], "w").close(), time.sleep(0.3), become(*given))[-1]
ready = lambda: os.write(1, b"ready")
try:
    words = serve(folder() / key_of(circumstances()), package, stamps_of(package), ready, float(sys.argv[2]))
except KeyboardInterrupt:
    sys.exit(130)
exec(words[1])
"""
# A signal that comes between two steps of Python does not end a sleep that has yet to begin: many short ones.
WAITS = "import os, time; print(os.getpid(), flush=True)\nwhile True: time.sleep(0.05)"
CLIENT = """
import sys
from dltrain.processes.warm.client import run_warm
code = run_warm(sys.argv)
sys.exit(77 if code is None else code)
"""
ALONE = 77


class Warm:
    """A warm process, and commands that may be forked from it.

    Args:
        folder: for its package.
        idle_seconds: as `serve` takes them.
        slow: a file that a fork makes, before it takes its time to become a command.
    """

    def __init__(self, folder: Path, idle_seconds: float = 60.0, slow: Path | None = None) -> None:
        self.folder, self.package = folder, folder / "package"
        self.package.mkdir()
        self.runtime = Path(tempfile.mkdtemp(prefix="warm"))  # names of sockets are short
        self.env = {
            **os.environ, "XDG_RUNTIME_DIR": str(self.runtime), "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        words = [sys.executable, "-c", SERVER, str(self.package), str(idle_seconds), *([str(slow)] if slow else [])]
        self.process = subprocess.Popen(words, env=self.env, stdout=subprocess.PIPE, start_new_session=True)
        assert self.process.stdout is not None
        assert self.process.stdout.read(5) == b"ready"

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.runtime, ignore_errors=True)

    def words(self, code: str, *more: str) -> list[str]:
        return [sys.executable, "-c", CLIENT, code, *more]

    def run(self, code: str, *more: str, **named: object) -> subprocess.CompletedProcess[str]:
        given: dict[str, object] = {"env": self.env, "capture_output": True, "text": True, "timeout": 60, "check": False, **named}
        return subprocess.run(self.words(code, *more), **given)  # type: ignore[call-overload, no-any-return]

    def begin(self, code: str, **named: object) -> subprocess.Popen[str]:
        given: dict[str, object] = {"env": self.env, "stdout": subprocess.PIPE, "text": True, **named}
        return subprocess.Popen(self.words(code), **given)  # type: ignore[call-overload, no-any-return]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    made = Warm(tmp_path_factory.mktemp("warm"))
    yield made
    made.end()


@pytest.fixture(scope="module")
def slowly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    folder = tmp_path_factory.mktemp("slowly")
    made = Warm(folder, slow=folder / "becomes")
    yield made
    made.end()


def wait_for(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def expect_signals() -> None:
    """In a process to be: a test that runs in the background has signals ignored, and hands that on."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_its_words_folder_variables_streams_and_exit_code_are_the_commands(warm: Warm, tmp_path: Path) -> None:
    code = (
        "import os, sys; print(sys.argv[2:], os.getcwd(), os.environ['MINE'], 'LEFT' in os.environ, oct(os.umask(0)));"
        " print(sys.stdin.read(), file=sys.stderr); sys.exit(5)"
    )
    env = {**warm.env, "MINE": "é\udcff"}
    ended = warm.run(f"import os; os.umask(0o027); os.chdir({str(tmp_path)!r})", "a", "b c", env=env, input="given", cwd=tmp_path)
    assert ended.returncode == 0
    ended = warm.run(code, "a", "b c", env={**env, "PYTHONIOENCODING": ""}, input="given", cwd=tmp_path)
    assert ended.returncode == ALONE, "other variables of Python are other circumstances"
    ended = subprocess.run(
        warm.words(code.replace("os.environ['MINE']", "ascii(os.environ['MINE'])"), "a", "b c"),
        env=env, input="given", cwd=tmp_path, capture_output=True, text=True, umask=0o027, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (5, f"['a', 'b c'] {tmp_path} '\\xe9\\udcff' False 0o27\n")
    assert ended.stderr == "given\n"


def test_open_files_keep_their_numbers(warm: Warm, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("through a number")
    with open(tmp_path / "file") as file:
        os.dup2(file.fileno(), 63)
        try:
            ended = warm.run(
                "import os; print(open('/dev/fd/63').read(), sorted(map(int, os.listdir('/proc/self/fd')))[:4])", pass_fds=(63,)
            )
        finally:
            os.close(63)
    assert ended.stdout == "through a number [0, 1, 2, 3]\n", ended.stderr  # 3: of the listing itself


def test_what_is_closed_or_gone_stays_so(warm: Warm, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.rmdir({str(gone)!r}); print(os.path.exists('.'), os.listdir('.'))"
    ended = subprocess.run(warm.words(code), cwd=gone, env=warm.env, capture_output=True, text=True, check=False)
    assert ended.stdout == "True []\n", ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT])
def test_a_signal_to_the_command_reaches_it_and_shows_in_how_it_ended(warm: Warm, number: signal.Signals) -> None:
    begun = warm.begin(WAITS, stderr=subprocess.DEVNULL, preexec_fn=expect_signals)
    assert begun.stdout is not None
    pid = int(begun.stdout.readline())
    begun.send_signal(number)
    begun.wait(30)
    words = [sys.executable, "-c", WAITS]
    alone = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=expect_signals)
    assert alone.stdout is not None
    alone.stdout.readline()
    alone.send_signal(number)
    alone.wait(30)
    assert begun.returncode == alone.returncode
    wait_for(lambda: not is_alive(pid), "it goes on")


def test_a_signal_may_be_caught_or_ignored(warm: Warm) -> None:
    code = (
        # not print: the signal may come while the line before is still being written
        "import os, signal, time; signal.signal(15, lambda *_: (os.write(1, b'caught\\n'), exit(3)));"
        " print(signal.getsignal(1) == signal.SIG_IGN, flush=True)\nwhile True: time.sleep(0.05)"
    )
    begun = warm.begin(code, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert begun.stdout is not None
    assert begun.stdout.readline() == "True\n"
    begun.send_signal(signal.SIGHUP)
    begun.send_signal(signal.SIGTERM)
    assert (begun.stdout.read(), begun.wait(30)) == ("caught\n", 3)


def test_who_kills_the_command_by_force_kills_it(warm: Warm) -> None:
    begun = warm.begin(WAITS)
    assert begun.stdout is not None
    pid = int(begun.stdout.readline())
    begun.kill()
    begun.wait()
    wait_for(lambda: not is_alive(pid), "it goes on")


def test_a_command_that_dies_shows_its_signal(warm: Warm) -> None:
    assert warm.run("import os; os.kill(os.getpid(), 9)").returncode == -9
    assert warm.run("import os; os.kill(os.getpid(), 15)").returncode == -15
    assert warm.run("import os; os._exit(200)").returncode == 200


def test_it_stops_and_goes_on_as_a_job_does(warm: Warm) -> None:
    begun = warm.begin(WAITS)
    assert begun.stdout is not None
    pid = int(begun.stdout.readline())

    def state(of: int) -> str:
        return Path(f"/proc/{of}/stat").read_text().rpartition(")")[2].split()[0]

    begun.send_signal(signal.SIGTSTP)
    wait_for(lambda: state(pid) == "T" and state(begun.pid) == "T", "it was not stopped")
    begun.send_signal(signal.SIGCONT)
    wait_for(lambda: state(pid) == "S" and state(begun.pid) == "S", "it does not go on")
    begun.terminate()
    assert begun.wait(30) == -signal.SIGTERM


def test_ctrl_c_on_a_terminal_reaches_the_command_and_what_it_started(warm: Warm) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        expect_signals()
        code = (
            "import subprocess, sys\ntry:\n p = subprocess.Popen(['sleep', '60']); print(sys.stdout.isatty(), p.pid, flush=True)\n"
            " p.wait()\nexcept KeyboardInterrupt: print('interrupted', flush=True); sys.exit(130)"
        )
        os.execve(sys.executable, warm.words(code), warm.env)
    shown = b""
    while b"\n" not in shown:
        shown += os.read(terminal, 1000)
    assert shown.startswith(b"True")
    sleeping = int(shown.split()[1])
    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):  # the terminal's end
        while True:
            shown += os.read(terminal, 1000)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130
    assert b"interrupted" in shown
    wait_for(lambda: not is_alive(sleeping), "the terminal's group is more than one process")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, 0)])
def test_a_signal_while_the_fork_becomes_the_command_is_not_lost(slowly: Warm, number: signal.Signals, code: int) -> None:
    def begin() -> None:
        expect_signals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    begun = slowly.begin("import time; time.sleep(0.1)", preexec_fn=begin)
    mark = slowly.folder / "becomes"
    wait_for(mark.exists, "no fork")
    mark.unlink()
    begun.send_signal(number)
    assert begun.wait(30) == code


@pytest.mark.parametrize(
    "change",
    ["import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))", "import os; os.nice(1)"],
    ids=["limits", "priority"],
)
def test_who_has_other_circumstances_begins_alone(warm: Warm, change: str) -> None:
    assert warm.run("exit(0)").returncode == 0
    assert warm.run("exit(0)", preexec_fn=lambda: exec(change)).returncode == ALONE
    assert warm.run("exit(0)", env={**warm.env, "TF_ENABLE_ONEDNN_OPTS": "0"}).returncode == ALONE
    assert warm.run("exit(0)", env={**warm.env, "SHLVL": "9"}).returncode == 0


def test_a_folder_that_others_can_reach_is_not_trusted(tmp_path: Path) -> None:
    made = Warm(tmp_path)
    place = made.runtime / "dltrain-warm"
    try:
        assert made.run("exit(0)").returncode == 0
        assert [oct(path.stat().st_mode & 0o777) for path in place.iterdir()] == ["0o600"]
        place.chmod(0o777)
        assert made.run("exit(0)").returncode == ALONE
        place.chmod(0o700)
        (made.package / "module.py").write_text("changed")
        assert made.run("exit(0)").returncode == ALONE, "it would run code of before"
        made.process.wait(30)
        assert not list(place.iterdir())
        assert made.run("exit(0)").returncode == ALONE
    finally:
        made.end()


def test_it_may_be_killed_while_a_command_runs_and_ends_when_nobody_comes(tmp_path: Path) -> None:
    made = Warm(tmp_path, idle_seconds=1.0)
    begun = made.begin("import time; print(1, flush=True); time.sleep(1); print('done'); exit(4)")
    assert begun.stdout is not None
    begun.stdout.readline()
    made.process.kill()
    made.process.wait()
    assert (begun.stdout.read(), begun.wait(30)) == ("done\n", 4)
    assert made.run("exit(0)").returncode == ALONE, "a socket that nobody listens to"
    (tmp_path / "again").mkdir()
    other = Warm(tmp_path / "again", idle_seconds=0.2)
    assert other.process.wait(30) == 0
    made.end()
    other.end()


def test_nothing_is_carried_over(warm: Warm) -> None:
    """Many commands: none sees what another did, and their random numbers differ."""
    seen, count = set(), examples(12, 40)
    for number in range(count):
        code = f"import os, random, sys; assert not hasattr(sys, 'mine'); sys.mine = {number}; os.environ['A'] = 'b'; print(random.random())"
        ended = warm.run(code)
        assert ended.returncode == 0, ended.stderr
        seen.add(ended.stdout)
    assert len(seen) == count


def test_stamps_are_of_code_alone(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = stamps_of(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("1")
    assert stamps_of(tmp_path) == before
    (tmp_path / "a.py").write_text("22")
    assert stamps_of(tmp_path) != before


def test_who_does_not_answer_is_handed_nothing(tmp_path: Path) -> None:
    """A pipe in the hands of a process that stands still would never end."""
    made = Warm(tmp_path)
    try:
        os.kill(made.process.pid, signal.SIGSTOP)
        ended = made.run("exit(0)", timeout=30)  # reads its output to the end
        assert ended.returncode == ALONE
    finally:
        os.kill(made.process.pid, signal.SIGCONT)
        made.end()


def test_garbage_does_not_end_it(warm: Warm) -> None:
    [path] = [place for place in (warm.runtime / "dltrain-warm").iterdir() if not place.suffix]
    for sent in (b"", b"\0", os.urandom(300), struct.pack("<II", 200_000, 0) + b"[" * 200_000, struct.pack("<II", 2, 0) + b"[]"):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as channel:
            channel.connect(str(path))
            channel.sendall(sent)
            channel.shutdown(socket.SHUT_WR)
            channel.recv(10)
    assert warm.run("exit(4)").returncode == 4


def test_of_two_that_begin_at_once_the_last_is_found_and_the_first_ends(warm: Warm) -> None:
    words = [sys.executable, "-c", SERVER, str(warm.package), "60"]
    second = subprocess.Popen(words, env=warm.env, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert second.stdout is not None
        assert second.stdout.read(5) == b"ready"
        assert warm.process.wait(30) == 0, "nobody finds it"
        assert warm.run("exit(3)").returncode == 3, "the name of the other is left alone"
    finally:
        second.kill()
        second.wait()
