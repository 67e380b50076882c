"""Clients with an API token that nobody looks over the shoulder of: for load, where the canary recorder is too slow."""

import json

import requests

from tests.support.hospital import RunningHospital


def token(hospital: RunningHospital, person: str) -> str:
    """Issue an API token."""
    issued = hospital.cli("token", "issue", person, "--label", "test", "--json")
    assert issued.returncode == 0, issued.stderr
    text: str = json.loads(issued.stdout)["token"]
    return text


def client(bearer: str) -> requests.Session:
    """A client that presents a token and nothing else."""
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {bearer}"
    return session
