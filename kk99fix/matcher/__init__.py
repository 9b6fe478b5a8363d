"""The binding to the matching core and to the pump in C.

`engine`, with `library` and `structs`, alone imports the core's module `_core`; `pump`,
`disk_calls` and `giving_way` alone import `_io`.
"""
