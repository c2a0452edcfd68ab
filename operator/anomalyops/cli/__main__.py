"""`python -m anomalyops.cli`: the same as the console script."""

from anomalyops.cli.main import main

if __name__ == "__main__":
    main()
