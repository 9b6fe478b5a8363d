"""Why a logon was refused, in words: at which step, what would be right, where to look, what to do.

One entry for each cause; a test holds that there is one, and that docs/operations.md has it too.
What is right comes out of the session's file as it was when the logon was refused, so an
explanation stays true after the file has changed.
No text here has a secret in it, and none is for a counterparty.
"""

from typing import Final

from kk99fix.gateway.explanations_of_arrival import ARRIVAL
from kk99fix.gateway.explanations_of_proofs import PROOFS
from kk99fix.gateway.explanations_of_sessions import SESSIONS
from kk99fix.gateway.explanations_of_tls import TLS

EXPLANATIONS: Final = ARRIVAL | TLS | SESSIONS | PROOFS
