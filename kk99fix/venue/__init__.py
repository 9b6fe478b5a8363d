"""The exchange as a deterministic function: one input in, records and messages out."""
