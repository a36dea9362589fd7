"""What a key may have of viewers, and that they go with it."""


import pytest

from viewer import Viewer
from waiting import wait_for


def make_key(cloud):
    return cloud.request("POST", "/api/v1/keys", {"user": "other", "role": "viewer"})


def url(execution, key):
    return execution.cloud.get(f"{execution.path}/logs", key=key["key"])["websocket_url"]


def set_limit(cloud, limit):
    cloud.change("Connection", {"EVERYLINE_CONNECTIONS_PER_KEY": limit})
    cloud.functions.get_waiter("function_updated_v2").wait(
        FunctionName=cloud.ids["ConnectionFunction"], WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def gone(viewer):
    viewer.thread.join(20)
    return not viewer.thread.is_alive() and viewer.end is None


def test_a_keys_streams_end_when_it_is_revoked(cloud, execution):
    key = make_key(cloud)
    theirs = url(execution, key)
    viewers = [Viewer(execution, url=theirs), Viewer(execution, url=theirs, form=None)]
    mine = Viewer(execution)
    execution.write("one")
    for viewer in [*viewers, mine]:
        viewer.wait_for(1)
    cloud.request("DELETE", f"/api/v1/keys/{key['id']}")
    assert all(gone(viewer) for viewer in viewers)
    with pytest.raises(Exception, match="rejected"):
        Viewer(execution, url=theirs)
    execution.write("two")
    execution.end()
    mine.wait_for_end()
    assert mine.messages == ["one", "two"]
    assert all(viewer.messages == ["one"] for viewer in viewers)


def test_a_key_has_so_many_viewers_and_no_more(cloud, execution):
    known = cloud.functions.get_function_configuration(FunctionName=cloud.ids["ConnectionFunction"])
    limit = known["Environment"]["Variables"]["EVERYLINE_CONNECTIONS_PER_KEY"]
    assert limit == "1000"
    key = make_key(cloud)
    theirs, mine = url(execution, key), Viewer(execution)
    # A function that is changed is ended in the middle of what it does.
    mine.wait(lambda: mine.resumed)
    set_limit(cloud, "2")
    try:
        viewers = [Viewer(execution, url=theirs) for _ in range(2)]
        # (With 429; the emulator makes 403 of every refusal.)
        with pytest.raises(Exception, match="rejected"):
            Viewer(execution, url=theirs)
        viewers[0].close()
        viewers[0] = wait_for(lambda: admitted(execution, theirs), "the place of one that left is not free")
        execution.write("one")
        execution.end()
        for viewer in [*viewers, mine]:
            assert viewer.wait_for_end().messages == ["one"]
    finally:
        set_limit(cloud, limit)


def admitted(execution, url):
    """A viewer, if it is let in."""
    try:
        return Viewer(execution, url=url)
    except Exception as error:
        assert "rejected" in str(error), error
        return None
