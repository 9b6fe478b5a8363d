"""The FIX client side: client, scenarios and their scripts, certification, misbehaviour, demo."""
