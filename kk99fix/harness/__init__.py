"""The FIX client side: a client on the initiator role of our own session layer, and the demo."""
