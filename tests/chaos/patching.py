"""How the kit changes the product in its own processes: a function in another's place, and an error if there is none to replace."""


def patch(owner: object, **replacements: object) -> None:
    """Put values in place of those of a class or module that have these names. Raises AttributeError if it has none: the product has changed."""
    for name, replacement in replacements.items():
        getattr(owner, name)
        setattr(owner, name, replacement)
