"""The files of config/ and sessions/ as checked values, and the CONFIG input made of them.

`load.load` reads everything and says all that is wrong at once.
`resolve.resolve` turns the result into what the venue gets as an input.
Nothing here reads a clock, and nothing else in the product reads these files.
"""
