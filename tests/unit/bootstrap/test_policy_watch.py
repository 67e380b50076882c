"""A saved policy is published, whatever stood in the way when it was saved."""

from pathlib import Path

import pytest

from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.model.errors import RecordError
from pacsgate.services.publish_policy import PublishPolicy
from tests.support.installed import NOBODYS, installed

STRICTER = NOBODYS + "rules: [{id: closed, effect: forbid}]\n"


def test_a_change_that_could_not_be_published_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed(tmp_path) as installation:
        watch = PolicyWatch(installation)
        watch.tick()
        installation.settings.policy.write_text(STRICTER, encoding="utf-8")

        def full(*_: object) -> None:
            raise RecordError("the disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(PublishPolicy, "publish", full)
            with pytest.raises(RecordError):
                watch.tick()
        watch.tick()
        live = installation.stores.revisions.live(installation.scope)
        assert live is not None
        assert list(live.sources.values()) == [STRICTER]
