"""The FIX 4.4 front door of the KK99 exchange and the matching venue behind it."""
