"""The binding to the matching core and to the pump in C.

`engine`, with `library` and `structs`, alone imports the core's module `_core`; `pump` and
`disk_calls` alone import `_io`.
"""
