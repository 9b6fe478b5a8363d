"""Scenarios as plain text: the notation, and what runs it; docs/harness.md is its reference."""
