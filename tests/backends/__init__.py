"""Real servers on loopback, each started by one ``with`` statement and stopped at its end."""
