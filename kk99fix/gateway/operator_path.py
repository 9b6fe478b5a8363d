"""Where the operator's socket is, for both ends; nothing else, so that a command starts at once."""

from typing import Final

SOCKET_NAME: Final = "operator.sock"
#: What `sockaddr_un` has room for.
PATH_MAX_BYTES: Final = 107
