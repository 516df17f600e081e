"""The exception that ends the demo with a message."""


class DemoError(Exception):
    """Failure of the demo, with a message for the user."""
