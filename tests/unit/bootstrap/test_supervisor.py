"""What the supervisor of `serve` carries with it: all else is imported once, by the nursery."""

import subprocess
import sys

HEAVY = {
    "alembic",
    "cryptography",
    "fastapi",
    "lxml",
    "numpy",
    "pydicom",
    "pynetdicom",
    "sqlalchemy",
    "starlette",
    "uvicorn",
}


def test_the_supervisor_imports_no_library_of_what_it_supervises() -> None:
    code = "import sys, pacsgate.cli.serving; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()
