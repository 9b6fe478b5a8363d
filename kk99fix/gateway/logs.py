"""Structured logs through structlog, on standard error, with secrets masked.

One line for each event: JSON when standard error is no terminal, coloured text when it is.
Values that a counterparty chose are escaped and capped, and keys that hold secrets are masked
whatever their value, so that no caller has to remember.
A line that cannot be written (the disk is full, the reader is gone) is lost and stops nothing.
"""

import io
import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Final, TextIO, cast

import structlog

from kk99fix.fix.encode import printable
from kk99fix.fix.masking import mask_whatever

Log = structlog.typing.FilteringBoundLogger

SECRET_KEYS: Final = frozenset({"password", "new_password", "raw_data", "password_hash", "seed"})
_TEXT_CAP: Final = 512


def mask_secrets(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask values of secret keys, and make bytes printable with their credentials masked."""
    for key, value in event.items():
        if key in SECRET_KEYS:
            event[key] = "***"
        elif isinstance(value, bytes):
            event[key] = printable(mask_whatever(value).replace(b"\x01", b"|"), _TEXT_CAP)
    return event


class _Tolerant(io.TextIOBase):
    """A stream that loses what cannot be written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def configure(stream: TextIO | None = None, *, level: str = "info") -> Log:
    """Set structlog up for the process and return its logger."""
    target = sys.stderr if stream is None else stream
    renderers: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(sort_keys=True),
    ]
    if target.isatty():
        # A traceback with the values of variables would show credentials.
        plain = structlog.dev.plain_traceback
        renderers = [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            mask_secrets,
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Tolerant(target))),
        cache_logger_on_first_use=False,
    )
    log: Log = structlog.get_logger()
    return log
