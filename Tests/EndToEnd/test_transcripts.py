"""The tests' own follower makes of each transcript what every follower must."""

import json

import pytest
from everyline import ROOT
from follower import Follower, Hole

TRANSCRIPTS = json.loads((ROOT / "Tests/Transcripts/followers.json").read_text())


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda t: f"{t['way']}: {t['name']}")
def test_a_follower_makes_of_a_transcript_what_it_says(transcript):
    follower = Follower("e", transcript["after"], speaks_first=transcript["way"] == "gateway")
    verdict = "open"
    for message in transcript["messages"]:
        try:
            follower.take(message)
        except Hole:
            verdict = "hole"
            break
    if follower.restored_after is not None:
        verdict = "restored"
    if follower.end:
        verdict = "ended"
    found = ([e["offset"] for e in follower.events], verdict, follower.confirmed)
    assert found == (transcript["accepted"], transcript["verdict"], transcript["confirmed"])
