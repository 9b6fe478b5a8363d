"""`make bench`: the gateway under load over loopback TCP, beside a floor and a reference.

`load/` is the load client in C and `echo/` the floor in C.
`reference_acceptor.py` is a server written the usual way.
The other modules start servers, run the client, take medians and print tables.
They measure nothing themselves.
"""
