"""What a client asked for once more, as it comes in: collects a range until it is complete.

A resend comes in the order of its numbers, each message with PossDupFlag(43)=Y; a SequenceReset(4)
in mode GapFill stands for every number up to below its NewSeqNo(36).
It may begin below the range: a venue may join what was asked for with an earlier request.
The session layer takes the same messages as it takes any duplicate; this module only looks on.
"""

import attrs

from kk99fix.fix.message import Message


@attrs.define
class Again:
    """The numbers `begin` to `end`, both included."""

    #: The number that comes next.
    begin: int
    end: int
    #: MsgSeqNum(34) of our ResendRequest(2).
    request: int
    messages: list[Message] = attrs.field(factory=list, init=False)
    #: The Reject(3) that answers the ResendRequest(2).
    refusal: Message | None = attrs.field(default=None, init=False)

    @property
    def complete(self) -> bool:
        """Whether the whole range has come."""
        return self.begin > self.end

    def take(self, message: Message) -> bool:
        """Take a message if it belongs to the range, or refuses it; a duplicate does not count."""
        if message.msg_type == b"3" and message.get_int(45) == self.request:
            self.refusal = message
            return True
        over = self.complete or self.refusal is not None
        number = message.get_int(34) or 0
        behind = number + 1
        if message.msg_type == b"4":
            behind = max(behind, message.get_int(36) or 0)
        if over or not message.get_bool(43) or not number <= self.begin < behind:
            return False
        self.messages.append(message)
        self.begin = behind
        return True
