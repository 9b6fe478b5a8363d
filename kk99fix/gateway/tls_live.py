"""TLS of logged-on sessions: the pump moves ciphertext, the keys are here.

No task for each connection: ciphertext is decrypted in the pass in which it came, and what the
journal has let go is encrypted as soon as that is known.
The pump gives out no byte before its record is safe, and the next ones of a connection once the
ciphertext of the last ones has left.
"""

import ssl
from typing import Any, Final

from attrs import define, frozen

from kk99fix.gateway.tls_channel import Channel
from kk99fix.matcher.pump import Event, Pump

#: Why a connection is cut whose bytes are no TLS any more.
BEHIND_THE_END: Final = "bytes behind the end"
TOO_TALKATIVE: Final = "more answers of the protocol than the counterparty reads"


@frozen
class Broken:
    """A connection that has to be cut."""

    slot: int
    detail: str


@define
class _Live:
    channel: Channel
    #: The counterparty has said that nothing more comes.
    ended: bool = False


class TlsSessions:
    """The encrypted connections in the pump."""

    def __init__(self, pump: Pump) -> None:
        """Begin without any."""
        self._pump = pump
        self._by_slot: dict[int, _Live] = {}
        self._broken: list[Broken] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._by_slot)

    def add(self, slot: int, channel: Channel) -> None:
        """Take over the connection that was just given to the pump."""
        self._pump.begin_cipher(slot)
        self._by_slot[slot] = _Live(channel)

    def read(self, slot: int) -> Event | Broken | None:
        """Decrypt what has come over a connection and give it to the core."""
        pump, live = self._pump, self._by_slot.get(slot)
        if live is None:
            return None  # removed since it became readable
        got = pump.read_cipher(slot)
        if isinstance(got, Event):
            return got
        if not got:
            return None
        if live.ended:
            return Broken(slot, BEHIND_THE_END)
        channel = live.channel
        channel.incoming.write(pump.ciphertext[:got])
        try:
            used, goes_on = channel.decrypt(pump.plaintext)
        except ssl.SSLError as error:
            return Broken(slot, error.reason or type(error).__name__)
        if channel.outgoing.pending and not pump.send_cipher(slot, channel.outgoing.read(), 0):
            return Broken(slot, TOO_TALKATIVE)
        if not goes_on:
            live.ended = True
            pump.end_cipher(slot)
        return pump.take_plain(slot, used) if used else None

    def encrypt_released(self) -> None:
        """Encrypt and send whatever may leave."""
        if not self._by_slot:
            return
        pump, by_slot = self._pump, self._by_slot
        while (plain := pump.next_plain()) is not None:
            slot, data = plain
            self._encrypt(slot, by_slot[slot].channel, data)

    def take_broken(self) -> list[Broken]:
        """Return the connections that could not be written to."""
        broken, self._broken = self._broken, []
        return broken

    def end(self, slot: int) -> None:
        """Say the last words of a connection that is about to be removed, if it takes them."""
        live = self._by_slot.pop(slot, None)
        if live is None:
            return
        while (data := self._pump.plain_of(slot)) is not None:
            if not self._encrypt(slot, live.channel, data):
                return
        self._pump.send_cipher(slot, live.channel.farewell(), 0)

    def _encrypt(self, slot: int, channel: Channel, data: Any) -> bool:  # noqa: ANN401 - a buffer
        try:
            sent = self._pump.send_cipher(slot, channel.encrypt(data), len(data))
        except ssl.SSLError as error:
            self._broken.append(Broken(slot, error.reason or type(error).__name__))
            return False
        if not sent:
            self._broken.append(Broken(slot, TOO_TALKATIVE))
        return sent
