"""The session layer, sans I/O: a message or a moment in, effects out."""
