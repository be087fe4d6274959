"""When Python looks for objects that only refer to each other: seldom among those that stay for good.

A full look goes through every object that the start has made, and holds up every click for 70 to 90 ms meanwhile.
"""

import gc


def wait_for_the_start() -> None:
    """Look for none until `spare_the_start`: while everything is being made, next to nothing of it is garbage."""
    gc.disable()


def spare_the_start() -> None:
    """From now on look for garbage again, but not among what is there already."""
    gc.freeze()
    gc.enable()
