"""Reading another process line by line, with a limit on how long a line may take."""

import queue
import threading
import time
from typing import IO

WAIT_S = 30.0


class LineReader:
    """Collects the lines of a pipe in a thread, so that waiting for one can end."""

    def __init__(self, pipe: IO[str]) -> None:
        """Start reading until the other side closes."""
        self._pipe = pipe
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def next_line(self, within_s: float = WAIT_S) -> str | None:
        """Return the next line without its end, None when there are no more; TimeoutError."""
        try:
            line = self._lines.get(timeout=max(within_s, 0))
        except queue.Empty:
            raise TimeoutError(f"no line within {within_s:.1f} s") from None
        if line is None:
            self._lines.put(None)  # whoever asks again hears the same
        return line

    def wait_line(self, begin: str, within_s: float = WAIT_S) -> str:
        """Return the next line that begins so; TimeoutError, or EOFError when there are no more."""
        deadline = time.monotonic() + within_s
        while (line := self.next_line(deadline - time.monotonic())) is not None:
            if line.startswith(begin):
                return line
        raise EOFError(f"the process ended before a line {begin!r}")

    def join(self) -> None:
        """Wait until the other side has closed."""
        self._thread.join()

    def _read(self) -> None:
        with self._pipe:
            for line in self._pipe:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)
