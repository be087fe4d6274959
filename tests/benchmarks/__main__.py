"""`make bench`: every benchmark, each beside a reference in the same run."""

import importlib
import os
import sys

SUITE = ("spine", "autonomy", "certify_store", "retrieval")


def main() -> None:
    """Run those that are named on the command line, or all."""
    # Forked and imported code is timed compiled, as a user has it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    names = sys.argv[1:] or SUITE
    sys.argv = sys.argv[:1]
    for name in names:
        print(f"\n=== {name} ===", flush=True)
        importlib.import_module(f"tests.benchmarks.{name}").main()


if __name__ == "__main__":
    main()
