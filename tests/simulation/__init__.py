"""The whole venue in virtual time, from one seed; see docs/testing.md."""
