"""The append-only record of every input and output: layout, writer, reader, printer."""
