"""The journal: every input and every output of the venue, in one order, in append-only files.

`record` is the layout of a record and the twin of matcher_c/include/kk_record.h.
`segment` is the file around the records, `writer` and `reader` are its two users.
`messages` finds what was sent to a session, `printer` makes the journal readable.
Nothing is imported here, so that the venue can take the record layout alone.
"""
