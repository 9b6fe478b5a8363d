"""The binding to the C core and to its I/O extension."""
