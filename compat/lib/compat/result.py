"""How a scenario ends when it does not pass."""


class Skip(Exception):
    """A part that the scenario needs is missing on this machine; names it."""


class Different(Exception):
    """The broker under test answered otherwise than Apache Kafka."""


def require_equal(pair):
    """Raises Different with every difference of the pair; else a one-line summary."""
    if pair.differences:
        text = "\n\n".join(pair.differences)
        raise Different(f"{len(pair.differences)} of {pair.compared} differ\n{text}")
    return f"{pair.compared} commands equal"
