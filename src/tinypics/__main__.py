"""`python -m tinypics` runs the command `tinypics`."""

from tinypics.cli import main

if __name__ == "__main__":
    main()
