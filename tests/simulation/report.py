"""What happened in a simulation, so that one sees that it was not idle."""

from simulation.world import World


def figures(world: World) -> dict[str, int]:
    """Counts by name."""
    watch = world.watch
    return {
        "steps": watch.steps,
        "units": watch.units,
        "orders accepted": watch.books.accepted,
        "trades": watch.books.trades,
        "requests answered": sum(watch.orders.answers.values()),
        "orders pulled on disconnect": watch.leavers.pulled,
        "orders of sessions withdrawn": watch.leavers.withdrawn,
        "drop copies": watch.copies.copied,
        "ranges sent again": watch.sessions.resends,
        "epochs begun": watch.sessions.resets,
        "states compared after a crash or stop": watch.durability.compared,
        "segments sealed by the keeper": world.children.sealed,
        "segments compressed by the keeper": world.children.compressed,
        "snapshots of the keeper": world.children.snapshots,
        "records projected": world.children.projected,
        "second logons": sum(each.knocks for each in world.counterparties),
        **dict(sorted(world.counts.items())),
    }


def report(world: World, hours: float) -> str:
    """A table."""
    sessions = len(world.counterparties)
    lines = [f"seed {world.seed}: {sessions} sessions, {sessions * hours:.1f} session-hours"]
    lines += [f"  {count:>9,}  {name}" for name, count in figures(world).items()]
    return "\n".join(lines)
