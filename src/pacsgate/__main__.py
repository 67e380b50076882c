"""`python -m pacsgate` is `pacsgate`."""

from pacsgate.cli.main import main

if __name__ == "__main__":
    main()
