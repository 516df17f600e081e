"""The one exception that ends the demo with a message."""


class DemoError(Exception):
    """What is broken, in words for the person at the terminal."""
