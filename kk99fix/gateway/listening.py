"""When a port cannot be had: one sentence that says which, why and what to do."""

import os


class ListenError(Exception):
    """A listener could not be opened; the text is for the person who runs the gateway."""

    def __init__(
        self, what: str, host: str, port: int, port_from: str, host_from: str, cause: OSError
    ) -> None:
        """Take what would listen, where, what names another port and address, and the error."""
        number = cause.errno or 0
        reason = os.strerror(number) if number > 0 else str(cause)
        super().__init__(
            f"cannot listen for {what} on {host}:{port}: {reason}. "
            f"Stop the program that uses it, or name another port with {port_from} "
            f"or another address with {host_from}."
        )
