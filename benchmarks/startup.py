"""What Sightline adds to a bare Python: `import sightline`, and `sightline --help`, in seconds.

Each is a whole process, run in turn with `python -c pass`, and compared by medians. Run:

    python benchmarks/startup.py
"""

import statistics
import subprocess
import sys
import time

RUNS = 11
COMMANDS = {
    "bare python": [sys.executable, "-c", "pass"],
    "import sightline": [sys.executable, "-c", "import sightline"],
    "sightline --help": [sys.executable, "-m", "sightline.agent.cli", "--help"],
}
LIMITS = {"import sightline": 0.2, "sightline --help": 0.4}


def main() -> None:
    """Print the medians, and what each adds to the bare interpreter."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for run in range(RUNS + 1):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if run:  # the first warms the disk cache
                seconds[name].append(time.perf_counter() - start)
    bare = statistics.median(seconds["bare python"])
    print(f"{'bare python':18} {bare:.3f} s")
    for name, limit in LIMITS.items():
        median = statistics.median(seconds[name])
        print(f"{name:18} {median:.3f} s: adds {median - bare:.3f} s (at most {limit} s wanted)")


if __name__ == "__main__":
    main()
