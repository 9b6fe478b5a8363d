"""The exchange as a deterministic function: inputs in one order in, records and messages out."""
