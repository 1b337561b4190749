"""The one error that ends a start."""


class StartupError(Exception):
    """The app can't be run as it stands; the text says what is wrong, where, and what to do."""
