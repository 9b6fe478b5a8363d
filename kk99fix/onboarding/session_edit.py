"""Changes one key of [logon] in a session file that people may have edited; the rest stays.

Only the line is replaced, so comments and order are kept.  Whether the result says what was meant
is seen when it is read again, as it is before it is written.
"""

import re

from kk99fix.onboarding.session_file import quoted

_LOGON = re.compile(r"(?m)^[ \t]*\[[ \t]*logon[ \t]*\][^\n]*\n?")
_NEXT_SECTION = re.compile(r"(?m)^[ \t]*\[")


def with_logon_key(text: str, key: str, value: str) -> str:
    """Return the file's text with `key = "value"` under [logon]."""
    line = f"{key} = {quoted(value)}"
    header = _LOGON.search(text)
    if header is None:
        return f"{text.rstrip()}\n\n[logon]\n{line}\n"
    begin = header.end()
    following = _NEXT_SECTION.search(text, begin)
    end = following.start() if following else len(text)
    section = text[begin:end]
    changed, count = re.subn(rf"(?m)^[ \t]*{key}[ \t]*=[^\n]*", lambda _: line, section, count=1)
    if not count:
        changed = f"{line}\n{section}"
    head = text[:begin] if text[:begin].endswith("\n") else f"{text[:begin]}\n"
    return head + changed + text[end:]
