"""One simulation: a venue, its counterparties and its disasters, all from one seed.

Theory of operation
-------------------
A time line has everything that happens: bytes that arrive, deeds of counterparties, the work of the
gateway's tasks and children, disasters.  Equal seeds make equal runs: the same bytes on the wire
and the disk.
The gateway is the real one (`process`) over a virtual network (`wires`) and a disk that dies with
its machine (`crashes`).  `watch` sees every record once it may be seen outside, and after each step
of the gateway looks at the venue; what leaves passes a tap first.

Disasters: planned stops, after which files may have changed; the death of the process, and at level
`durable` of the machine, at any step of its disk or network; and again while it recovers.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import attrs
from support.model_peer import ModelPeer

from kk99fix.config.schedule import position
from kk99fix.fix.framing import Frame, Framer
from kk99fix.gateway import assembly, chunks
from kk99fix.journal.lock import StateLock
from kk99fix.journal.names import JOURNAL_FOLDER
from kk99fix.journal.reader import units
from kk99fix.journal.record import Record
from kk99fix.journal.segment import list_segments, map_records
from kk99fix.state import storage as storage_module
from kk99fix.state.snapshots import SNAPSHOT_FOLDER
from kk99fix.state.storage import Storage, open_storage
from kk99fix.venue import venue as venue_module
from simulation.children import Children
from simulation.counterparty import Counterparty
from simulation.crashes import CrashedError, Disk
from simulation.flow import Flow
from simulation.houses import DESKS, House
from simulation.process import Process
from simulation.sessions import Tap
from simulation.tempers import DESK, SLOW_DESK, TRADERS
from simulation.time_line import NS_PER_MS, NS_PER_S, TimeLine
from simulation.units import records_of, require
from simulation.virtual_pump import Surroundings
from simulation.watch import Watch
from simulation.wires import Wire

#: A resend, an expiry and a walk take many steps, so that much can happen in the middle of them.
CHUNK_MESSAGES = 5
SLICE = 60
PRE_LOGON_BYTES = 4096
STOP_WAIT_NS = 3 * NS_PER_S
#: About how long between two disasters.
QUIET_S = 70
#: Where a short run begins: before the end of scheduled sessions, the day's roll, their start.
BEGINS_S = (29 * 60, 42 * 60, 57 * 60)
SETTLING_ROUNDS = 200
KEEP_EVERY_S = 17
PROJECT_EVERY_S = 11
RELOAD_EVERY_S = 7


class World:
    """See the top of this module."""

    def __init__(self, root: Path, seed: int, *, durable: bool = False) -> None:
        """Build everything; nothing has happened yet."""
        self.seed = seed
        self._dice = random.Random(seed)  # noqa: S311 - seeded on purpose
        self.time_line = TimeLine()
        self._durable = durable
        self._state_dir = root / "var"
        self.house = House.build(root / "files", self._fork(), durable=durable)
        self.watch = Watch()
        self.counts: Counter[str] = Counter()
        self._disk = Disk(self._fork(), syncs=durable)
        self.children = Children(
            self._state_dir, self._disk, lambda: self.time_line.now_ns, self.watch.durability
        )
        self._digest = hashlib.sha256()
        self._wires: dict[int, tuple[Wire, Callable[[bytes], None]]] = {}
        self._taps: dict[str, Tap] = {}
        self._locks: list[StateLock] = []
        self._quiet = self._stopping = False
        self.process: Process | None = None
        self.around = Surroundings(
            self.time_line, self._disk, self._wires, self._recorded, lambda: None
        )
        self.around.on_applied = self.watch.durability.note
        self._network = self._fork()
        self._process_dice = self._fork()
        self._disasters = self._fork()
        self.counterparties = [
            self._counterparty(n, name) for n, name in enumerate(self.house.names)
        ]

    def _fork(self) -> random.Random:
        return random.Random(self._dice.getrandbits(64))  # noqa: S311 - seeded on purpose

    def _counterparty(self, number: int, name: str) -> Counterparty:
        temper = TRADERS[number % len(TRADERS)]
        if name in DESKS:
            temper = SLOW_DESK if number % 2 else DESK
        dice = self._fork()
        peer = ModelPeer(name, lambda: self.time_line.now_ns, lambda: self.epoch(name))
        peer.keeps_early = dice.random() < 0.5
        peer.says_next = dice.random() < 0.3
        instruments = {
            each.symbol: attrs.asdict(each)
            for each in self.house.files.load().instruments.instrument
        }
        return Counterparty(
            peer,
            temper,
            Flow(name, self._fork(), instruments),
            dice,
            self.time_line,
            self,
            lambda frame: self._digest.update(b"%d" % self.time_line.now_ns + frame),
        )

    # ------------------------------------------------------------------ a run

    def run(self, hours: float) -> None:
        """Live for so many hours of virtual time, come to rest, and hold everything together."""
        if hours < 1:
            self.time_line.now_ns += BEGINS_S[self.seed % len(BEGINS_S)] * NS_PER_S
        with self._small_slices():
            end_ns = self.time_line.now_ns + int(hours * 3600 * NS_PER_S)
            self._start()
            for each in self.counterparties:
                each.begin()
            self.time_line.after(20 * NS_PER_S, self._disaster)
            self.time_line.after(10 * NS_PER_S, self._stranger)
            self._every(RELOAD_EVERY_S, self._reload)
            self._every(KEEP_EVERY_S, self.children.keep)
            self._every(PROJECT_EVERY_S, self.children.project)
            self._run_until(end_ns)
            self._settle()
            self._check_all()
            self._end()

    def digest(self) -> str:
        """Of everything that counterparties received, when, and of all that was recorded."""
        for segment in list_segments(self._state_dir / JOURNAL_FOLDER):
            self._digest.update(segment.path.read_bytes())
        return self._digest.hexdigest()

    def _run_until(self, end_ns: int) -> None:
        while self.time_line.now_ns < end_ns:
            try:
                self.time_line.step()
            except CrashedError:
                self._crashed()

    def _every(self, pause_s: int, work: Callable[[], None]) -> None:
        """Let a child of the gateway work now and then, while there is a gateway."""
        self.time_line.after(pause_s * NS_PER_S, lambda: self._every(pause_s, work))
        if self.process is not None and self.process.alive:
            work()

    @contextmanager
    def _small_slices(self) -> Iterator[None]:
        limits = attrs.evolve(chunks._LIMITS, messages=CHUNK_MESSAGES)
        with (
            patch.object(chunks, "_LIMITS", limits),
            patch.object(venue_module, "EXPIRE_SLICE", SLICE),
            patch.object(venue_module, "WALK_SLICE", SLICE),
            patch.object(storage_module, "StateLock", self._lock),
        ):
            yield

    def _lock(self, state_dir: Path) -> StateLock:
        """Take the lock; that of a process that died while it started went with it."""
        while self._locks:
            self._locks.pop().close()
        self._locks.append(StateLock(state_dir))
        return self._locks[0]

    # ------------------------------------------------------------------ the process

    def _start(self) -> None:
        """Start the gateway, as often as it takes: it may be killed on the way."""
        while True:
            if not self._quiet and self.process is not None and self._disasters.random() < 0.25:
                self._disk.arm(self._disasters.randint(1, 12))
            try:
                self.process = Process(
                    self.house.settings(),
                    self._state_dir,
                    self.around,
                    self._process_dice,
                    self._look,
                    self._recovered,
                    self.house.folders,
                )
            except CrashedError:
                self.counts["crashes while recovering"] += 1
                self._disk.end(machine=self._machine_dies())
                continue
            self.counts["starts"] += 1
            self._locks.clear()
            return

    def _recovered(self, storage: Storage) -> None:
        """What survived of the last life is seen before anything new."""
        next_lsn = self.watch.durability.next_lsn
        self.watch.see(self._survivors(next_lsn), storage.venue)
        engine = storage.venue.engine
        self.watch.durability.recovered(engine.next_lsn, engine.state_hash())
        self.counts["starts from a snapshot"] += storage.snapshot_lsn > 0
        self.around.on_recorded = lambda batch: self.watch.see(records_of(batch), storage.venue)

    def _recorded(self, batch: bytes) -> None:
        raise AssertionError(f"{len(batch)} bytes are recorded before anything was recovered")

    def _survivors(self, first_lsn: int) -> Iterator[Record]:
        """Records from `first_lsn` on."""
        segments = list_segments(self._state_dir / JOURNAL_FOLDER)
        begun = [each for each in segments if each.header.first_lsn <= first_lsn]
        for segment in segments[max(0, len(begun) - 1) :]:
            for unit in units(segment, map_records(segment)):
                for placed in unit:
                    if placed.record.header.lsn >= first_lsn:
                        yield placed.record

    def _look(self) -> None:
        if self.process is not None and self.process.alive:
            self.watch.look(self.process.gateway, self.time_line.now_ns)

    def _machine_dies(self) -> bool:
        return self._durable and self._disasters.random() < 0.5

    # ------------------------------------------------------------------ disasters

    def _disaster(self) -> None:
        if self._quiet:
            return
        pause_s = self._disasters.choice((0.1, 0.5, 1, 2)) * QUIET_S
        self.time_line.after(int(pause_s * NS_PER_S), self._disaster)
        if self.process is None or not self.process.alive or self._stopping:
            return
        if self._disasters.random() < 0.3:
            self._stop()
        else:
            self._disk.arm(self._disasters.randint(1, 60))
        if self._disasters.random() < 0.3:
            self.process.prepare_segment()

    def _reload(self) -> None:
        """Change files while the gateway runs; it follows them."""
        assert self.process is not None
        if self._stopping:
            return
        if not self._quiet:
            for _ in range(self._disasters.randint(0, 3)):
                self.house.change_live()
        self.process.files.look()

    def _stop(self) -> None:
        """A planned stop; it may be overtaken by a crash."""
        assert self.process is not None
        self._stopping = True
        process = self.process
        process.ask_everybody_to_leave()
        if self._disasters.random() < 0.1 and not self._quiet:
            self._disk.arm(self._disasters.randint(1, 20))

        def end() -> None:
            if process is self.process and process.alive:
                process.stop()
                self._look_at_log(process)
                self.counts["planned stops"] += 1
                self._after_end()
                self.house.change()

        self.time_line.after(STOP_WAIT_NS, end)

    def _crashed(self) -> None:
        assert self.process is not None
        machine = self._machine_dies()
        self.counts["crashes of the machine" if machine else "crashes of the process"] += 1
        self.process.abandon()
        self._disk.end(machine=machine)
        self._look_at_log(self.process)
        self._after_end()

    def _after_end(self) -> None:
        self._stopping = False
        self.counts["reloads"] += 0 if self.process is None else self.process.files.reloads
        self.children.gone()
        for wire, _ in self._wires.values():
            wire.cut()
        self._wires.clear()
        self.time_line.after(self._disasters.randint(1, 4000) * NS_PER_MS, self._start)

    @staticmethod
    def _look_at_log(process: Process) -> None:
        text = process.text.getvalue()
        require("fault ended" not in text, "our own fault", text)

    # ------------------------------------------------------------------ what counterparties know

    def connect(self, name: str, *, knock: bool = False) -> Wire:
        """A new connection to the venue's address."""
        wire = Wire(self.time_line, self._network)
        if self.process is None or not self.process.alive:
            wire.close(wire.peer)
            return wire
        descriptor = self.counts["connections"] = self.counts["connections"] + 1
        tap = Tap(name, self.watch.sessions)
        self._wires[descriptor] = wire, tap
        framer = Framer(PRE_LOGON_BYTES)

        def arrived() -> None:
            framer.feed(wire.take(wire.venue))
            event = framer.next_event()
            if isinstance(event, Frame):
                wire.venue.on_bytes = lambda: None
                self._accept(descriptor, name, event.raw, framer.rest(), knock=knock)
            elif event is not None:
                wire.venue.on_bytes = lambda: None
                wire.close(wire.peer)

        wire.venue.on_bytes = arrived
        if not knock:
            self._taps[name] = tap
        return wire

    def _accept(
        self, descriptor: int, name: str, frame: bytes, rest: bytes, *, knock: bool
    ) -> None:
        """Decide on a first frame, unless the process is gone or nobody is there to be doubled."""
        process = self.process
        if process is None or not process.alive or descriptor not in self._wires:
            return
        wire, _ = self._wires[descriptor]
        session = process.venue.registry.session_id(name)
        live = session is not None and process.venue.is_live(session)
        if knock and not live:
            wire.close(wire.peer)
            return
        accepted = process.accept(descriptor, frame, rest)
        require(not (knock and accepted), "N7", f"{name} is logged on twice")
        self.counts["logons" if accepted else "refused logons"] += 1
        if not accepted:
            self.time_line.after(NS_PER_S, lambda: wire.close(wire.peer))

    def _stranger(self) -> None:
        """Somebody connects who is nobody: nothing is sent, nothing is recorded (N8)."""
        self.time_line.after(self._disasters.randint(20, 60) * NS_PER_S, self._stranger)
        wire = self.connect("NOBODY")
        noise = self._disasters.choice(
            [b"GET / HTTP/1.1\r\n", b"8=FIX.4.4\x019=1\x01", b"\x16\x03"]
        )
        wire.send(wire.venue, noise)

    def epoch(self, name: str) -> int:
        """The epoch of what last left for the session."""
        return self._taps[name].epoch if name in self._taps else 0

    def period(self, name: str) -> int:
        """When the session's present period began; 0 without a schedule."""
        if self.process is None:
            return 0
        file = self.process.gateway.settings.session(name)
        if file is None or file.schedule is None:
            return 0
        return position(file.schedule, self.time_line.now_ns).latest.start_ns

    def may_log_on(self, name: str) -> bool:
        """Whether the session is configured and open."""
        if self.process is None or not self.process.alive or self._stopping:
            return self._network.random() < 0.2
        return self.house.has(name) and self.process.gateway.schedules.in_period(name)

    def note_asked(self, name: str, ident: str, kind: str, wish: str) -> None:
        """A request is about to be sent."""
        self.counts[f"requests {kind}"] += 1
        self.watch.orders.note_asked(name, ident, kind, wish)

    # ------------------------------------------------------------------ the end

    def _settle(self) -> None:
        """No more disasters, and everybody behaves, until nothing is missing anywhere."""
        self._quiet = True
        self._disk._countdown = None
        for each in self.counterparties:
            each.behaves = True
        for _ in range(SETTLING_ROUNDS):
            self._run_until(self.time_line.now_ns + 3 * NS_PER_S)
            unsettled = [each for each in self.counterparties if not self._is_settled(each)]
            if not unsettled and not self.process_is_busy():
                return
            for each in unsettled:
                self._help(each)
        names = [(each.name, self._numbers(each), each.peer) for each in unsettled]
        require(False, "N12", "never at rest", names)

    def process_is_busy(self) -> bool:
        """Whether the venue has something left to do by itself."""
        if self.process is None or not self.process.alive or self._stopping:
            return True
        engine = self.process.venue.engine
        return engine.walk_pending or engine.expire_pending

    def _numbers(self, each: Counterparty) -> tuple[int, int]:
        assert self.process is not None
        session = self.process.venue.registry.session_id(each.name)
        assert session is not None
        view = self.process.venue.engine.session(session)
        return view.next_in, view.next_out

    def _is_settled(self, each: Counterparty) -> bool:
        if self.process is None or not self.process.alive:
            return False
        if not self.may_log_on(each.name):
            return not each.peer.connected
        agreed = self._numbers(each) == (each.peer.next_out, each.peer.next_in)
        return each.peer.logged_on and not each.peer.resetting and agreed

    def _help(self, each: Counterparty) -> None:
        each.read_all()
        if not each.peer.connected:
            if self.may_log_on(each.name):
                each.connect(reset=False)
            return
        if not each.peer.ask_for_missing() and not each.peer.leaving and each.peer.logged_on:
            each.peer.write("1", [(112, "anything missing?")])
        each.flush()

    def _check_all(self) -> None:
        """Everybody has everything, once, and everything asked for was answered (N12, O6, D1)."""
        assert self.process is not None
        self.watch.look_at_rows(self.process.gateway, self.time_line.now_ns)
        waived: set[tuple[str, str]] = set()
        unsettled: set[str] = set()
        for each in self.counterparties:
            self._check(each)
            waived |= {(each.name, ident) for ident in each.peer.waived}
            if not self.may_log_on(each.name):
                unsettled.add(each.name)
        missing = [key for key in self.watch.orders.unanswered() if key[0] not in unsettled]
        require(set(missing) <= waived, "O6", "never answered", sorted(set(missing) - waived))

    def _check(self, each: Counterparty) -> None:
        for epoch, got in each.peer.received.items():
            recorded = self.watch.sessions.ledger[each.name, epoch]
            end = each.peer.ended.get(epoch, each.peer.next_in)
            wanted = [n for n, frame in recorded.items() if n < end and _is_application(frame)]
            require(sorted(got) == wanted, "N12", each.name, epoch, set(got) ^ set(wanted))
            require(list(got) == sorted(got), "N3", each.name, epoch)

    def _end(self) -> None:
        """Stop, and recover twice and without snapshots: all find what was there (F2, F4, F6)."""
        assert self.process is not None
        self.process.stop()
        self.children.gone()
        self._look_at_log(self.process)
        states = [self._recover_alone() for _ in range(2)]
        snapshots = self._state_dir / SNAPSHOT_FOLDER
        if snapshots.exists():
            snapshots.rename(snapshots.with_name("put-away"))
            self.counts["snapshots put away for a full replay"] += 1
            states.append(self._recover_alone())
        self.watch.durability.same(states)
        self.children.check()

    def _recover_alone(self) -> tuple[int, int]:
        """Recover without going on."""
        settings = self.house.settings()
        storage = open_storage(
            self._state_dir,
            assembly.capacity_of(settings),
            settings.venue.journal.segment_bytes,
            0,
            lambda _: None,
            durable=self._durable,
            files=self._disk,
        )
        engine = storage.venue.engine
        state = engine.next_lsn, engine.state_hash()
        self.watch.see(self._survivors(self.watch.durability.next_lsn), storage.venue)
        self.watch.durability.recovered(*state)
        storage.writer.close()
        engine.close()
        return state


def _is_application(frame: bytes) -> bool:
    kind = frame[frame.index(b"\x0135=") + 4 :].partition(b"\x01")[0]
    return kind not in {b"0", b"1", b"2", b"3", b"4", b"5", b"A"}
