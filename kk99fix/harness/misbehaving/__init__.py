"""The misbehaving peer: ways in which a counterparty can be bad, and what has to come of each."""
