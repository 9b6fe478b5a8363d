import contextlib
import os
import random
import select
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from support.fix_client import FixClient, stamp
from support.fix_peer import Fields, decode
from support.gateway_process import GatewayProcess, copy_files

#: Kills over both levels; `KK99_KILL_ROUNDS=1000` makes more, `KK99_SEED=7` repeats a run's dice.
ROUNDS = int(os.environ.get("KK99_KILL_ROUNDS", "50"))
LEVELS = ("process", "durable")
#: Every so many kills begin with an empty journal, so that the whole of it can be compared.
ROUNDS_OF_A_JOURNAL = 25
JOURNALS = -(-ROUNDS // len(LEVELS) // ROUNDS_OF_A_JOURNAL)
OUTSTANDING = 300
#: How often a round ends by a planned stop that is killed on its way.
PLANNED = 0.2
#: What a failure shows of the gateway's log, from its end.
LOG_SHOWN_CHARACTERS = 20_000
ENVELOPE = {9, 10, 34, 43, 52, 56, 97, 115, 122, 797}


@attrs.define
class Flow:
    """The orders of one session: random, but the same for the same seed and answers."""

    client: FixClient
    chance: random.Random
    next_id: int = 1
    first_of_round: int = 1
    round_began_in: int = 1
    #: After so many orders of a round nothing is read any more.
    deaf_after: int = 0
    live: list[tuple[str, str]] = attrs.field(factory=list)

    def send_some(self) -> None:
        """Send a few orders, unless enough are out."""
        for _ in range(self.chance.randrange(1, 20)):
            if self.next_id - self.first_of_round - self.client_reports() >= OUTSTANDING:
                return
            self.send_one()

    def send_one(self) -> None:
        """Send a resting order, a crossing one or a cancel."""
        cl_ord_id = f"{self.client.comp_id}-{self.next_id}"
        self.next_id += 1
        dice = self.chance.random()
        if dice < 0.2 and self.live:
            orig, side = self.live.pop(self.chance.randrange(len(self.live)))
            fields: Fields = [(11, cl_ord_id), (41, orig), (55, "AAPL"), (54, side), (60, stamp())]
            self.client.send("F", [*fields, (38, 1)])
            return
        side = self.chance.choice("12")
        crossing = dice > 0.8
        away = -0.2 if crossing else self.chance.randrange(1, 20) / 100
        price = 190 - away if side == "1" else 190 + away
        order: Fields = [(11, cl_ord_id), (55, "AAPL"), (54, side), (60, stamp())]
        order += [(38, self.chance.randrange(1, 500)), (40, 2), (44, f"{price:.2f}")]
        self.client.send("D", [*order, (59, 3 if crossing else 0)])
        if not crossing:
            self.live.append((cl_ord_id, side))

    def client_reports(self) -> int:
        """Return about how many orders of this round were answered."""
        return max(0, self.client.next_in - self.round_began_in)

    @property
    def deaf(self) -> bool:
        """Does it leave unread what the gateway sends."""
        return self.next_id - self.first_of_round >= self.deaf_after

    def begin_round(self, deaf_after: int) -> None:
        """Forget what was outstanding when the gateway died."""
        self.deaf_after = deaf_after
        self.first_of_round = self.next_id
        self.round_began_in = self.client.next_in


@pytest.fixture(params=LEVELS)
def gateway(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[GatewayProcess]:
    """A gateway, not started; at level durable it has its children; its segments are small."""
    small = {"orders": 200_000, "duplicate_window": 200_000, "segment_bytes": 2_097_152}
    on = "true" if request.param == "durable" else "false"
    children = {"keeper": on, "projector": on}
    copy_files(tmp_path, metrics_port=0, durability=f'"{request.param}"', **small, **children)
    process = GatewayProcess(tmp_path)
    yield process
    process.close()


@pytest.mark.slow
@pytest.mark.parametrize("journal", range(JOURNALS))
def test_kills_under_load_lose_and_change_nothing(gateway: GatewayProcess, journal: int) -> None:
    """After SIGKILL at random moments every report seen before is there again, unchanged.

    The gateway is killed under load, in a planned stop, where it writes its snapshot, and at times
    again while it recovers; its children are killed too.
    No number is used twice, no report is lost or doubled, both sides of each trade are there, the
    drop copy has all of it, and what the children leave is whole.
    """
    seed = int(os.environ.get("KK99_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    seed += journal
    print(f"KK99_SEED={seed}")  # noqa: T201 - shown with a failure
    chance = random.Random(seed)  # noqa: S311 - it must be repeatable
    clients = [FixClient(comp_id, gateway.port) for comp_id in ("BROKER1", "BROKER2")]
    desk = FixClient("DROPCOPY1", gateway.port)
    flows = [Flow(client, random.Random(chance.random())) for client in clients]  # noqa: S311
    missed = 0
    try:
        gateway.start()
        log_on_all(clients)
        for _ in range(-(-ROUNDS // len(LEVELS) // JOURNALS)):
            begins = [client.next_in for client in clients]
            if chance.random() < PLANNED:
                load_until_stopped(gateway, flows, chance)
            else:
                load_until_killed(gateway, flows, chance)
            if chance.random() < 0.3:
                gateway.start_and_kill(chance.uniform(0.3, 1.5))
            gateway.start()
            known = count_received(clients)
            log_on_all(clients)
            missed += count_received(clients) - known
            for client, begin in zip(clients, begins, strict=True):
                client.fetch_again(begin)
                assert client.complaints == []
        assert missed
        check_everything(clients)
        check_copies(clients, desk)
    except BaseException:
        print(gateway.log()[-LOG_SHOWN_CHARACTERS:])  # noqa: T201 - shown with a failure
        raise
    finally:
        for client in (*clients, desk):
            client.close()
    assert gateway.end(signal.SIGTERM) == 0, gateway.log()
    check_state(gateway)


def check_state(gateway: GatewayProcess) -> None:
    """Journal, seals and snapshots verify, and the projection answers where there is one."""
    state = gateway.folder / "var"
    commands = [["journal", "verify"]]
    if (state / "projection.db").exists():
        commands.append(["trades", "--json"])
    for command in commands:
        program = Path(sys.executable).with_name("kk99fix")
        done = subprocess.run(
            [program, *command, "--state", state], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert done.stdout.strip()


def count_received(clients: list[FixClient]) -> int:
    """Return how many reports all of them have."""
    return sum(len(client.received) for client in clients)


def log_on_all(clients: list[FixClient]) -> None:
    """Log on every session and let it fetch what it missed."""
    for client in clients:
        client.log_on()


def load_until_killed(gateway: GatewayProcess, flows: list[Flow], chance: random.Random) -> None:
    """Keep orders flowing until the gateway is gone; it is killed from another thread.

    One of the sessions stops reading on the way: what it was sent last never arrives.
    At times one of the gateway's children dies a little earlier.
    """
    deaf = chance.choice(flows)
    for flow in flows:
        flow.begin_round(chance.randrange(1000) if flow is deaf else 1 << 30)
    if chance.random() < 0.3:
        kill_a_child(gateway, chance)
    killer = threading.Timer(chance.uniform(0.02, 0.5), os.kill, (gateway.pid, signal.SIGKILL))
    load(flows, killer)
    gateway.end(signal.SIGKILL)


def load_until_stopped(gateway: GatewayProcess, flows: list[Flow], chance: random.Random) -> None:
    """Keep orders flowing until the gateway stops as planned, and kill it while it does."""
    for flow in flows:
        flow.begin_round(1 << 30)
    load(flows, threading.Timer(chance.uniform(0.02, 0.3), os.kill, (gateway.pid, signal.SIGTERM)))
    gateway.kill_within(chance.uniform(0, 0.4))


def load(flows: list[Flow], end: threading.Timer) -> None:
    """Send and read until every connection is over."""
    end.start()
    while any(flow.client.connected for flow in flows):
        open_flows = [flow for flow in flows if flow.client.connected]
        ready = select.select([flow.client for flow in open_flows], [], [], 0)[0]
        for flow in open_flows:
            if flow.deaf and not end.is_alive():
                flow.client.close()
            elif flow.client in ready and not flow.deaf:
                flow.client.read()
            if flow.client.connected and not flow.client.left:
                flow.send_some()
    end.join()


def kill_a_child(gateway: GatewayProcess, chance: random.Random) -> None:
    """Kill the keeper or the projector, if they have begun."""
    listed = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children").read_text().split()
    if listed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(chance.choice(listed)), signal.SIGKILL)


def check_everything(clients: list[FixClient]) -> None:
    """Fetch the whole history once more and hold it against itself."""
    for client in clients:
        client.fetch_again(1)
        assert client.complaints == []
    reports = {client.comp_id: reports_of(client) for client in clients}
    assert sum(map(len, reports.values())) > ROUNDS_OF_A_JOURNAL
    exec_ids = [report[17] for mine in reports.values() for report in mine if report[35] == "8"]
    assert len(set(exec_ids)) == len(exec_ids)
    for mine in reports.values():
        check_orders(mine)
    check_trades([report for mine in reports.values() for report in mine])


def check_copies(clients: list[FixClient], desk: FixClient) -> None:
    """The desk, away all the time, is sent a copy of every report of each session, in order."""
    desk.log_on()
    assert desk.complaints == []
    copies: dict[str, list[dict[int, str]]] = defaultdict(list)
    for _, frame in sorted(desk.received.items()):
        copy = decode(frame)
        copies[copy[115]].append(without_envelope(copy))
    for client in clients:
        reports = reports_of(client)
        assert copies[client.comp_id] == [without_envelope(report) for report in reports]
    assert set(copies) == {client.comp_id for client in clients}


def reports_of(client: FixClient) -> list[dict[int, str]]:
    """Return what it was told of orders, in order; a planned stop sends News(B) as well."""
    messages = [decode(frame) for _, frame in sorted(client.received.items())]
    return [message for message in messages if message[35] in {"8", "9"}]


def without_envelope(report: dict[int, str]) -> dict[int, str]:
    """Return what a copy shares with its original."""
    return {tag: value for tag, value in report.items() if tag not in ENVELOPE}


def check_orders(reports: list[dict[int, str]]) -> None:
    """Each order has one New, first, and fills that add up; each cancel has one answer."""
    filled: dict[str, int] = {}
    answered: set[str] = set()
    for report in reports:
        cl_ord_id = report[11]
        if report[35] == "9" or 41 in report:
            assert cl_ord_id not in answered
            answered.add(cl_ord_id)
        elif report[150] == "0":
            assert cl_ord_id not in filled
            filled[cl_ord_id] = 0
        elif report[150] == "F":
            filled[cl_ord_id] += int(report[32])
            assert int(report[14]) == filled[cl_ord_id]
            assert int(report[38]) == filled[cl_ord_id] + int(report[151])


def check_trades(reports: list[dict[int, str]]) -> None:
    """Each TrdMatchID(527) has a buyer and a seller with the same quantity and price."""
    sides: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for report in reports:
        if report.get(150) == "F":
            sides[report[527]].append((report[54], report[32], report[31]))
    assert sides
    for both in sides.values():
        assert sorted(side for side, _, _ in both) == ["1", "2"]
        assert len({(quantity, price) for _, quantity, price in both}) == 1
