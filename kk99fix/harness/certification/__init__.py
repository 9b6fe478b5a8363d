"""Certification: what a counterparty's engine shows, held against scenarios, and a report."""
