"""Who keeps hitting on UIDs of hidden objects is made to wait, whatever it stored rightly before."""

from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from pacsgate.model.errors import TooSoonError
from pacsgate.services.store_instances import StoreResult
from tests.support.objects import small_hospital, variant
from tests.support.storing import storing


def test_a_lock_that_falls_between_two_stores_of_a_subject_is_obeyed_by_the_second(tmp_path: Path) -> None:
    hidden, *rest = small_hospital(studies=4, series=1, instances=1)
    with storing(tmp_path) as stores:
        stores.store("CT1", hidden)
        (allowed,) = stores.store("CT2", rest[0])
        assert allowed.result is StoreResult.STORED
        for _ in range(5):
            probe = variant(StudyInstanceUID=generate_uid(), SOPInstanceUID=hidden.key.sop_instance_uid)
            (refused,) = stores.store("CT2", probe)
            assert refused.result is StoreResult.REFUSED
        with pytest.raises(TooSoonError):
            stores.store("CT2", rest[1])
        (other,) = stores.store("CT1", rest[2])
        assert other.result is StoreResult.STORED
