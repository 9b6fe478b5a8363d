"""The files of config/ and sessions/ as checked values, and the CONFIG input made of them."""
