"""Why a connection got no further than its first message."""

from typing import Final

from kk99fix.gateway.explanation import Explanation, Step, limit, says

ARRIVAL: Final = {
    "connection-cap": Explanation(
        Step.PLACE,
        "as many connections as there may be are in use by sessions",
        limit("at most {listen.max_connections} connections at once"),
        "max_connections of [listen] in venue.toml; `kk99fix ctl status` counts them",
        "Raise max_connections (it applies at the next start) if they are all wanted; "
        "connections that have not logged on are in nobody's way",
    ),
    "connection-cap-of-address": Explanation(
        Step.PLACE,
        "as many connections as one address may have are in use from there",
        limit("at most {listen.max_connections_per_address} connections from one address"),
        "max_connections_per_address of [listen] in venue.toml; `kk99fix sessions`",
        "Have them close what they do not use, or raise the limit (it applies at the next start); "
        "behind a balancer without a PROXY header everybody has the balancer's address: proxy_from",
    ),
    "gave-way": Explanation(
        Step.PLACE,
        "it had not logged on when all room was used up, and was closed for a new connection",
        limit("at most {listen.max_connections} connections at once"),
        "max_connections of [listen] in venue.toml; `kk99fix ctl status` counts them",
        "Find out who connects so often and does not log on: the oldest connection of the address "
        "with the most of them goes first, and `kk99fix ctl refusals` shows from where",
    ),
    "network-of-nobody": Explanation(
        Step.PLACE,
        "no session may log on from that address",
        says("the address lies in allow_from of at least one session"),
        "allow_from of [logon] in the session files; `kk99fix check` lists them",
        "Ask the counterparty from which addresses it connects, and add them to allow_from of its "
        "file; if nobody knows the address, it is a stranger and nothing is to be done",
    ),
    "no-proxy-header": Explanation(
        Step.BALANCER,
        "a balancer of proxy_from sent something else than a PROXY header first",
        says("connections from networks of proxy_from begin with a PROXY header, version 1 or 2"),
        "proxy_from of [listen] in venue.toml, and the balancer's configuration",
        "Switch the header on in the balancer (send-proxy, proxy_protocol on), or take its network "
        "out of proxy_from",
    ),
    "logon-timeout": Explanation(
        Step.FIRST_MESSAGE,
        "no complete Logon(A) came in time",
        limit("a whole Logon(A) within {listen.logon_timeout_s} s of the connect"),
        "logon_timeout_s of [listen] in venue.toml",
        "Have the counterparty look whether its engine sends a Logon(A) after connecting; a load "
        "balancer or a monitor that only connects looks the same",
    ),
    "closed-or-not-fix": Explanation(
        Step.FIRST_MESSAGE,
        "the connection ended before a Logon(A), or its bytes are no FIX or too many",
        limit("one Logon(A) of at most {listen.max_pre_logon_bytes} bytes"),
        "max_pre_logon_bytes of [listen] in venue.toml",
        "Have the counterparty look at what it sends first: BeginString(8)=FIX.4.4; TLS on a plain "
        "port, or plain FIX on a TLS port, looks the same",
    ),
    "connection-lost": Explanation(
        Step.FIRST_MESSAGE,
        "the network reported an error before the logon was decided",
        says("a connection that stays until it is answered"),
        "the counterparty's log, firewalls on the way",
        "Have them try again; if it goes on, look for a device in between that resets connections",
    ),
    "not-a-logon": Explanation(
        Step.FIRST_MESSAGE,
        "the first message was another one",
        says("the first message is a Logon(A) with BeginString(8)=FIX.4.4"),
        "the first message, above",
        "Have the counterparty log on first; an engine that believes to be logged on still has to "
        "notice that its connection was closed",
    ),
    "malformed": Explanation(
        Step.FIRST_MESSAGE,
        "the Logon(A) cannot be cut into fields",
        says("tag=value fields, each ended by SOH, data fields as long as their length says"),
        "the first message, above",
        "Have the counterparty's engine put right; RawDataLength(95) that does not fit RawData(96) "
        "is the usual one",
    ),
}
