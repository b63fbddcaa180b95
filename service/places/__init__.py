"""Places to meet in besides routes: rooms, online addresses, phone numbers."""
