"""The live process: listeners, connections, the sequencer, the pump, clock and metrics."""
