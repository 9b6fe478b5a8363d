"""FIX 4.4 tag=value: framing, fields, values, the message dictionary, validation, encoding.

Plain synchronous code on bytes: it reads no clock, opens no socket and knows no session state.
"""
