"""SenderSubID(50) and TargetSubID(57) over real sockets: taken, echoed swapped, and copied."""

import pytest
from support.fix_peer import Fields
from support.live_gateway import Live
from support.live_peer import cancel, order

from kk99fix.fix.split import split
from kk99fix.fix.validate import validate

TRADER = "TRADER12"
DESK = "DESK7"
SUB_IDS: Fields = [(50, TRADER), (57, DESK)]
#: A message with one of these leaves the fast path.
SLOW: list[Fields] = [[], [(97, "Y")]]


def swapped(message: dict[int, str]) -> bool:
    """Whether a message goes to the trader, from the desk."""
    return (message.get(57), message.get(50)) == (TRADER, DESK)


def bare(message: dict[int, str]) -> bool:
    """Whether a message is for the session as a whole."""
    return 50 not in message and 57 not in message


@pytest.mark.parametrize("more", SLOW, ids=["fast", "escalated"])
async def test_every_report_goes_to_the_trader(live: Live, more: Fields) -> None:
    """New, fill, replace, cancel, status, refusals: each names who sent what it answers."""
    header = SUB_IDS + more
    async with await live.logged_on("BROKER1") as one, await live.logged_on("BROKER2") as two:
        await one.send("D", [*header, *order("a")])
        await two.send("D", order("x", "2", 40))
        await one.send("G", [*header, (41, "a"), *order("b", price="189.00")])
        await one.send("H", [*header, (11, "b"), (55, "AAPL"), (54, 1)])
        await one.send("F", [*header, *cancel("c", "b")])
        await one.send("F", [*header, *cancel("d", "b")])
        await one.send("D", [*header, *order("e", price="1900.00")])
        kinds = ["0", "F", "5", "I", "4", None, "8"]
        told = [await one.receive() for _ in kinds]
        theirs = [await two.receive() for _ in range(2)]

        assert [message.get(150) for message in told] == kinds
        assert all(map(swapped, told))
        assert all(map(bare, theirs))


async def test_a_copy_names_them_too(live: Live) -> None:
    """A drop copy has what its source has."""
    async with await live.logged_on("DROPCOPY1") as desk, await live.logged_on("BROKER1") as one:
        await one.send("D", [*SUB_IDS, *order("a")])
        await one.send("F", [*SUB_IDS, *cancel("c", "nothing")])
        copies = [await desk.receive() for _ in range(2)]

        assert [copy[35] for copy in copies] == ["8", "9"]
        assert all(map(swapped, copies))
        assert {copy[115] for copy in copies} == {"BROKER1"}


async def test_administrative_messages_take_them_and_name_nobody(live: Live) -> None:
    """Logon(A), tests, resends, gaps and Logout(5) with sub-IDs work as without."""
    async with await live.peer("BROKER1") as peer:
        await peer.send("A", [*SUB_IDS, (98, 0), (108, 60)])
        answers = [await peer.receive("A")]
        await peer.send("1", [*SUB_IDS, (112, "x")])
        answers.append(await peer.receive("0"))
        await peer.send("0", SUB_IDS)
        await peer.send("2", [*SUB_IDS, (7, 1), (16, 0)])
        answers.append(await peer.receive("4"))
        await peer.send("4", [*SUB_IDS, (123, "Y"), (36, 9)])
        peer.next_out = 9
        await peer.send("1", [*SUB_IDS, (112, "y" * 65)])
        answers.append(await peer.receive("3"))
        await peer.send("5", SUB_IDS)
        answers.append(await peer.receive("5"))

        assert all(map(bare, answers))
        assert answers[3][45] == "9"


async def test_a_resend_names_them_again(live: Live) -> None:
    """They are part of the report, so they are in its resend."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send("D", [*SUB_IDS, *order("a")])
        await peer.receive("8")
        await peer.send("2", [(7, 2), (16, 2)])
        again = await peer.receive("8")

        assert again[43] == "Y"
        assert swapped(again)


@pytest.mark.parametrize(
    ("comp_id", "msg_type", "fields", "reason"),
    [
        ("DROPCOPY1", "D", order("a"), "6"),
        ("BROKER1", "8", [], "3"),
        ("BROKER1", "D", [field for field in order("a") if field[0] != 55], "5"),
    ],
)
async def test_a_business_reject_goes_to_the_trader(
    live: Live, comp_id: str, msg_type: str, fields: Fields, reason: str
) -> None:
    """It answers an application message, so whoever sent that one is named."""
    body = fields or [
        *((37, 1), (17, 1), (150, 0), (39, 0), (54, 1), (151, 1), (14, 0), (6, 0), (55, "A"))
    ]
    async with await live.logged_on(comp_id) as peer:
        await peer.send(msg_type, [*SUB_IDS, *body])
        refused = await peer.receive("j")

        assert (refused[45], refused[380]) == ("2", reason)
        assert swapped(refused)


async def test_one_of_the_two(live: Live) -> None:
    """Either stands for itself; what is too long to be echoed is left out of a refusal."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send("D", [(50, TRADER), *order("a")])
        report = await peer.receive("8")
        assert (report.get(57), report.get(50)) == (TRADER, None)
        no_symbol = [field for field in order("b") if field[0] != 55]
        await peer.send("D", [(57, DESK), *no_symbol])
        refused = await peer.receive("j")
        assert (refused.get(57), refused.get(50)) == (None, DESK)
        await peer.send("D", [(50, "T" * 65), (57, DESK), *no_symbol])
        refused = await peer.receive("j")
        assert (refused.get(57), refused.get(50)) == (None, DESK)
        assert [validate(split(frame)) for frame in peer.frames] == [None] * len(peer.frames)
