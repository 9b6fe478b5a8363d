"""FIX 4.4 tag=value: types, the message dictionary, decode and encode."""
