"""Lines on the ground: fixes, lengths, pace, and the formats that store and send them."""
