"""D: each report is copied to exactly the desks that may see it, in its order, with its content.

D1 who gets a copy follows from the files alone and is worked out here once more; D2 copies stand in
the order of their sources; D5 refusals and unsolicited cancels are copied as well.
"""

from typing import Any

import attrs
from support.drop_copies import rendered_copy

from kk99fix.matcher.engine import Engine
from simulation.told import Told
from simulation.units import Sent, Unit, require

REPORTS = ("8", "9")


@attrs.define
class DropCopies:
    """All copies."""

    copied: int = 0
    #: Account(1) of each order, as its first report said.
    _accounts: dict[str, str] = attrs.field(factory=dict)

    def see(self, unit: Unit, registry: Told, engine: Engine) -> dict[int, bytes]:
        """Check one unit's copies; returns their bytes by lsn."""
        sources = {sent.lsn: sent for sent in unit.sent}
        receivers: dict[int, list[str]] = {lsn: [] for lsn in sources}
        rendered: dict[int, bytes] = {}
        last_lsn = 0
        for copy in unit.copies:
            require(copy.source_lsn in sources, "D1", "a copy of something else", copy)
            require(copy.source_lsn >= last_lsn, "D2", copy)
            last_lsn = copy.source_lsn
            receivers[copy.source_lsn].append(copy.session)
            source = sources[copy.source_lsn].record.payload
            rendered[copy.record.header.lsn] = rendered_copy(engine, copy.record, source)
        for lsn, sent in sources.items():
            entitled = self._entitled(sent, registry)
            require(sorted(receivers[lsn]) == entitled, "D1", receivers[lsn], entitled, sent.fields)
        self.copied += len(unit.copies)
        return rendered

    def _entitled(self, sent: Sent, registry: Told) -> list[str]:
        """Names of the desks; an account in no file is seen by those of its firm too."""
        session = registry.session(sent.record.header.session)
        if sent[35] not in REPORTS or session["role"] != "order-entry":
            return []
        account, content = self._account(sent, session), registry.content
        by_account = account in session["accounts"] and account in content["accounts"]
        is_gone = account in registry.known("accounts") and account not in content["accounts"]
        return sorted(
            name
            for name, desk in content["sessions"].items()
            if desk["role"] == "drop-copy"
            and (
                desk["drop_copy"].get("all", False)
                or (account in desk["drop_copy"]["accounts"] and (by_account or is_gone))
                or (session["firm"] in desk["drop_copy"]["firms"] and not by_account)
            )
        )

    def _account(self, sent: Sent, session: dict[str, Any]) -> str:
        told = sent[1] or session["accounts"][0]
        refused = sent[39] == "8" or (sent[150] == "I" and bool(sent[58]))
        if sent[37] == "NONE" and (sent[35] == "9" or sent[150] == "I"):
            return sent[1]  # about nobody's order: a matter of the firm
        if sent[35] == "8" and refused:
            return told
        return self._accounts.setdefault(sent[37], told)
