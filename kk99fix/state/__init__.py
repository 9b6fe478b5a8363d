"""The state directory put together: lock, journal and the venue as they left it."""
