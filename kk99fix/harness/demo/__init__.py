"""`kk99fix demo`: two brokers trade over FIX and a compliance desk watches, as a live picture."""
