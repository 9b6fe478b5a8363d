"""The lines of the operator's socket: a request is one JSON object, and so is its answer.

    {"command": "why", "reference": "mf3k2a81-17"}
    {"ok": true, "cause": "credentials", ...}
    {"ok": false, "error": "..."}

A list in an answer may be long (every session), so it is encoded a few items at a time and the
live loop runs in between.
"""

import json
from typing import Any, Final

import trio

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


async def encode_answer(answer: dict[str, Any]) -> bytes:
    """Return an answer as its line."""
    parts = []
    for name, value in answer.items():
        text = await _encode_list(value) if isinstance(value, list) else json.dumps(value)
        parts.append(f"{json.dumps(name)}: {text}")
    return b"{%s}\n" % ", ".join(parts).encode("ascii")


async def _encode_list(items: list[Any]) -> str:
    texts = []
    for start in range(0, len(items), ITEMS_AT_ONCE):
        texts += [json.dumps(item) for item in items[start : start + ITEMS_AT_ONCE]]
        await trio.lowlevel.checkpoint()
    return f"[{', '.join(texts)}]"
