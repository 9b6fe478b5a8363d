"""The command `kk99fix`: one group whose commands are imported only when they are asked for.

A command is one line in `COMMANDS` and one module in `kk99fix.commands`,
so that `kk99fix check` does not wait for what only `kk99fix serve` needs.
"""

from importlib import import_module

import click

#: Name of the command -> where its click command is: "module:attribute".
COMMANDS: dict[str, str] = {
    "serve": "kk99fix.commands.serve:serve",
    "demo": "kk99fix.commands.demo:demo",
    "check": "kk99fix.commands.check:check",
    "sessions": "kk99fix.commands.sessions:sessions",
    "ctl": "kk99fix.commands.ctl:ctl",
    "onboard": "kk99fix.commands.onboard:onboard",
    "secrets": "kk99fix.commands.secrets:secrets",
    "harness": "kk99fix.commands.harness:harness",
    "journal": "kk99fix.commands.journal:journal",
    "keep": "kk99fix.commands.keep:keep",
    "project": "kk99fix.commands.project:project",
    "orders": "kk99fix.commands.orders:orders",
    "trades": "kk99fix.commands.trades:trades",
    "timeline": "kk99fix.commands.timeline:timeline",
    "certify": "kk99fix.commands.certify:certify",
    "dictionary": "kk99fix.commands.dictionary:dictionary",
}


class LazyGroup(click.Group):
    """A click group over a table of import paths."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return one command, None where there is none of that name."""
        path = COMMANDS.get(cmd_name)
        if path is None:
            return None
        module, _, attribute = path.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command), path
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kk99fix", message="%(prog)s %(version)s")
def main() -> None:
    """Run the FIX 4.4 front door of the KK99 exchange.

    \b
    Examples:
      kk99fix serve                 run the gateway
      kk99fix demo                  watch two brokers trade on it
      kk99fix check                 what the files in config/ and sessions/ say
      kk99fix sessions              who is logged on
      kk99fix ctl why BROKER1       why its logon was refused
      kk99fix onboard               take a counterparty on
      kk99fix harness list          scripts that try a FIX acceptor out
      kk99fix journal show          every input and every output of the venue
      kk99fix orders --status live  the orders that may still trade
      kk99fix COMMAND --help        what a command does, with examples
    """
