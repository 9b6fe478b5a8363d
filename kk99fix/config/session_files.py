"""The session files while the gateway runs: which of them apply, and what a change comes to.

Theory of operation
-------------------
Each file has the state that applies (`_accepted`) and what was last read of it (`_read`).
A plan takes the newest reading of every file, and the accepted state where that reading is broken.
While files contradict each other, all that are involved go back to their accepted state; with
those nobody contradicted, so this ends.
A file that is gone is gone, whatever others say of it: what they say then is a warning.

`risk.toml` is taken over like a session file.  Of the other files of the configuration a change is
only noticed: it needs a restart.

It reads files and keeps no time; what comes of it is a value that another process may carry out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from attrs import define, evolve, field, frozen

from kk99fix.config.calendar import CalendarFile
from kk99fix.config.contradictions import contradictions
from kk99fix.config.difference import pieces
from kk99fix.config.errors import Mistake
from kk99fix.config.identity import Identities
from kk99fix.config.instruments import InstrumentsFile, instrument_mistakes
from kk99fix.config.load import SESSION_FILES, Settings, read_part
from kk99fix.config.looking import Looking, signature
from kk99fix.config.parts import Part, Parts
from kk99fix.config.plan import Plan, Step
from kk99fix.config.resolve import resolve
from kk99fix.config.risk import RiskFile
from kk99fix.config.sessions import SessionFile
from kk99fix.config.toml_file import TomlFile
from kk99fix.config.venue import VenueFile

RISK: Final = "risk.toml"
#: Read at a start only, and what each holds.
FIXED_FILES: Final[dict[str, type]] = {
    "venue.toml": VenueFile,
    "instruments.toml": InstrumentsFile,
    "calendar.toml": CalendarFile,
}
#: Files in one step that changes nothing of the venue.
STEP_FILES: Final = 8


@define
class SessionFiles:
    """Follows the files of one gateway."""

    config_dir: Path
    sessions_dir: Path
    settings: Settings
    identities: Identities
    #: What the venue has been told: the content of its CONFIG inputs.
    resolved: dict[str, Any]
    _accepted: dict[Path, Part[SessionFile]] = field(init=False)
    _risk: Part[RiskFile] = field(init=False)
    _read: dict[Path, Part[Any] | list[Mistake]] = field(init=False, factory=dict)
    _looking: Looking = field(init=False, factory=Looking)
    _refused: dict[str, tuple[str, ...]] = field(init=False, factory=dict)
    _restart: tuple[str, ...] = field(init=False, default=())
    _folder: list[Mistake] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        """Begin with what applies already."""
        self._accepted = {
            self.sessions_dir / f"{value.comp_id}.toml": _unread(
                self.sessions_dir / f"{value.comp_id}.toml", value
            )
            for value in self.settings.sessions
        }
        self._risk = _unread(self.config_dir / RISK, self.settings.risk)

    def look(self, now_s: float) -> Plan:
        """Look at the files, and plan what has changed and settled."""
        paths = [self.config_dir / name for name in (RISK, *FIXED_FILES)]
        paths += [*self._in_folder(), *self._accepted]
        settled = self._looking.look(paths, now_s)
        if self._folder:
            settled = [path for path in settled if path.parent != self.sessions_dir]
        for path in settled:
            self._take(path)
        if not settled and not self._folder and not self._is_news():
            return Plan(
                unsettled=self._unsettled,
                refused_all=self._refused,
                restart=self._restart,
            )
        return self._plan()

    def _in_folder(self) -> list[Path]:
        """The session files that are there; a folder that is gone has not lost all of them."""
        paths = list(self.sessions_dir.glob(SESSION_FILES))
        self._folder = []
        if not self.sessions_dir.is_dir():
            text = "there is no such folder"
        elif not paths and len(self._accepted) > 1:
            text = "has no session file any more; remove the last of several one by one"
        else:
            return paths
        self._folder = [Mistake(str(self.sessions_dir), 0, "", text)]
        return []

    @property
    def _unsettled(self) -> bool:
        return self._looking.pending and not self._folder

    def _is_news(self) -> bool:
        return str(self.sessions_dir) in self._refused

    def _take(self, path: Path) -> None:
        """Read a file, unless it changes meanwhile."""
        before = signature(path)
        reading = None if before is None else self._reading(path)
        if signature(path) != before:
            return
        self._looking.took(path, before)
        if reading is None:
            self._read.pop(path, None)
            if path.parent == self.sessions_dir:
                self._accepted_gone(path)
            else:
                self._read[path] = [Mistake(str(path), 0, "", "there is no such file")]
        else:
            self._read[path] = reading

    def _accepted_gone(self, path: Path) -> None:
        """A file that is gone has no state to go back to."""
        self._accepted.pop(path, None)

    def _reading(self, path: Path) -> Part[Any] | list[Mistake]:
        if path.parent == self.sessions_dir:
            return read_part(path, SessionFile)
        if path.name == RISK:
            return read_part(path, RiskFile)
        return read_part(path, FIXED_FILES[path.name])

    # ------------------------------------------------------------------ what applies

    def _plan(self) -> Plan:
        before = {value.comp_id: value for value in self.settings.sessions}
        candidates, risk, mistakes = self._candidates()
        for more in self._contradictions(candidates, risk):
            mistakes += more.mistakes
            candidates, risk = more.candidates, more.risk
        risk_changed = risk.value != self.settings.risk
        self._accepted, self._risk = candidates, risk
        sessions = sorted((part.value for part in candidates.values()), key=lambda v: v.comp_id)
        self.settings = evolve(self.settings, sessions=tuple(sessions), risk=risk.value)
        after = {value.comp_id: value for value in sessions}
        files: dict[str, SessionFile | None] = {
            name: after.get(name)
            for name in sorted({*before, *after})
            if before.get(name) != after.get(name)
        }
        refused = self._said(mistakes)
        restart = self._needs_restart()
        plan = Plan(
            steps=tuple(self._steps(files)) if files or risk_changed else (),
            changed=tuple(files),
            risk_changed=risk_changed,
            refused={f: t for f, t in refused.items() if self._refused.get(f) != t},
            mended=tuple(sorted(self._refused.keys() - refused.keys())),
            refused_all=refused,
            restart=restart,
            restart_news=tuple(name for name in restart if name not in self._restart),
            unsettled=self._unsettled,
            risk=risk.value if risk_changed else None,
        )
        self._refused, self._restart = refused, restart
        return plan

    def _candidates(
        self,
    ) -> tuple[dict[Path, Part[SessionFile]], Part[RiskFile], list[Mistake]]:
        """The newest reading of each file, the accepted one where it is broken; what is broken."""
        mistakes = list(self._folder)
        candidates = dict(self._accepted)
        risk = self._risk
        for path, reading in self._read.items():
            if isinstance(reading, list):
                mistakes += reading
            elif path.parent == self.sessions_dir:
                candidates[path] = reading
            elif path.name == RISK:
                risk = reading
        return candidates, risk, mistakes

    def _contradictions(
        self, candidates: dict[Path, Part[SessionFile]], risk: Part[RiskFile]
    ) -> Iterator["_Back"]:
        """Take files back to their accepted state while they contradict others."""
        while True:
            new = {p: c for p, c in candidates.items() if not self._is_accepted(p, c)}
            found = list(self._found(candidates, new, risk))
            blamed = {name for mistake in found for name in (mistake.file, *mistake.others)}
            back = {path for path in new if str(path) in blamed}
            risk_back = risk.file.name in blamed and risk.value != self._risk.value
            candidates = {
                path: self._accepted[path] if path in back else part
                for path, part in candidates.items()
                if path not in back or path in self._accepted
            }
            risk = self._risk if risk_back else risk
            yield _Back(candidates, risk, found)
            if not back and not risk_back:
                return

    def _is_accepted(self, path: Path, part: Part[SessionFile]) -> bool:
        accepted = self._accepted.get(path)
        return accepted is not None and accepted.value == part.value

    def _found(
        self,
        candidates: dict[Path, Part[SessionFile]],
        new: dict[Path, Part[SessionFile]],
        risk: Part[RiskFile],
    ) -> Iterator[Mistake]:
        """What contradicts what; those that have not changed come first, so the others are told."""
        order = sorted(candidates, key=lambda path: (path in new, path))
        fixed = {name: _nothing(self.config_dir / name) for name in FIXED_FILES}
        parts = Parts(
            Part(fixed["venue.toml"], self.settings.venue),
            Part(fixed["instruments.toml"], self.settings.instruments),
            risk,
            None,
            tuple(candidates[path] for path in order),
            all_sessions=True,
            former=self.identities.accounts,
        )
        unchanged = {file.name for file in fixed.values()}
        blamed = set()
        for mistake in contradictions(parts):
            if mistake.file not in unchanged:
                blamed.add(mistake.file)
                yield mistake
        yield from self._bands(risk)
        rest = [new[path] for path in sorted(new) if str(path) not in blamed]
        yield from self.identities.mistakes(rest)

    def _bands(self, risk: Part[RiskFile]) -> Iterator[Mistake]:
        """Yield which instruments the price band of risk.toml does not suit: it has changed."""
        band = risk.value.default.price_band_percent_e8
        for instrument in self.settings.instruments.instrument:
            for _, text in instrument_mistakes(instrument, band):
                path = ("default", "price_band_percent")
                yield risk.file.mistake(path, f"for {instrument.symbol} {text}")

    def _said(self, mistakes: list[Mistake]) -> dict[str, tuple[str, ...]]:
        texts: dict[str, tuple[str, ...]] = {}
        for mistake in sorted(set(mistakes)):
            texts[mistake.file] = (*texts.get(mistake.file, ()), str(mistake))
        return texts

    def _needs_restart(self) -> tuple[str, ...]:
        """Names of the files that are read at a start only and say something else now."""
        settings = self.settings
        applies = {
            "venue.toml": settings.venue,
            "instruments.toml": settings.instruments,
            "calendar.toml": settings.calendar,
        }
        found = []
        for name, value in applies.items():
            path = self.config_dir / name
            reading = self._read.get(path)
            if isinstance(reading, Part) and reading.value != value:
                found.append(str(path))
        return tuple(found)

    def _steps(self, files: dict[str, SessionFile | None]) -> Iterator[Step]:
        """What is not the venue's first, so that what is withdrawn is withdrawn at once."""
        resolved = resolve(self.settings)
        left = dict(files)
        changes = list(pieces(self.resolved, resolved))
        concerned = {
            name
            for change in changes
            for name in (*change["set"]["sessions"], *change["gone"]["sessions"])
        }
        alone = [name for name in files if name not in concerned]
        for start in range(0, len(alone), STEP_FILES):
            yield Step(None, {name: left.pop(name) for name in alone[start : start + STEP_FILES]})
        for change in changes:
            names = (*change["set"]["sessions"], *change["gone"]["sessions"])
            yield Step(change, {name: left.pop(name) for name in names if name in left})
        self.resolved = resolved
        self.identities.accept([value for value in files.values() if value is not None])


@frozen
class _Back:
    """What is left after files went back to their accepted state."""

    candidates: dict[Path, Part[SessionFile]]
    risk: Part[RiskFile]
    mistakes: list[Mistake]


def _nothing(path: Path) -> TomlFile:
    return TomlFile(str(path), {}, {})


def _unread(path: Path, value: Any) -> Part[Any]:  # noqa: ANN401 - whatever a file holds
    """A file as it was at the start, without its lines."""
    return Part(_nothing(path), value)
