"""A hospital with a few of the demo's studies, for tests that start many gates."""

from tests.personas import TestHospital, new_hospital


def some_studies(*names: str) -> TestHospital:
    """The cast of all tests, and of the studies only these."""
    made = new_hospital()
    return TestHospital(
        {name: made.studies[name] for name in names},
        {name: made.objects[name] for name in names},
        made.recorder,
    )
