"""`kk99fix ctl`: ask the running gateway, or have it do something."""

import json
import os
import select
import sys
from pathlib import Path
from typing import Any, Final

import click

from kk99fix.commands.ctl_locks import locks_command, unlock_command
from kk99fix.commands.ctl_refusals import refusals_command, why_command
from kk99fix.commands.ctl_reload import reload_command
from kk99fix.commands.operator_client import ask_or_exit
from kk99fix.commands.spans import size, span
from kk99fix.commands.tables import json_row, time_text
from kk99fix.commands.usual_options import json_answer_option, state_option

#: A stop waits three seconds for the counterparties, then writes a snapshot.
STOPPED_WITHIN_S: Final = 120.0


@click.group(short_help="Ask or command the running gateway.")
def ctl() -> None:
    """Ask the running gateway, or have it do something, over the socket in its state directory.

    Only the gateway's own user and root may; the gateway's log has a line for each command.
    Exits with 1 when no gateway runs there, or when it cannot do what was asked.

    \b
    Examples:
      kk99fix ctl status               how it is
      kk99fix ctl refusals             the logons that it refused lately
      kk99fix ctl why BROKER1          why the last one of BROKER1 was refused
      kk99fix ctl why mf3k2a81-17      why the one with this reference was
      kk99fix ctl locks                whose logon is locked, and until when
      kk99fix ctl unlock BROKER1       have it try again
      kk99fix ctl news "Maintenance" --line "The venue closes at 18:00 UTC."
      kk99fix ctl disconnect BROKER1   log a session out
      kk99fix ctl reload               look at the session files now
      kk99fix ctl stop                 stop it
    """


ctl.add_command(refusals_command)
ctl.add_command(why_command)
ctl.add_command(locks_command)
ctl.add_command(unlock_command)
ctl.add_command(reload_command)


@ctl.command("status", short_help="How the gateway is.")
@json_answer_option
@state_option
def status_command(*, as_json: bool, state_dir: Path) -> None:
    """Show uptime, sessions, orders, the journal's position, the disk and the children.

    \b
    Examples:
      kk99fix ctl status
      kk99fix ctl status --state /var/lib/kk99fix --json
    """
    answer = ask_or_exit(state_dir, "status")
    if as_json:
        click.echo(json.dumps(json_row(answer)))
        return
    for name, text in _status_lines(answer):
        click.echo(f"{name:<12} {text}")


def _status_lines(answer: dict[str, Any]) -> list[tuple[str, str]]:
    sessions, orders, journal = answer["sessions"], answer["orders"], answer["journal"]
    snapshot = answer["snapshot"]
    who = (
        f"{sessions['live']} of {sessions['configured']} are on, {sessions['logons_pending']} "
        f"log on, {sessions['fed']} are sent what they missed"
    )
    traded = (
        f"{orders['live']} live of {orders['capacity']}; since the start {orders['accepted']} "
        f"accepted, {orders['trades']} trades"
    )
    written = (
        f"record {journal['lsn']}{_on_disk(answer)} in segment {journal['segment']}, "
        f"{journal['prepared']} prepared, {size(journal['free_bytes'])} free"
    )
    saved = "none yet"
    if snapshot is not None:
        saved = f"behind record {snapshot['lsn']}, {span(snapshot['age_s'])} old"
    lines = [
        ("gateway", f"pid {answer['pid']}, up {span(answer['uptime_s'])}"),
        ("core", f"{answer['core_version']}, durability {answer['durability']}"),
        ("venue time", f"{time_text(answer['venue_time_ns'])}, day {answer['trading_day']}"),
        ("sessions", who),
        ("orders", traded),
        ("journal", written),
        ("snapshot", saved),
    ]
    lines += [
        (name, f"{'up' if child['up'] else 'down'}, restarted {child['restarts']} times")
        for name, child in answer["children"].items()
    ]
    return lines + _alarms(answer)


def _on_disk(answer: dict[str, Any]) -> str:
    durable = answer["journal"]["durable_lsn"]
    return f" (on the disk to {durable})" if answer["durability"] == "durable" else ""


def _alarms(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person has to know at once."""
    alarms = {
        "it stops": answer["stopping"],
        "new orders are refused since the restart": answer["halted"],
        "new orders are refused: the disk has little room left": answer["storage_low"],
        "a replay differed from the journal: see docs/operations.md": answer["keeper"][
            "mismatches"
        ],
    }
    return [("ATTENTION", text) for text, holds in alarms.items() if holds]


@ctl.command("news", short_help="Send a News(B).")
@click.argument("headline")
@click.option("--line", "lines", multiple=True, required=True, help="A line of text; repeatable.")
@click.option("--to", "names", multiple=True, metavar="COMPID", help="Only to this session.")
@json_answer_option
@state_option
def news_command(
    *,
    headline: str,
    lines: tuple[str, ...],
    names: tuple[str, ...],
    as_json: bool,
    state_dir: Path,
) -> None:
    """Send a News(B) to every session that is logged on, or to those named.

    It has a number like every message: a session that loses it asks for it again.

    \b
    Examples:
      kk99fix ctl news "Maintenance" --line "The venue closes at 18:00 UTC."
      kk99fix ctl news "Your limits" --line "They are raised." --to BROKER1 --to BROKER2
    """
    answer = ask_or_exit(
        state_dir, "news", headline=headline, lines=list(lines), sessions=list(names)
    )
    if as_json:
        click.echo(json.dumps(answer))
    else:
        count = len(answer["told"])
        click.echo(f"sent to {count} session{'s' * (count != 1)}")
    if answer["not_online"]:
        click.echo(f"kk99fix: not logged on: {', '.join(answer['not_online'])}", err=True)
        sys.exit(1)


@ctl.command("disconnect", short_help="Log a session out.")
@click.argument("session", metavar="COMPID")
@click.option("--text", help="What Text(58) of the Logout(5) says.")
@json_answer_option
@state_option
def disconnect_command(*, session: str, text: str | None, as_json: bool, state_dir: Path) -> None:
    """Send a session a Logout(5); two seconds later its connection is closed at the latest.

    Its open orders stay as they are, also with cancel_on_disconnect, and it may log on again at
    once: what keeps it out is its file.

    \b
    Examples:
      kk99fix ctl disconnect BROKER1
      kk99fix ctl disconnect BROKER1 --text "please use your second line"
    """
    more = {} if text is None else {"text": text}
    answer = ask_or_exit(state_dir, "disconnect", session=session, **more)
    if as_json:
        click.echo(json.dumps(answer))
        return
    orders = answer["open_orders"]
    click.echo(
        f"{session} from {answer['address']} is being logged out; "
        f"{orders} open order{'s stay' if orders != 1 else ' stays'}"
    )


@ctl.command("stop", short_help="Stop the gateway.")
@click.option("--no-wait", is_flag=True, help="Do not wait for its end.")
@json_answer_option
@state_option
def stop_command(*, no_wait: bool, as_json: bool, state_dir: Path) -> None:
    """Stop the gateway as SIGTERM does: everybody is logged out, and the state is saved.

    Returns when its process has ended. Given once more meanwhile, it no longer waits for the
    counterparties' Logout(5).

    \b
    Examples:
      kk99fix ctl stop
      kk99fix ctl stop --no-wait
    """
    answer = ask_or_exit(state_dir, "stop")
    ended = None if no_wait else _wait_for_end(answer["pid"])
    if as_json:
        click.echo(json.dumps(answer | {"ended": ended}))
    elif ended:
        click.echo("stopped")
    else:
        click.echo(f"the gateway stops (pid {answer['pid']}, {answer['sessions']} sessions)")
    if ended is False:
        click.echo(
            f"kk99fix: it has not ended within {STOPPED_WITHIN_S:.0f} s; its log says what it does",
            err=True,
        )
        sys.exit(1)


def _wait_for_end(pid: int) -> bool:
    """Wait until a process has ended; False when it takes too long."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], STOPPED_WITHIN_S)[0])
    finally:
        os.close(descriptor)
