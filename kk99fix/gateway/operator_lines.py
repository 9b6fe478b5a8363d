"""The lines of the operator's socket: a request is one JSON object, and so is its answer.

    {"command": "why", "reference": "mf3k2a81-17"}
    {"ok": true, "cause": "credentials", ...}
    {"ok": false, "error": "..."}

A list in an answer may be long (every session), so it is encoded a few items at a time, and sent
before the next ones are: the live loop runs in between.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from kk99fix.gateway.operator import Caller, CommandRefusedError, Request

#: Items encoded before others have their turn: about a tenth of a millisecond.
ITEMS_AT_ONCE: Final = 20


def read_request(line: bytes, caller: Caller) -> Request:
    """Read one request; `CommandRefusedError` where it is none."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        raise CommandRefusedError("a request is one JSON object on one line") from None
    command = content.pop("command", None) if isinstance(content, dict) else None
    if not isinstance(command, str):
        raise CommandRefusedError('a request is an object with a text "command"')
    return Request(command, caller, content)


def encode_answer(answer: dict[str, Any]) -> Iterator[bytes]:
    """Yield the line of an answer piece by piece; each is encoded when it is asked for.

    Without a list it is one piece, so that even a stop is answered before it takes effect.
    """
    text = "{"
    for index, (name, value) in enumerate(answer.items()):
        text += f"{', ' if index else ''}{json.dumps(name)}: "
        if not isinstance(value, list):
            text += json.dumps(value)
            continue
        text += "["
        for start in range(0, len(value), ITEMS_AT_ONCE):
            items = [json.dumps(item) for item in value[start : start + ITEMS_AT_ONCE]]
            yield f"{text}{', ' if start else ''}{', '.join(items)}".encode("ascii")
            text = ""
        text += "]"
    yield f"{text}}}\n".encode("ascii")
