"""`kk99fix ctl reload`: have the gateway look at its files now, and see what came of it."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from kk99fix.commands.operator_client import ask_or_exit
from kk99fix.commands.usual_options import json_answer_option, state_option


@click.command("reload", short_help="Look at the session files now.")
@json_answer_option
@state_option
def reload_command(*, as_json: bool, state_dir: Path) -> None:
    """Have the gateway look at its files, and say what has changed and what is refused.

    The gateway follows its files by itself; this waits until what was written before applies, and
    tells what was taken over since it was last asked.
    Exits with 1 if a file is refused, each with its file, line and key, as `kk99fix check` does,
    or if the files could not be read.

    \b
    Examples:
      kk99fix ctl reload
      kk99fix ctl reload --json
    """
    answer = ask_or_exit(state_dir, "reload")
    if as_json:
        click.echo(json.dumps(answer))
    else:
        _print(answer)
    if answer["refused"] or answer["still_changing"] or answer["not_read"]:
        sys.exit(1)


def _print(answer: dict[str, Any]) -> None:
    changed = answer["changed"]
    if changed:
        click.echo(f"taken over: {', '.join(changed)}")
    if answer["risk_changed"]:
        click.echo("taken over: risk.toml")
    for each in answer["below_exposure"]:
        kind = next(iter(each))
        click.echo(
            f"{kind} {each[kind]}: {each['limit']} = {each['value']} is below the "
            f"{each['present']} that are open; they stay, new orders are refused"
        )
    for file in answer["restart_needed"]:
        click.echo(f"{file}: needs a restart")
    for each in answer["refused"]:
        for text in each["mistakes"]:
            click.echo(text, err=True)
    if answer["still_changing"]:
        click.echo("files are being written all the time; what is whole applies", err=True)
    if answer["not_read"]:
        click.echo(f"{answer['not_read']}; they are looked at again within seconds", err=True)
    elif not changed and not answer["risk_changed"] and not answer["refused"]:
        click.echo("nothing new")
