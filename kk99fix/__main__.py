"""`python -m kk99fix`: the same as the command `kk99fix`."""

from kk99fix.cli import main

if __name__ == "__main__":
    main()
