from pathlib import Path

from support.config_folder import ConfigFolder

from kk99fix.gateway.current import Current


def test_a_new_view_applies_at_once_and_is_told_of(tmp_path: Path) -> None:
    """Who is told finds the new files in place; a session that is gone is none any more."""
    files = ConfigFolder(tmp_path)
    current = Current(files.load())
    assert current.session("BROKER2") is not None
    told: list[tuple[frozenset[str], object]] = []
    current.subscribe(lambda changed: told.append((changed, current.session("BROKER2"))))
    (files.sessions / "BROKER2.toml").unlink()
    files.replace("config/risk.toml", '[firm."Broker Two"]', '[firm."KK99 Compliance"]')
    files.replace("sessions/BROKER1.toml", '"127.0.0.0/8", "::1/128"', '"10.1.0.0/16"')

    current.update({"BROKER1": files.load().session("BROKER1"), "BROKER2": None})

    assert told == [(frozenset({"BROKER1", "BROKER2"}), None)]
    assert "10.1.0.0/16" in map(str, current.networks)
