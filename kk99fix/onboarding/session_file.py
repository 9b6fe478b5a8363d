"""The text of a session file, with comments for the person who opens it next.

Values are written as TOML strings whatever they hold, so no answer can become a key.
"""

from collections.abc import Iterable, Iterator

import attrs

from kk99fix.onboarding.application import Application, Limits, Schedule

_COMMENT_COLUMN = 40


def render(application: Application, password_hash: str | None) -> str:
    """Return the whole file."""
    sections = [
        _head(application),
        _session(application),
        _logon(application, password_hash),
        _limits(application.limits) if application.is_order_entry else (),
        _drop_copy(application) if not application.is_order_entry else (),
        _schedule(application.schedule) if application.schedule is not None else (),
        _certification(application) if application.functions else (),
    ]
    return "\n".join("\n".join(lines) + "\n" for lines in map(list, sections) if lines)


def quoted(text: str) -> str:
    """Return a TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04X}" for c in escaped) + '"'
    )


def _head(application: Application) -> Iterator[str]:
    what = "An order-entry session" if application.is_order_entry else "A drop-copy session"
    yield f"# {what}, written by `kk99fix onboard`."
    yield "# After a change here `kk99fix check` says whether it is right."


def _session(application: Application) -> Iterator[str]:
    yield "[session]"
    yield _line("sender_comp_id", application.comp_id, "SenderCompID(49) of what it sends")
    yield _line("target_comp_id", application.venue_comp_id, "TargetCompID(56) of what it sends")
    yield _line("role", application.role)
    yield _line("firm", application.firm)
    if application.is_order_entry:
        yield _raw("accounts", _list(application.accounts), "the first is the default")
    said = "only what FIX 4.4 allows" if application.dialect == "fix44" else "with our own tags"
    yield _line("dialect", application.dialect, said)


def _logon(application: Application, password_hash: str | None) -> Iterator[str]:
    yield "[logon]"
    yield _raw("allow_from", _list(application.networks), "networks that it may come from")
    if application.require_tls:
        yield _raw("require_tls", "true", "no plain connection")
    if application.username is not None:
        yield _line("username", application.username, "Username(553)")
    if password_hash is not None:
        yield "# Hash of Password(554), which is nowhere else: a lost one is replaced, not found."
        yield _line("password_hash", password_hash)
    if application.totp is not None:
        yield _line("totp", application.totp, "one-time passwords; the name of its sealed seed")
    if application.public_key is not None:
        yield "# It signs its Logon(A) with the other half of this key."
        yield _line("public_key", application.public_key)
    if application.client_certificate is not None:
        yield "# It has to show this certificate, which only a TLS connection can."
        yield _line("client_certificate", application.client_certificate)
    yield _raw("heart_bt_int", "[5, 60]", "lowest and highest HeartBtInt(108), in seconds")
    yield _line("reset_seq_num", application.reset_seq_num, "ResetSeqNumFlag(141)=Y at logon")
    if application.is_order_entry:
        value = "true" if application.cancel_on_disconnect else "false"
        yield _raw("cancel_on_disconnect", value, "of open orders; a logout keeps them")


def _limits(limits: Limits) -> Iterator[str]:
    given = {name: value for name, value in attrs.asdict(limits).items() if value is not None}
    yield "[limits]".ljust(_COMMENT_COLUMN) + "# what is absent falls back to risk.toml"
    for name, value in given.items():
        yield _line(name, value) if isinstance(value, str) else _raw(name, str(value))


def _drop_copy(application: Application) -> Iterator[str]:
    yield "[drop_copy]"
    if application.copied_accounts:
        yield _raw("accounts", _list(application.copied_accounts), "whose reports it sees")
    if application.copied_firms:
        yield _raw("firms", _list(application.copied_firms), 'whose reports it sees; "*": all')


def _schedule(schedule: Schedule) -> Iterator[str]:
    yield "[schedule]"
    if schedule.start_day is not None:
        yield _line("start_day", schedule.start_day)
    yield _line("start", schedule.start)
    if schedule.end_day is not None:
        yield _line("end_day", schedule.end_day)
    yield _line("end", schedule.end)
    yield _line("zone", schedule.zone)
    if schedule.start_day is None:
        yield _line("reset", "daily", "its numbers start over at every start")
    else:
        yield _line("reset", "weekly", "its numbers start over at each week's start")


def _certification(application: Application) -> Iterator[str]:
    yield "[certification]"
    yield _raw("functions", _list(application.functions), "what `kk99fix certify` goes through")
    if application.is_order_entry:
        yield _raw("require_certification", "true", "no order before all of it was passed")


def _line(key: str, value: str, comment: str = "") -> str:
    return _raw(key, quoted(value), comment)


def _raw(key: str, value: str, comment: str = "") -> str:
    line = f"{key} = {value}"
    return f"{line.ljust(_COMMENT_COLUMN - 1)} # {comment}" if comment else line


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(quoted(text) for text in texts)}]"
