"""What a user can mend."""


class InputError(ValueError):
    """A file, a column or a folder that nothing can be done with; the message says what to do."""
