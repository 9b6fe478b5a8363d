"""Valid messages of every kind that we take, and what random changes make of them.

A mutant is made of a valid message by one to three changes:

- of its fields, with BodyLength(9) and CheckSum(10) right again: left out, doubled, swapped, empty,
  another value (huge, negative, malformed, of another kind), another tag, another MsgType(35),
  another count of a group;
- of its bytes, with or without a CheckSum(10) that fits: flipped, left out, put in;
- of its frame: wrong lengths and sums, cut off, run into the next one.

`Mutant.framed` says whether it was meant to get past framing; what gets past it in fact is for a
framer to say.
Changes that end a session are rare, so that a session lives for a while.
"""

import random
from typing import Final

import attrs

#: Tag and value, both as they will stand on the wire.
Pairs = list[tuple[bytes, bytes]]

HEADER_FIELDS: Final = 5
#: Of which kind a mutant is made, by its weight.
_KINDS: Final = (*"D" * 50, *"G" * 10, *"F" * 10, *"H" * 5, *"1112340", *"89jBQVEqA", "AF")
_NASTY: Final = (
    *(b"", b"0", b"-1", b"+5", b"00012", b"1e9", b"NaN", b"9" * 20, b"9" * 300, b"A" * 300),
    *(b"18446744073709551616", b"0.000000001", b"1.1.1", b"\xff\xfe\x00", b"=", b" ", b"soon"),
    *(b"Y", b"N", b"Z", b"20260101-00:00:00", b"8=FIX.4.4", b"10=000", b"190.00", b"100", b"1"),
    *(b"2", b"AAPL"),
)
_TAGS: Final = (
    *(b"0", b"-1", b"01", b"99999", b"12345678901234567890", b"x", b"", b"1", b"10", b"8", b"43"),
    *(b"58", b"95", b"96", b"97", b"122", b"123", b"354", b"355", b"18", b"110", b"111", b"211"),
    *(b"453", b"447", b"528", b"529", b"582", b"5001"),
)
_TYPES: Final = (b"", b"ZZ", b"AE", b"AF", b"d", b"D", b"8", b"5", b"2", b"A", b"\xff", b"DD", b"0")
#: How often a change is made that ends the session.
_DEADLY: Final = 0.004


@attrs.frozen
class Mutant:
    """A mutant's bytes."""

    data: bytes
    framed: bool


def frame(pairs: Pairs) -> bytes:
    """Encode fields from MsgType(35) on."""
    body = b"".join(tag + b"=" + value + b"\x01" for tag, value in pairs)
    return with_sum(b"8=FIX.4.4\x019=%d\x01" % len(body) + body)


def _is_number(pair: tuple[bytes, bytes]) -> bool:
    tag, value = pair
    return tag == b"34" and value.isdigit() and len(value) < 18


def with_sum(data: bytes) -> bytes:
    """Add a CheckSum(10) that fits."""
    return data + b"10=%03d\x01" % (sum(data) % 256)


class Mutants:
    """Makes them; equal seeds make equal ones."""

    def __init__(self, comp_id: str, seed: int, target: str = "KK99") -> None:
        """Take SenderCompID(49) and TargetCompID(56)."""
        self._comp_id = comp_id.encode()
        self._target = target.encode()
        self._random = random.Random(f"{comp_id}-{seed}")  # noqa: S311 - seeded on purpose
        self._ids = 0

    def message(self, kind: str, number: int, stamp: bytes, body: Pairs) -> bytes:
        """Encode a valid message."""
        return frame([*self._header(kind, number, stamp), *body])

    def mutant(self, number: int, stamp: bytes) -> Mutant:
        """Make a mutant that stands under `number`, unless that is what was changed."""
        kind = self._random.choice(_KINDS)
        pairs = [*self._header(kind, number, stamp), *self._body(kind, number, stamp)]
        chance = self._random.random()
        if chance < 0.8:
            for _ in range(self._random.choice([1, 1, 2, 3])):
                self._change_fields(pairs)
            return Mutant(frame(pairs), framed=True)
        data = frame(pairs)
        if chance < 0.9:
            return Mutant(with_sum(self._change_bytes(data[:-7])), framed=True)
        return Mutant(self._break(data), framed=False)

    # ------------------------------------------------------------------ valid messages

    def _header(self, kind: str, number: int, stamp: bytes) -> Pairs:
        head = [(b"35", kind.encode()), (b"49", self._comp_id), (b"56", self._target)]
        return [*head, (b"34", b"%d" % number), (b"52", stamp)]

    def _body(self, kind: str, number: int, stamp: bytes) -> Pairs:
        self._ids += 1
        clord_id = b"%b-%d" % (self._comp_id, self._ids)
        earlier = b"%b-%d" % (self._comp_id, self._random.randint(1, self._ids))
        side = self._random.choice([b"1", b"2"])
        order: Pairs = [(b"11", clord_id), (b"55", b"AAPL"), (b"54", side), (b"60", stamp)]
        terms = [(b"38", b"100"), (b"40", b"2"), (b"44", self._price(side))]
        changes = {
            "D": [*order, *terms, *self._more()],
            "G": [*order, (b"41", earlier), *terms],
            "F": [*order, (b"41", earlier), (b"38", b"100")],
            "H": [(b"11", earlier), (b"55", b"AAPL"), (b"54", side)],
        }
        return changes.get(kind) or self._other_body(kind, number) or order

    def _other_body(self, kind: str, number: int) -> Pairs:
        begin = self._random.randint(1, 9)
        instrument = [(b"55", b"AAPL"), (b"54", b"1"), (b"38", b"100")]
        bodies: dict[str, Pairs] = {
            "1": [(b"112", b"are you there")],
            "2": [(b"7", b"%d" % begin), (b"16", b"%d" % (begin + 2))],
            "3": [(b"45", b"2"), (b"58", b"no")],
            "4": [(b"123", b"Y"), (b"36", b"%d" % (number + 1))],
            "A": [(b"98", b"0"), (b"108", b"30")],
            "j": [(b"45", b"2"), (b"372", b"8"), (b"380", b"0"), (b"58", b"no")],
            "AF": [(b"584", b"all"), (b"585", b"7"), (b"55", b"AAPL"), (b"54", b"1")],
            "Q": [(b"37", b"1"), (b"17", b"1"), (b"127", b"A"), *instrument],
            "0": [(b"112", b"alive")],
        }
        return bodies.get(kind, [])

    def _price(self, side: bytes) -> bytes:
        """A price that crosses now and then, so that there are fills."""
        away = self._random.randint(-5, 100)
        cents = 19000 - away if side == b"1" else 19000 + away
        return b"%d.%02d" % divmod(cents, 100)

    def _more(self) -> Pairs:
        chance = self._random.random()
        if chance < 0.2:
            return [(b"59", self._random.choice([b"0", b"1", b"3", b"4"]))]
        if chance < 0.4:
            parties = [(b"453", b"2"), (b"448", b"P1"), (b"447", b"D"), (b"452", b"1")]
            return [*parties, (b"448", b"P2"), (b"447", b"D"), (b"452", b"3"), (b"58", b"a note")]
        return [(b"59", b"3")]

    # ------------------------------------------------------------------ changes

    def _change_fields(self, pairs: Pairs) -> None:
        """Change one field; those of the header seldom, since most of that ends the session."""
        chance = self._random.random()
        if chance < _DEADLY:
            place = self._random.randrange(HEADER_FIELDS)
        elif chance < 0.02:
            pairs.insert(HEADER_FIELDS, self._random.choice([(b"43", b"Y"), (b"97", b"Y")]))
            return
        elif chance < 0.025 and _is_number(pairs[3]):
            pairs[3] = (b"34", b"%d" % (int(pairs[3][1]) + self._random.randint(1, 5)))
            return
        elif chance < 0.035 and _is_number(pairs[3]):
            again = max(1, int(pairs[3][1]) - self._random.randint(0, 3))
            pairs[3] = (b"34", b"%d" % again)
            pairs[HEADER_FIELDS:HEADER_FIELDS] = [(b"43", b"Y"), (b"122", pairs[4][1])]
            return
        elif chance < 0.07:
            pairs[0] = (b"35", self._random.choice(_TYPES))
            return
        elif len(pairs) > HEADER_FIELDS:
            place = self._random.randrange(HEADER_FIELDS, len(pairs))
        else:
            pairs.append((self._random.choice(_TAGS), self._random.choice(_NASTY)))
            return
        self._change_field(pairs, place)

    def _change_field(self, pairs: Pairs, place: int) -> None:
        tag, value = pairs[place]
        match self._random.randrange(8):
            case 0:
                del pairs[place]
            case 1:
                pairs.insert(self._random.randrange(place, len(pairs) + 1), (tag, value))
            case 2:
                other = self._random.randrange(min(HEADER_FIELDS, place), len(pairs))
                pairs[place], pairs[other] = pairs[other], pairs[place]
            case 3:
                pairs[place] = (tag, b"")
            case 4:
                pairs[place] = (self._random.choice(_TAGS), value)
            case 5:
                pairs.insert(place, (self._random.choice(_TAGS), self._random.choice(_NASTY)))
            case _:
                pairs[place] = (tag, self._random.choice(_NASTY))

    def _change_bytes(self, data: bytes) -> bytes:
        """Change bytes behind the header, or in front of it once in a while."""
        changed = bytearray(data)
        begin = changed.find(b"\x0152=") + 26
        if begin >= len(changed) or self._random.random() < _DEADLY:
            begin = self._random.randrange(len(changed))
        for _ in range(self._random.choice([1, 1, 2, 5])):
            place = self._random.randrange(begin, len(changed)) if begin < len(changed) else begin
            match self._random.randrange(3):
                case 0 if place < len(changed):
                    changed[place] = self._random.randrange(256)
                case 1 if place < len(changed) - 1:
                    changed[place], changed[place + 1] = changed[place + 1], changed[place]
                case _:
                    changed[place:place] = self._random.randbytes(1)
        return self._with_length(bytes(changed))

    def _with_length(self, data: bytes) -> bytes:
        """Let BodyLength(9) fit, where it can still be found."""
        head, _, body = data.partition(b"\x0135=")
        if not head.startswith(b"8=FIX.4.4\x019="):
            return data
        if not body.endswith(b"\x01"):
            body += b"\x01"
        return b"8=FIX.4.4\x019=%d\x0135=%b" % (len(body) + 3, body)

    def _wrong_length(self, data: bytes) -> bytes:
        head, body = data[: data.index(b"\x0135=")], data[data.index(b"\x0135=") :]
        right = int(head[12:])
        wrong = [b"%d" % (right + step) for step in (-7, -1, 1, 7, 50)]
        length = self._random.choice([*wrong, b"0", b"1", b"-5", b"x", b"", b"+%d" % right])
        if self._random.random() < _DEADLY:
            length = self._random.choice([b"70000", b"9999999999"])
        return head[:12] + length + body

    def _break(self, data: bytes) -> bytes:
        """Let the frame be wrong."""
        place = self._random.randrange(len(data))
        match self._random.randrange(8):
            case 0:
                return data[:-4] + b"%03d\x01" % ((int(data[-4:-1]) + 1) % 256)
            case 1:
                return data[:-4] + self._random.choice([b"1\x01", b"999\x01", b"\x01", b"0000\x01"])
            case 2:
                return data[:place]
            case 3:
                return data[:place] + self._random.randbytes(3) + data[place:]
            case 4:
                return self._wrong_length(data)
            case 5:
                return data[:-7] + self._random.randbytes(20)
            case 6:
                return self._random.randbytes(self._random.randint(1, 60))
            case _:
                return bytes([*data[:place], data[place] ^ 1, *data[place + 1 :]])
