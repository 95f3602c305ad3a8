"""A text too long for one message, cut into several. Pure."""


def pieces(text: str, limit: int) -> list[str]:
    """Cut `text` where it hurts least, at line ends, then at spaces, then anywhere, into pieces of at most `limit` bytes of UTF-8.

    Nothing is lost but the white space at which it is cut. `limit` is at least 4, the longest character.
    """
    rest, found = text, []
    while len(rest.encode()) > limit:
        head = rest.encode()[:limit].decode(errors="ignore")
        at_line = head.rfind("\n")
        at_space = head.rfind(" ")
        end = next((place for place in (at_line, at_space) if place > 0), len(head))
        found.append(rest[:end].rstrip())
        rest = rest[end:].removeprefix(rest[end]) if end < len(head) else rest[end:]
    return [piece for piece in (*found, rest) if piece.strip()]
