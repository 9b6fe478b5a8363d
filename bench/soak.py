"""Ten million orders through a live gateway, with its memory, descriptors and threads watched.

    .venv/bin/python -m bench.soak --level durable

The load client of bench/load sends orders and their cancels; the gateway runs with keeper and
projector beside it.  After a warm-up in which every order slot is used once, nothing may grow: not
the gateway's memory, not its descriptors, not its threads.  The client checks every report.
"""

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import attrs
import click

from bench.client import Task, arguments
from bench.gateway_files import write_gateway_files
from bench.lines import Line
from bench.servers import Server, build_tools, gateway_command, running

#: Slots so few that the warm-up uses each of them.
LINE = Line("soak", "orders and cancels, 4 x 500", "resting+cancel", 4, 500, orders=1_000_000)
SAMPLE_EVERY_S = 0.5
#: Share of the operations after which everything has been touched.
WARM = 0.3


@attrs.frozen
class Sample:
    """The gateway at one moment."""

    journal_bytes: int
    rss_mib: float
    #: Of that, what is no file of the page cache.
    anonymous_mib: float
    descriptors: int
    threads: int


def sample(pid: int, journal: Path) -> Sample:
    """Look at a process and at what it has written so far."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return Sample(
        sum(path.stat().st_blocks * 512 for path in journal.glob("*.kkj")),
        int(status["VmRSS"].split()[0]) / 1024,
        int(status["RssAnon"].split()[0]) / 1024,
        len(list(Path(f"/proc/{pid}/fd").iterdir())),
        int(status["Threads"]),
    )


def watch(server: Server, journal: Path, orders: int) -> tuple[dict[str, object], list[Sample]]:
    """Run the client to its end; its figures, and samples on the way."""
    task = Task(LINE, "gateway", 0, 3600.0, 0.0)
    command = arguments(task, server)
    at = command.index("--capacity")
    command[at + 1] = str(2 * orders)
    command += ["--operations", str(2 * orders)]
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    samples = []
    while client.poll() is None:
        samples.append(sample(server.pid, journal))
        time.sleep(SAMPLE_EVERY_S)
    samples.append(sample(server.pid, journal))
    out, errors = client.communicate()
    if client.returncode != 0:
        raise click.ClickException(errors.decode("utf-8", "replace"))
    return json.loads(out), samples


@click.command()
@click.option("--orders", default=10_000_000, show_default=True, help="Orders, each with a cancel.")
@click.option("--level", default="durable", show_default=True, help="durable or process.")
@click.option("--children/--no-children", default=True, help="Keeper and projector beside it.")
def main(orders: int, level: str, children: bool) -> None:
    """Watch a gateway under a long load."""
    build_tools()
    root = Path(tempfile.mkdtemp(prefix="kk99fix-soak-"))
    try:
        files = write_gateway_files(root, attrs.evolve(LINE, durability=level))
        venue = files.config / "venue.toml"
        if children:
            text = venue.read_text()
            venue.write_text(text.replace("= false\nprojector = false", "= true\nprojector = true"))
        with running(gateway_command(files), root) as server:
            figures, samples = watch(server, files.journal, orders)
        warm = samples[int(len(samples) * WARM) :]
        for name in ("rss_mib", "anonymous_mib", "descriptors", "threads"):
            values = [getattr(each, name) for each in warm]
            click.echo(
                f"{name}: {values[0]:,.1f} after the warm-up, {values[-1]:,.1f} at the end, "
                f"{min(values):,.1f} to {max(values):,.1f}"
            )
        click.echo(
            f"{figures['answered']:,} operations in {figures['elapsed_s']:.1f} s, level {level}, "
            f"{len(samples)} samples"
        )
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
