"""[certification] of a session file: what a counterparty's engine has to show, and when."""

from collections.abc import Iterator
from typing import Annotated, Final

from attrs import frozen

from kk99fix.config.toml_file import KeyPath
from kk99fix.config.values import OneOf

#: What a session may be certified for, by its role: the scenarios of `kk99fix certify`.
FUNCTIONS: Final[dict[str, tuple[str, ...]]] = {
    "order-entry": (
        *("limit", "market", "ioc", "fok", "gtc", "cancel", "replace", "status", "mass-status"),
        *("refusal", "resend", "logout"),
    ),
    "drop-copy": ("drop-copy", "resend", "logout"),
}
_ALL_FUNCTIONS: Final = tuple(dict.fromkeys(name for names in FUNCTIONS.values() for name in names))


@frozen
class Certification:
    """[certification]: what the counterparty's engine uses, and whether it has to show it first."""

    #: What `kk99fix certify` goes through.
    functions: tuple[Annotated[str, OneOf(*_ALL_FUNCTIONS)], ...] = ()
    #: Orders are refused until every one of them was passed.
    require_certification: bool = False


def certification_mistakes(own: Certification, role: str) -> Iterator[tuple[KeyPath, str]]:
    """Yield key and text of whatever does not fit the session's role, or itself."""
    for name in own.functions:
        if name not in FUNCTIONS[role]:
            right = " or ".join(f'"{word}"' for word in FUNCTIONS[role])
            was = f'found "{name}", which role {role} does not do'
            yield ("certification", "functions"), f"{was}; {right} would be right"
    if own.require_certification and role != "order-entry":
        key = ("certification", "require_certification")
        yield key, f"does not apply to role {role}; leave it out"
    elif own.require_certification and not own.functions:
        right = 'functions such as "limit" and "cancel"'
        yield ("certification", "functions"), f"is missing; {right} would be right"
