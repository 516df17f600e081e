"""Real servers on loopback that a test starts in one line and that end with its ``with`` block."""
