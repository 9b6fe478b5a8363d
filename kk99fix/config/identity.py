"""What may not change of a name while records exist that were made with it, and how many may be.

A session keeps its firm, role and TargetCompID(56), an account its firm, for as long as the journal
knows the name; ids are never given back, so names that are gone take room too.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from attrs import define

from kk99fix.config.errors import Mistake
from kk99fix.config.parts import Part
from kk99fix.config.sessions import SessionFile

#: Of a session, in the order in which they are named.
FIXED: Final = ("firm", "role", "target_comp_id")


@define
class Identities:
    """The names that ever had an id."""

    #: Session -> its fixed values.
    sessions: dict[str, dict[str, str]]
    #: Account -> firm.
    accounts: dict[str, str]
    firms: set[str]
    #: Kind -> how many there may be.
    room: dict[str, int]

    def mistakes(self, parts: Iterable[Part[SessionFile]]) -> Iterator[Mistake]:
        """Yield what new files may not say, those before them being accepted."""
        seen = Identities(dict(self.sessions), dict(self.accounts), set(self.firms), self.room)
        for part in parts:
            found = list(seen._mistakes(part))
            yield from found
            if not found:
                seen.accept([part.value])

    def accept(self, files: Iterable[SessionFile]) -> None:
        """Take over the names of files that apply now."""
        for value in files:
            identity = value.session
            self.sessions[value.comp_id] = {key: getattr(identity, key) for key in FIXED}
            self.firms.add(identity.firm)
            self.accounts.update(dict.fromkeys(identity.accounts, identity.firm))

    def _mistakes(self, part: Part[SessionFile]) -> Iterator[Mistake]:
        identity, file = part.value.session, part.file
        before = self.sessions.get(part.value.comp_id)
        for key in FIXED:
            now = getattr(identity, key)
            if before is not None and before[key] != now:
                yield file.mistake(
                    ("session", key),
                    f'found "{now}"; "{before[key]}", which it was, would be right: the journal '
                    "holds records made with it; another name would be another session",
                )
        for account in identity.accounts:
            owner = self.accounts.get(account, identity.firm)
            if owner != identity.firm:
                yield file.mistake(
                    ("session", "accounts"),
                    f'found "{account}", which belonged to firm "{owner}"; another account would '
                    "be right: the journal holds records made with it",
                )
        yield from self._too_many(part)

    def _too_many(self, part: Part[SessionFile]) -> Iterator[Mistake]:
        identity = part.value.session
        names = {
            ("session", "sender_comp_id"): ("sessions", self.sessions, {part.value.comp_id}),
            ("session", "firm"): ("firms", self.firms, {identity.firm}),
            ("session", "accounts"): ("accounts", self.accounts, set(identity.accounts)),
        }
        for path, (kind, known, wanted) in names.items():
            need = len(known) + len(wanted - set(known))
            if wanted - set(known) and need > self.room[kind]:
                yield part.file.mistake(
                    path,
                    f"there is no room for more {kind} than {self.room[kind]}, those of before "
                    f"included; capacity.{kind} = {need} in venue.toml and a restart would be "
                    "right",
                )
