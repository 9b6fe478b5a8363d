"""Where the seeds of one-time passwords are kept, sealed while they rest.

A session file names its seed and never holds it.
The live side knows `seeds.Seeds` alone; `opening.open_seeds` decides what stands behind it.
Nothing here logs, and no error holds a key, a seed or a part of one.
"""
