"""The binding to the matching core and to the pump in C.

`engine` is the only importer of the core's module `_core`, `pump`, with its
`disk_calls`, alone imports `_io`.
"""
