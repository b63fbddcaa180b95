"""Lines on the ground: fixes, lengths, pace, their stored and sent forms, GPX."""
