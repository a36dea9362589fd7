import random

from crashes import Crashes

ROUNDS = 300


def test_crashes_of_everything_lose_nothing(tmp_path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    crashes = Crashes(tmp_path, seed)
    try:
        counts = crashes.run(ROUNDS)
    finally:
        crashes.close()
    assert sum(counts.values()) == ROUNDS and all(counts.values())
    assert crashes.acknowledged > 20 * ROUNDS and crashes.seen > 20 * ROUNDS
