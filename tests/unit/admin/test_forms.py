"""What a form may say, and where it may lead."""

import pytest

from pacsgate.admin.console.forms import LONGEST_PATH, Form, local_path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example/",
        "\\\\elsewhere.example",
        "/\t/elsewhere.example",
        "/\n/elsewhere.example",
        "javascript:alert(1)",
        "elsewhere.example",
        "",
    ],
)
def test_nobody_is_led_to_another_site(elsewhere: str) -> None:
    """ASVS 5.0 3.7.2: no open redirect."""
    assert local_path(elsewhere) == "/"


@pytest.mark.parametrize("path", ["/", "/studies/1.2.3?archive=main", "/viewer/?StudyInstanceUIDs=1.2"])
def test_a_path_of_ours_is_where_somebody_goes_on_to(path: str) -> None:
    assert local_path(path) == path


def test_a_path_longer_than_any_of_ours_is_not_kept_for_a_stranger() -> None:
    assert local_path("/" + "a" * LONGEST_PATH) == "/"


def test_what_is_left_out_of_a_form_and_what_is_left_empty_are_the_same() -> None:
    form = Form((("role", "a"), ("role", "b"), ("name", "")))
    assert (form["name"], form["nothing"], form["role"]) == ("", "", "a")
    assert form.all("role") == ("a", "b")
    assert ("role" in form, "nothing" in form) == (True, False)
    assert form.values() == {"name": "", "role": "a"}
