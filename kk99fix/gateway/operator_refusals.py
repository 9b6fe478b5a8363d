"""The operator's commands about refused logons: the newest ones, and why one was refused."""

from typing import Any, Final

from kk99fix.config.sessions import SessionFile
from kk99fix.gateway.current import Current
from kk99fix.gateway.explanation import Step
from kk99fix.gateway.explanations import EXPLANATIONS
from kk99fix.gateway.operator import CommandRefusedError, Operator, Request
from kk99fix.gateway.references import Reference
from kk99fix.gateway.refusals import Refusals
from kk99fix.gateway.refused_logons import KEPT_OF_A_CAUSE, RefusedLogon
from kk99fix.journal.printer import utc

LISTED_MAX: Final = 1000


class RefusalCommands:
    """Answers what is asked about refused logons."""

    def __init__(self, refusals: Refusals, current: Current) -> None:
        """Take what is kept, and the settings that apply."""
        self._refusals = refusals
        self._current = current

    def add_to(self, operator: Operator) -> None:
        """Offer them."""
        narrowing = ("cause", "address", "session", "limit")
        operator.add("refusals", self.newest, *narrowing, changes=False)
        operator.add("why", self.why, "reference", changes=False)

    async def newest(self, request: Request) -> dict[str, Any]:
        """Return the newest refusals, newest first, and how many there were since the start."""
        wanted = {
            name: request.text(argument) if argument in request.arguments else None
            for name, argument in (
                ("cause", "cause"),
                ("address", "address"),
                ("sender_comp_id", "session"),
            )
        }
        found = self._refusals.recent.newest(**wanted)
        limit = min(request.number("limit", 50), LISTED_MAX)
        return {
            "counts": dict(sorted(self._refusals.counts.items())),
            "kept": len(found),
            "refusals": [known(refused) for refused in found[:limit]],
        }

    async def why(self, request: Request) -> dict[str, Any]:
        """Explain one: by its reference, or the newest of a session or from an address."""
        text = request.text("reference")
        reference = Reference.read(text)
        if reference is not None and self._current.session(text) is None:
            refused = self._refusals.recent.find(reference)
            if refused is None:
                raise CommandRefusedError(self._forgotten(text, reference))
        else:
            recent = self._refusals.recent
            newest = recent.newest(sender_comp_id=text) or recent.newest(address=text)
            if not newest:
                raise CommandRefusedError(self._nothing_of(text))
            refused = newest[0]
        return explained(refused, self._current)

    def _forgotten(self, text: str, reference: Reference) -> str:
        newest = self._refusals.newest_reference
        search = f'search the log for "{text}", its line `logon refused` has cause and address'
        if reference.started_ms != newest.started_ms:
            return (
                f"{text} was given out by the gateway that started at "
                f"{_moment(reference.started_ns)}, and this one started at "
                f"{_moment(newest.started_ns)}: {search}"
            )
        if reference.count > newest.count:
            return f"{text} has not been given out: the newest reference is {newest}"
        return (
            f"{text} is known no more: the newest {KEPT_OF_A_CAUSE} refusals of each cause are "
            f"kept; {search}"
        )

    def _nothing_of(self, text: str) -> str:
        newest = self._refusals.newest_reference
        if self._current.session(text) is None:
            looks = "references look like" if newest.count else "a reference looks like"
            return (
                f"nothing is known of {text}, which is neither a session with a file nor a "
                f"reference: {looks} {newest}; `kk99fix ctl refusals` lists them"
            )
        return (
            f"no refused logon of {text} is known since {_moment(newest.started_ns)}: if it says "
            f"that it tries, look for its address in `kk99fix ctl refusals`; before a Logon(A) is "
            f"read the address is all that there is"
        )


def known(refused: RefusedLogon) -> dict[str, Any]:
    """What is known of a refusal."""
    certificate = refused.peer.certificate
    return {
        "reference": str(refused.reference),
        "time_ns": refused.time_ns,
        "cause": refused.cause,
        "address": refused.peer.address,
        "balancer": refused.balancer,
        "live_address": refused.live_address,
        "tls": refused.peer.tls,
        "certificate": None if certificate is None else f"sha256:{certificate.sha256.hex()}",
        "certificate_subject": None if certificate is None else certificate.shown_subject,
        "sender_comp_id": refused.sender_comp_id,
        "target_comp_id": refused.target_comp_id,
        "username": refused.username,
        "credential": _credential(refused.file),
    }


def _credential(file: SessionFile | None) -> str | None:
    """What the session has to prove itself with; None where it is not known, or is nothing."""
    if file is None or not file.logon.asks_for_proof:
        return None
    if file.logon.public_key is not None:
        return "signature"
    return "password" if file.logon.totp is None else "password and one-time code"


def explained(refused: RefusedLogon, current: Current) -> dict[str, Any]:
    """What is known of a refusal, and what that means."""
    explanation = EXPLANATIONS[refused.cause]
    session = refused.sender_comp_id or "COMPID"
    return known(refused) | {
        "detail": refused.detail,
        "frame": refused.frame,
        "step": explanation.step.number,
        "steps": len(Step),
        "step_name": explanation.step.value,
        "means": explanation.means,
        "right": explanation.right(refused, current.settings),
        "look": explanation.look.replace("{session}", session),
        "do": explanation.do.replace("{session}", session),
        "file_changed": refused.file is not None and current.session(session) != refused.file,
    }


def _moment(time_ns: int) -> str:
    return f"{utc(time_ns)[:19].replace('T', ' ')} UTC"
