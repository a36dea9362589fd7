"""What comes asynchronously: waited for by its condition, with a generous limit. No test sleeps otherwise."""

import time


def wait_for(condition, what="it did not come to pass", seconds=60):
    """What the condition gives once it gives anything; `what` is said in vain, or what a function of that name gives."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(0.1)
    return found
