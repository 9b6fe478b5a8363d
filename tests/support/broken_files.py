"""Session files that are broken, by the hundred: seeded changes of a valid one.

Each says where the mistake is to be found: key and line where TOML has one.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

VALID = """\
# A session that is right.

[session]
sender_comp_id = "{comp_id}"
target_comp_id = "KK99"
role = "order-entry"
firm = "Firm {comp_id}"
accounts = ["{comp_id}-A", "{comp_id}-B"]

[logon]
allow_from = ["127.0.0.0/8"]
heart_bt_int = [5, 60]
reset_seq_num = "allowed"
cancel_on_disconnect = true
cancel_grace_s = 3

[limits]
max_order_qty = "1000"
max_open_orders = 50
orders_per_second = 10
"""

#: Lines that take another value, by key, and values that none of them may have.
KEYS = {
    "session": ("sender_comp_id", "target_comp_id", "role", "firm"),
    "logon": ("reset_seq_num", "cancel_on_disconnect", "cancel_grace_s"),
    "limits": ("max_order_qty", "max_open_orders", "orders_per_second"),
}
WRONG = ("[]", "{}", "-7", '""', "1.5", "2026-01-01", '["x"]', '"\\u0000"', "inf", "nan")
LISTS = {
    "session.accounts": ("7", '"x"', "[1]", '["a b"]', '["A", "A"]', '["B1-HOUSE"]', "[]"),
    "logon.allow_from": ("7", "[]", '["10.0.0.1/8"]', '["x"]', "[1]", '["0.0.0.0/0"]'),
    "logon.heart_bt_int": ("30", "[5]", "[60, 5]", "[0, 60]", '["5", 60]', "[5, 60, 90]"),
}


@attrs.frozen
class Broken:
    """One broken file."""

    what: str
    content: bytes
    #: Of the mistake; "" where the whole file is to blame, None where any key will do.
    key: str | None = None
    #: None where TOML has none.
    line: int | None = None


def valid(comp_id: str) -> str:
    """Return a file that is right."""
    return VALID.format(comp_id=comp_id)


def broken_files(names: list[str], seed: int) -> Iterator[tuple[str, Broken]]:
    """Yield one for each name, every kind as often as the others."""
    rng = random.Random(seed)  # noqa: S311 - repeatable
    for number, name in enumerate(names):
        yield name, KINDS[number % len(KINDS)](name, rng)


def put(folder: Path, name: str, broken: Broken) -> Path:
    """Write it."""
    path = folder / f"{name}.toml"
    path.write_bytes(broken.content)
    return path


def line_of(text: str, start: str) -> int:
    """Return the line that begins with `start`, from 1."""
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith(start))


def _with_value(name: str, key: str, value: str) -> Broken:
    """Return the file with another value behind a key."""
    text, (table, own) = valid(name), key.split(".")
    lines = text.splitlines(keepends=True)
    number = line_of(text, f"{own} =")
    lines[number - 1] = f"{own} = {value}\n"
    assert table in KEYS or key in LISTS
    return Broken(f"{key} = {value}", "".join(lines).encode(), key, number)


def _value(name: str, rng: random.Random) -> Broken:
    table = rng.choice(sorted(KEYS))
    return _with_value(name, f"{table}.{rng.choice(KEYS[table])}", rng.choice(WRONG))


def _list(name: str, rng: random.Random) -> Broken:
    key = rng.choice(sorted(LISTS))
    return _with_value(name, key, rng.choice(LISTS[key]))


def _unknown_key(name: str, rng: random.Random) -> Broken:
    table = rng.choice(sorted(KEYS))
    own = rng.choice(["rolle", "Accounts", "max_qty", "x", '"é"', '"a.b"'])
    text = valid(name).replace(f"[{table}]\n", f"[{table}]\n{own} = 1\n")
    plain = own.strip('"')
    return Broken("unknown key", text.encode(), f"{table}.{plain}", line_of(text, f"{own} ="))


def _unknown_table(name: str, rng: random.Random) -> Broken:
    table = rng.choice(["sesion", "Logon", "limit", "dropcopy"])
    text = f"{valid(name)}\n[{table}]\nx = 1\n"
    return Broken("unknown table", text.encode(), table, line_of(text, f"[{table}]"))


def _missing(name: str, rng: random.Random) -> Broken:
    own = rng.choice(["sender_comp_id", "target_comp_id", "role", "firm", "accounts"])
    text = valid(name)
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith(own)]
    return Broken(f"no {own}", "".join(lines).encode(), f"session.{own}", 3)


def _syntax(name: str, rng: random.Random) -> Broken:
    lines = valid(name).splitlines(keepends=True)
    number = rng.choice([n for n, line in enumerate(lines, 1) if "=" in line])
    lines[number - 1] = rng.choice(["x = [1, 2\n", 'x = "open\n', "= 5\n", "x 5\n", "x = \n"])
    return Broken("syntax", "".join(lines).encode(), "", None)


def _twice(name: str, rng: random.Random) -> Broken:
    text = valid(name)
    if rng.random() < 0.5:
        return Broken("table twice", f"{text}\n[logon]\n".encode(), "", None)
    own = rng.choice(["role", "firm"])
    line = next(line for line in text.splitlines() if line.startswith(own))
    return Broken("key twice", text.replace(line, f"{line}\n{line}").encode(), "", None)


def _bytes(name: str, rng: random.Random) -> Broken:
    text = valid(name)
    what, content = rng.choice(
        [
            ("latin-1", text.replace("Firm", "Fürm").encode("latin-1")),
            ("utf-16", text.encode("utf-16")),
            ("NUL", text.replace("Firm ", "Firm\0").encode()),
            ("control", text.replace("Firm ", "Firm\x07").encode()),
            ("zeros", b"\0" * 512),
            ("noise", rng.randbytes(300)),
            ("DEL", text.replace("[logon]", "[logon]\x7f").encode()),
        ]
    )
    return Broken(what, content, "", None)


def _huge(name: str, rng: random.Random) -> Broken:
    text = valid(name)
    what, content = rng.choice(
        [
            ("deep", f"{text}\n[x]\ny = {'[' * 3000}{']' * 3000}\n"),
            ("long number", f"{text}\n[x]\ny = {'9' * 6000}\n"),
            ("large", f"# {'x' * (5 << 20)}\n{text}"),
            ("many keys", text + "[x]\n" + "".join(f"k{n} = {n}\n" for n in range(5000))),
            ("long key", f"{text}\n[x]\n{'k' * 70_000} = 1\n"),
        ]
    )
    return Broken(what, content.encode(), None, None)


def _empty(_name: str, rng: random.Random) -> Broken:
    return Broken("empty", rng.choice([b"", b"\n", b"# nothing\n"]), "session", None)


def _other_name(name: str, rng: random.Random) -> Broken:
    other = rng.choice(["BROKER1", f"{name}X", "KK99"])
    text = valid(name).replace(f'"{name}"', f'"{other}"')
    number = line_of(text, "sender_comp_id")
    return Broken(f"named {other}", text.encode(), "session.sender_comp_id", number)


def _contradiction(name: str, rng: random.Random) -> Broken:
    """It takes another file to see these."""
    text = valid(name)
    if rng.random() < 0.5:
        text = text.replace(f'"{name}-A"', '"B1-HOUSE"')
        return Broken("account of another firm", text.encode(), "session.accounts", 8)
    head = text.partition("[logon]")[0].replace("order-entry", "drop-copy")
    head = "\n".join(line for line in head.splitlines() if not line.startswith("accounts"))
    key = rng.choice(["firms", "accounts"])
    text = f'{head}\n[drop_copy]\n{key} = ["NOBODY"]\n'
    return Broken("copies of nobody", text.encode(), f"drop_copy.{key}", line_of(text, key))


def _against_itself(name: str, rng: random.Random) -> Broken:
    text = valid(name)
    what, old, new, key = rng.choice(
        [
            ("two ways", "cancel_on_disconnect = true", "cancel_on_disconnect = false", None),
            ("scope", "[limits]", '[drop_copy]\nfirms = ["*"]\n\n[limits]', "drop_copy.firms"),
            ("half", "heart_bt_int", 'username = "u"\nheart_bt_int', "logon.username"),
        ]
    )
    text = text.replace(old, new)
    if key is None:
        text = text.replace("cancel_grace_s = 3", "cancel_on_logout = true")
        key = "logon.cancel_on_logout"
    return Broken(what, text.encode(), key, line_of(text, key.split(".")[1]))


KINDS: tuple[Callable[[str, random.Random], Broken], ...] = (
    *(_value, _list, _unknown_key, _unknown_table, _missing, _syntax, _twice),
    *(_bytes, _huge, _empty, _other_name, _contradiction, _against_itself, _value, _list),
)
