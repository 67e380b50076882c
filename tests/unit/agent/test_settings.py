from pathlib import Path

import pytest

from pacsgate.agent.settings import read_env_file, read_environment
from pacsgate.model.errors import SettingsError

WHOLE = {
    "Agent__TenantId": "north",
    "Agent__PacsId": "doors",
    "Agent__PlatformUrl": "https://gate.example/",
    "Auth__ClientId": "north/agent",
    "Auth__ClientSecret": "s3cret",
    "Agent__Adapter": "door-simulator",
    "Agent__DataDirectory": "/var/lib/agent",
}


def test_the_environment_of_an_agent_is_read_in_the_names_of_hid_s() -> None:
    settings = read_environment({**WHOLE, "PATH": "/bin"})
    assert (settings.place.tenant, settings.place.pacs) == ("north", "doors")
    assert settings.pacs_url == "https://gate.example/api/v1/tenants/north/pacs/doors/agent"
    assert settings.token_url == "https://gate.example/oauth2/token"
    assert settings.adapter == "door-simulator"


def test_every_problem_is_named_at_once_and_no_secret() -> None:
    with pytest.raises(SettingsError) as refused:
        read_environment({"Auth__ClientSecret": "s3cret", "Agent__Adapter": "lift", "Agent__Colour": "red"})
    told = refused.value.public
    for name in ("Agent__TenantId", "Agent__PlatformUrl", "Agent__Adapter", "Agent__Colour"):
        assert f"`{name}`" in told
    assert "s3cret" not in told


def test_a_secret_may_stand_in_a_file_and_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("of-file\n")
    given = {name: text for name, text in WHOLE.items() if name != "Auth__ClientSecret"}
    settings = read_environment({**given, "Auth__ClientSecret_FILE": str(file)})
    assert settings.client_secret == "of-file"
    assert "of-file" not in repr(settings)
    with pytest.raises(SettingsError):
        read_environment({**given, "Auth__ClientSecret_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("url", "more", "is_fine"),
    [
        ("http://gate.example", {}, False),
        ("http://gate.example", {"Agent__AllowHttp": "true"}, True),
        ("http://127.0.0.1:8042", {}, True),
        ("http://localhost:8042", {}, True),
        ("http://127.0.0.1.example", {}, False),
        ("https://user:pass@gate.example", {}, False),
        ("https://gate.example?x=1", {}, False),
        ("ftp://gate.example", {"Agent__AllowHttp": "true"}, False),
        ("gate.example", {}, False),
    ],
)
def test_the_secret_goes_over_tls_or_stays_on_this_machine(
    url: str, more: dict[str, str], is_fine: bool
) -> None:
    given = {**WHOLE, **more, "Agent__PlatformUrl": url}
    if is_fine:
        assert read_environment(given).platform_url == url
        return
    with pytest.raises(SettingsError):
        read_environment(given)


def test_the_token_endpoint_is_held_to_the_same() -> None:
    with pytest.raises(SettingsError) as refused:
        read_environment({**WHOLE, "Auth__AuthNProvider": "http://login.example/token"})
    assert "`Auth__AuthNProvider`" in refused.value.public


def test_an_archive_adapter_needs_the_installation_beside_it() -> None:
    with pytest.raises(SettingsError) as refused:
        read_environment({**WHOLE, "Agent__Adapter": "archive"})
    assert "`Agent__Config`" in refused.value.public


def test_an_env_file_holds_a_variable_a_line() -> None:
    text = '# the agent\nAgent__TenantId=north\n\nAuth__ClientSecret="a=b"\n'
    assert read_env_file(text) == {"Agent__TenantId": "north", "Auth__ClientSecret": "a=b"}
    with pytest.raises(SettingsError) as refused:
        read_env_file("Agent__TenantId=north\nsecret\n")
    assert "line 2" in refused.value.public
    assert "secret" not in refused.value.public
