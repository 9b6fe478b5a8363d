"""`kk99fix dictionary`: the QuickFIX data dictionary of a dialect, to hand to a counterparty."""

import sys
from pathlib import Path

import click

from kk99fix.fix.dictionary import load
from kk99fix.fix.render_quickfix import DIALECTS, data_dictionary, file_name


@click.command(short_help="Write the QuickFIX data dictionary of a dialect.")
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default=DIALECTS[0],
    show_default=True,
    help="What the counterparty's session file says under `dialect`.",
)
@click.option(
    "--out",
    "target",
    type=click.Path(path_type=Path),
    help="File, or folder for a file of the usual name; standard output without it.",
)
def dictionary(*, dialect: str, target: Path | None) -> None:
    """Write the data dictionary that a counterparty loads into QuickFIX.

    It has the messages, fields, groups and values that the venue takes and sends, and nothing
    else; dialect kk99 adds the venue's own fields to reports and cancel rejects. The counterparty
    names the file under DataDictionary in its settings, with UseDataDictionary=Y.

    \b
    Examples:
      kk99fix dictionary --out KK99-FIX44.xml
      kk99fix dictionary --dialect kk99 --out /srv/handout/
      kk99fix dictionary --dialect kk99 | less
    """
    text = data_dictionary(load(), dialect)
    if target is None:
        click.echo(text, nl=False)
        return
    path = target / file_name(dialect) if target.is_dir() else target
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        click.echo(f"{path} cannot be written: {error.strerror}; name another with --out", err=True)
        sys.exit(1)
    click.echo(f"{path}: FIX 4.4, dialect {dialect}")
