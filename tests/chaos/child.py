"""One process of the kit: started, told things, frozen, killed; by its own id and no other."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.processes import ROOT, environment

END_SECONDS: Final = 10.0
OPERATE_SECONDS: Final = 60.0


def operate(*arguments: str, home: Path) -> str:
    """Run `hubbub-broker` with these arguments to its end; return what it says on stderr if it fails, else nothing."""
    command = [sys.executable, "-m", "hubbub.broker", *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=OPERATE_SECONDS,
        check=False,
    )
    return done.stderr.strip() or f"exit code {done.returncode}" if done.returncode else ""


class Child:
    """A module of the kit in a process of its own. What it says on stderr goes to `log`."""

    def __init__(self, module: str, *arguments: str, home: Path, log: Path) -> None:
        self.log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env=environment(home),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                # A group of its own: Ctrl-C is for the kit, which ends its children in order. But of the same session: should the kit be
                # killed, the system lets those go on that were stopped, and they find that they are to end.
                process_group=0,
            )
        self.is_frozen = False

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def says(self) -> str:
        """Wait for a line; empty if it ended without one."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        """Give it a line to obey; nothing happens if it has ended."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()

    def freeze(self) -> None:
        """Stop it, as a machine that sleeps."""
        self.is_frozen = True
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self.is_frozen:
            self.is_frozen = False
            self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._release()

    def terminate(self) -> int | None:
        """Ask it to end; return its exit code, None if it did not and had to be killed."""
        self._signal(signal.SIGTERM)
        return self.ends()

    def ends(self) -> int | None:
        """Wait until it ends; return its exit code, None if it did not and had to be killed."""
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        self._release()
        return code

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:  # not waited for: the id is still its own
            os.kill(self._process.pid, number)

    def _release(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
