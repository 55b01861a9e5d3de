"""`python -m loadlab` and the `loadlab` command."""

from loadlab.cli import main

if __name__ == "__main__":
    main()
