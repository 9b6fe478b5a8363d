"""Two hundred broken session files: each refused by itself, with file, key and line."""

import os
from pathlib import Path

import pytest
from support.broken_files import Broken, broken_files, put, valid
from support.config_folder import ConfigFolder

from kk99fix.config.errors import ConfigError, Mistake
from kk99fix.config.identity import Identities
from kk99fix.config.load import load
from kk99fix.config.plan import Plan
from kk99fix.config.resolve import resolve
from kk99fix.config.session_files import SessionFiles

COUNT = 200


class Followed:
    """Session files of a test, and who follows them."""

    def __init__(self, root: Path) -> None:
        """Begin with the shipped files."""
        self.files = ConfigFolder(root)
        self.now_s = 0.0
        settings = self.files.load()
        room = dict.fromkeys(("sessions", "firms", "accounts"), 9999)
        identities = Identities({}, {}, set(), room)
        identities.accept(settings.sessions)
        content = resolve(settings)
        self.following = SessionFiles(
            self.files.config, self.files.sessions, settings, identities, content
        )
        self.look()

    def look(self) -> Plan:
        """Look until everything is settled; the last plan that came to anything."""
        best = self.following.look(self.now_s)
        for _ in range(3):
            self.now_s += 1
            plan = self.following.look(self.now_s)
            if plan.steps or plan.refused or plan.mended:
                best = plan
        return best

    def check(self) -> list[Mistake]:
        """Return what `kk99fix check` finds."""
        try:
            load(self.files.config, self.files.sessions)
        except ConfigError as error:
            return list(error.mistakes)
        return []


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """The shipped files."""
    return Followed(tmp_path_factory.mktemp("files"))


#: Behind those of the shipped files: of two that contradict each other `check` names the later.
NAMES = [f"NEW{number:03d}" for number in range(COUNT)]
CASES = [
    pytest.param(name, broken, id=f"{name}-{broken.what[:24]}")
    for name, broken in broken_files(NAMES, seed=7)
]


@pytest.mark.parametrize(("name", "broken"), CASES)
def test_each_is_refused_where_it_is_wrong(followed: Followed, name: str, broken: Broken) -> None:
    """In the words of `kk99fix check`; nothing else changes, and once it is right it applies."""
    path = put(followed.files.sessions, name, broken)
    try:
        plan = followed.look()
        found = followed.check()

        assert plan.steps == ()
        assert list(plan.refused) == [str(path)]
        assert plan.refused[str(path)] == tuple(str(mistake) for mistake in found)
        assert {mistake.file for mistake in found} == {str(path)}
        if broken.key is not None:
            mine = [m for m in found if m.key.partition("[")[0] == broken.key]
            assert mine, found
            if broken.line is not None:
                assert broken.line in {mistake.line for mistake in mine}
        path.write_text(valid(name))
        assert followed.look().changed == (name,)
    finally:
        path.unlink()
        assert followed.look().changed == (name,)


def test_what_is_no_file(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe is not waited for, and what may not be read says so; a folder is none either."""
    folder = followed.files.sessions
    os.mkfifo(folder / "PIPE.toml")
    (folder / "FOLDER.toml").mkdir()
    secret = folder / "SECRET.toml"
    secret.write_text(valid("SECRET"))
    read = Path.read_bytes

    def denied(self: Path) -> bytes:
        if self == secret:
            raise PermissionError(13, "Permission denied")
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", denied)
    plan = followed.look()
    texts = [
        text.replace(f"{folder}/", "") for texts in plan.refused_all.values() for text in texts
    ]

    assert sorted(texts) == [
        "FOLDER.toml: cannot be read: Is a directory",
        "PIPE.toml: is no file but a pipe or a device",
        "SECRET.toml: cannot be read: Permission denied",
    ]


def test_what_the_next_start_would_refuse(tmp_path: Path) -> None:
    """Files of a start that do not change have their say: nothing to be certified with, a band."""
    followed = Followed(tmp_path)
    path = followed.files.sessions / "NEW.toml"
    added = '\n[certification]\nfunctions = ["limit"]\nrequire_certification = true\n'
    path.write_text(valid("NEW") + added)
    plan = followed.look()
    assert plan.steps == ()
    assert plan.refused == {str(path): tuple(str(mistake) for mistake in followed.check())}
    assert "there is nothing to be certified with" in plan.refused[str(path)][0]
    path.unlink()
    assert followed.look().mended == (str(path),)

    risk = followed.files.config / "risk.toml"
    text = risk.read_text()
    risk.write_text(text.replace('price_band_percent = "10"', 'price_band_percent = "0.00001"'))
    plan = followed.look()
    assert not plan.risk_changed
    assert plan.steps == ()
    assert list(plan.refused) == [str(risk)]
    line = text[: text.index("price_band_percent")].count("\n") + 1
    assert plan.refused[str(risk)][0] == (
        f'{risk}:{line}: default.price_band_percent: for AAPL found "0.00001", a band narrower '
        'than a tick; a wider one, or "0" for none, would be right'
    )
    assert followed.check()
    risk.write_text(text)
    assert followed.look().mended == (str(risk),)
