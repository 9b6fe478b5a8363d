"""A day of two brokers and a compliance desk in a gateway over a virtual disk, one act at a time.

Equal seeds give equal acts: logons, orders that rest and that trade, cancels, replaces, resends,
tests, lost connections and a trading day that ends. Everything that leaves the gateway is noted
with the step of the disk before which it was seen, the moment it is seen: nothing that a step has
yet to do can have been waited for.
"""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import attrs

from kk99fix.config.load import Settings
from kk99fix.gateway import server
from kk99fix.journal.errors import JournalError, JournalPrepareError, JournalWriteError
from kk99fix.journal.segment import segment_name
from kk99fix.journal.settle import settle
from kk99fix.keeper.keeper import Keeper, KeeperPolicy
from kk99fix.matcher.disk_calls import DiskCalls
from kk99fix.state.retention import RetentionPolicy
from kk99fix.state.snapshots import SNAPSHOT_FOLDER, save_snapshot
from kk99fix.venue.inputs import DayRollInput, Input, TickInput
from support.fix_client import stamp
from support.fix_peer import Fields
from support.still_gateway import END, StillGateway, StillPeer
from support.watched_disk import WatchedDisk

BROKERS = ("BROKER1", "BROKER2")
EVERYBODY = (*BROKERS, "DROPCOPY1")
#: How often an act waits until the disk has what it caused.
SETTLED = 0.7


def tiny(settings: Settings, segment_bytes: int, durability: str) -> Settings:
    """Shrink segments and pools, so that a start takes a moment and segments end often."""
    venue = settings.venue
    capacity = attrs.evolve(
        venue.capacity,
        orders=2048,
        levels=256,
        sessions=8,
        firms=8,
        accounts=16,
        instruments=64,
        duplicate_window=4096,
        ring_bytes=1 << 19,
    )
    listen = attrs.evolve(venue.listen, max_connections=8)
    journal = attrs.evolve(venue.journal, segment_bytes=segment_bytes)
    level = attrs.evolve(venue.venue, durability=durability)
    venue = attrs.evolve(venue, venue=level, capacity=capacity, listen=listen, journal=journal)
    return attrs.evolve(settings, venue=venue)


@attrs.frozen
class Seen:
    """A message that had left before a step of the disk: to whom, and its number and bytes."""

    step: int
    session: str
    frame: bytes


@attrs.define(eq=False)
class _Line:
    """One counterparty over all of its connections."""

    comp_id: str
    peer: StillPeer | None = None
    next_out: int = 1
    #: ClOrdIDs that may still be live, with their side.
    orders: list[tuple[str, str]] = attrs.field(factory=list)


class ScriptedDay:
    """The gateway, its counterparties and what they saw."""

    def __init__(self, settings: Settings, disk: WatchedDisk, seed: int, *, keeps: int = 0) -> None:
        """Start the gateway over the disk; `seen` grows while acts are played."""
        self.disk = disk
        self.seen: list[Seen] = []
        self.acts = 0
        self._keeps = keeps
        #: What has failed and stops nothing.
        self.warnings: list[str] = []
        self._dice = random.Random(seed)  # noqa: S311 - seeded on purpose
        self._ids = 0
        self._reading = threading.Lock()
        self._taps: list[tuple[str, StillPeer]] = []
        self._lines = {name: _Line(name) for name in EVERYBODY}
        disk.before_step = self.look
        calls = DiskCalls(disk)
        self.still = StillGateway(settings, disk.root, disk=calls, files=disk)
        self._calls = calls

    def close(self) -> None:
        """Stop the gateway as a planned stop does, with a snapshot at its end."""
        self.look()
        try:
            server.stop(self.still.gateway, snapshot=True)
        finally:
            self._hang_up()
        logged = self.still.logged
        self.warnings += [line["error"] for line in logged.of("no snapshot written")]
        lines = logged.of("disk space low")
        self.warnings += [f"{line['directory']}: {line['what']}" for line in lines]

    def give_up(self) -> None:
        """Leave a gateway that has failed, as the end of its process would."""
        self.look()
        with suppress(JournalError):
            server.stop(self.still.gateway)
        self._hang_up()

    def _hang_up(self) -> None:
        """Read what has come last, and close every connection."""
        self.look()
        self._taps.clear()
        self.still.hang_up()

    def play(self, acts: int) -> None:
        """Log everybody on, then so many acts."""
        for name in EVERYBODY:
            self._log_on(self._lines[name])
        for _ in range(acts):
            self._act()
            if self._dice.random() < SETTLED:
                self.settle()
            else:
                self.still.gateway.loop.run_pass()
            self.acts += 1
        self.settle()

    def settle(self) -> None:
        """Make passes until everything that was sent has its answer."""
        for _ in range(3):
            self.still.step()
            self.still.gateway.loop.run_pass()
            self.still.gateway.sequencer.settle()

    def look(self) -> None:
        """Note what has left by now; called before each step of the disk, on any thread."""
        with self._reading:
            for name, peer in self._taps:
                self._read(name, peer)

    # ------------------------------------------------------------------ acts

    def _act(self) -> None:
        line = self._lines[self._dice.choice(BROKERS)]
        if line.peer is None or line.peer.closed():
            self._log_on(line)
            return
        acts, weights = zip(*self._weights, strict=True)
        (act,) = self._dice.choices(acts, weights)
        act(line, line.peer)

    @property
    def _weights(self) -> list[tuple[Callable[[_Line, StillPeer], None], int]]:
        """What may happen, and how often in about two hundred acts."""
        return [
            (self._orders, 116),
            (self._cancel, 30),
            (self._replace, 30),
            (lambda _, peer: self._ask_again(peer), 6),
            (lambda _, peer: peer.send("1", [(112, "are you there")]), 6),
            (lambda *_: self._log_on(self._lines["DROPCOPY1"]), 5),
            (lambda *_: self._drop(self._lines[self._dice.choice(EVERYBODY)]), 4),
            (lambda *_: self._apply(TickInput()), 2),
            (lambda *_: self.prepare(), 2),
            (lambda *_: self.save(), 1),
            (lambda *_: self.keep(), self._keeps),
            (lambda *_: self._apply(DayRollInput(str(self.still.engine.trading_day + 1))), 1),
        ]

    def _apply(self, item: Input) -> None:
        self.still.gateway.sequencer.apply(item)
        self.still.gateway.sequencer.commit()

    def prepare(self) -> None:
        """Prepare segments ahead; a failure is noted, as the gateway logs it."""
        try:
            self.still.gateway.storage.writer.prepare_ahead(2)
        except JournalPrepareError as error:
            self.warnings.append(str(error))

    def save(self) -> None:
        """Write a snapshot of what the disk has, as the keeper does beside a gateway."""
        self.settle()
        storage = self.still.gateway.storage
        writer, folder = storage.writer, storage.state_dir / SNAPSHOT_FOLDER
        try:
            settle(storage.files, writer.directory / segment_name(writer.segment))
            save_snapshot(
                storage.venue, folder, writer.identity, writer.segment, files=storage.files
            )
        except JournalWriteError as error:
            self.warnings.append(str(error))

    def keep(self) -> None:
        """Let a keeper seal, save and compress whatever is complete, and die."""
        retention = RetentionPolicy(compress_after_segments=1)
        policy = KeeperPolicy(every_segments=1, snapshots_kept=2, retention=retention)
        keeper = Keeper(self.disk.root, policy, lambda *_: None, time.time_ns, files=self.disk)
        while keeper.step():
            pass
        assert keeper.alarm is None
        keeper.close()

    def _ask_again(self, peer: StillPeer) -> None:
        """Ask for everything, or for a little of it."""
        peer.send("2", [(7, self._dice.choice([1, 1, 5])), (16, 0)])

    def _orders(self, line: _Line, peer: StillPeer) -> None:
        for _ in range(self._dice.choice([1, 1, 1, 2, 5])):
            self._order(line, peer)

    def _log_on(self, line: _Line) -> None:
        if line.peer is not None and not line.peer.closed():
            return
        if line.peer is not None:
            self._drop(line)
        line.peer = self.still.connect(line.comp_id)
        with self._reading:
            self._taps.append((line.comp_id, line.peer))

    def _drop(self, line: _Line) -> None:
        if line.peer is None:
            return
        with self._reading:
            self._read(line.comp_id, line.peer)
            self._taps.remove((line.comp_id, line.peer))
            line.peer.sock.close()
        line.peer = None
        self.settle()

    def _order(self, line: _Line, peer: StillPeer) -> None:
        self._ids += 1
        side = self._dice.choice("12")
        price = 190 + self._dice.choice([-2, -1, 0, 0, 1, 2])
        fields: Fields = [(11, f"o{self._ids}"), (55, "AAPL"), (54, side), (60, stamp())]
        fields += [(38, self._dice.choice([100, 200])), (40, 2), (44, f"{price}.00")]
        peer.send("D", fields)
        line.orders.append((f"o{self._ids}", side))

    def _cancel(self, line: _Line, peer: StillPeer) -> None:
        if not line.orders:
            return
        self._ids += 1
        name, side = line.orders.pop(self._dice.randrange(len(line.orders)))
        fields: Fields = [
            (11, f"c{self._ids}"),
            (41, name),
            (55, "AAPL"),
            (54, side),
            (60, stamp()),
        ]
        peer.send("F", [*fields, (38, 100)])

    def _replace(self, line: _Line, peer: StillPeer) -> None:
        if not line.orders:
            return
        self._ids += 1
        name, side = line.orders.pop(self._dice.randrange(len(line.orders)))
        price = 190 + self._dice.choice([-1, 0, 1])
        fields: Fields = [
            (11, f"r{self._ids}"),
            (41, name),
            (55, "AAPL"),
            (54, side),
            (60, stamp()),
        ]
        peer.send("G", [*fields, (38, 300), (40, 2), (44, f"{price}.00")])
        line.orders.append((f"r{self._ids}", side))

    def _read(self, name: str, peer: StillPeer) -> None:
        with suppress(ConnectionResetError):  # the gateway closed what it had not read
            peer.drain()
        for frame in peer.received():
            assert END.search(frame)
            self.seen.append(Seen(self.disk.step_count, name, frame))
