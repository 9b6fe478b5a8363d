"""The live process: sockets, the sequencer, authentication, timers, metrics, logs."""
