"""Options that many commands have: which state directory, and answers that programs read.

It imports nothing of ours, so that a command that only asks the gateway starts at once.
"""

from pathlib import Path
from typing import Final

import click

DEFAULT_STATE_DIR: Final = Path("var")

state_option = click.option(
    "--state",
    "state_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_STATE_DIR,
    show_default=True,
    help="Folder that `kk99fix serve` keeps its state in.",
)
json_rows_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per line."
)
json_answer_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the answer as JSON."
)
