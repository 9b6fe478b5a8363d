"""The journal as tables: a process of its own follows it into SQLite, and readers ask there."""
