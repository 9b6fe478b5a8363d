"""One TOML file: its content, and where in it each key stands.

`tomllib` gives no positions, so the lines are found by a scan for table headers and `key =`.
It knows every form that the shipped files use; a key that it misses only loses its line number.
"""

import re
import stat
import tomllib
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from kk99fix.config.errors import Mistake

#: Far more than any of the files needs.
FILE_MAX_BYTES: Final = 4 << 20
#: Names and list positions from the top of a file to a value.
KeyPath = tuple[str | int, ...]

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*\]\]?")
_ASSIGNMENT = re.compile(rf"\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=")
_ERROR_LINE = re.compile(r"\(at line ([0-9]+), column [0-9]+\)$")


class BareDecimal(str):
    """A number with a decimal point that stands in the file without quotes, as it was written."""

    __slots__ = ()


@frozen
class TomlFile:
    """The content of one file."""

    #: The path as a person gave it, for messages.
    name: str
    data: dict[str, Any]
    lines: dict[KeyPath, int]

    def mistake(self, path: KeyPath, text: str, *others: str) -> Mistake:
        """Return a mistake at `path`; its line is that of the nearest key that has one."""
        line = 0
        for length in range(len(path), 0, -1):
            line = self.lines.get(path[:length], 0)
            if line:
                break
        return Mistake(self.name, line, self._dotted(path), text, others)

    def _dotted(self, path: KeyPath) -> str:
        """Render a path; an instrument goes by its symbol, anything else in a list by position."""
        parts: list[str] = []
        value: Any = self.data
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                value = None
            if isinstance(step, int):
                symbol = value.get("symbol") if isinstance(value, dict) else None
                parts[-1] += f"[{symbol if isinstance(symbol, str) else step + 1}]"
            else:
                parts.append(step)
        return ".".join(parts)


def read(path: Path) -> TomlFile | Mistake:
    """Read one file; what makes it unreadable is returned, not raised."""
    try:
        mode, size = path.stat().st_mode, path.stat().st_size
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            return Mistake(str(path), 0, "", "is no file but a pipe or a device")
        if size > FILE_MAX_BYTES:
            return Mistake(str(path), 0, "", f"has {size} bytes; {FILE_MAX_BYTES} are the most")
        text = path.read_bytes().decode()
        data = tomllib.loads(text, parse_float=BareDecimal)
    except FileNotFoundError:
        return Mistake(str(path), 0, "", "there is no such file")
    except OSError as error:
        return Mistake(str(path), 0, "", f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return Mistake(str(path), line, "", f"byte {error.start + 1} is not UTF-8 text")
    except tomllib.TOMLDecodeError as error:
        return _not_toml(path, str(error), last_line=max(1, len(text.splitlines())))
    except ValueError as error:
        return Mistake(str(path), 0, "", f"is not TOML: {error}")
    except RecursionError:
        return Mistake(str(path), 0, "", "is not TOML: nested too deeply")
    return TomlFile(str(path), data, _find_lines(text))


def _not_toml(path: Path, text: str, last_line: int) -> Mistake:
    """Say where it broke off: a file that is half written ends in the middle."""
    match = _ERROR_LINE.search(text)
    line = int(match.group(1)) if match else last_line
    return Mistake(str(path), line, "", f"is not TOML: {text}")


def _split(dotted: str) -> KeyPath:
    return tuple(key.strip("\"'") for key in re.findall(_KEY, dotted))


def _find_lines(text: str) -> dict[KeyPath, int]:
    """Return the line of each table and key, counted from 1."""
    lines: dict[KeyPath, int] = {}
    seen: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _split(header.group(2))
            if header.group(1) == "[[":
                seen[table] = seen.get(table, -1) + 1
                table = (*table, seen[table])
            lines.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            lines.setdefault((*table, *_split(assignment.group(1))), number)
    return lines
