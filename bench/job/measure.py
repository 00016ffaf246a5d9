"""What the Python contestants have in common: the setting, the clock, the memory, the result."""

import json
import os
import pathlib
import platform
import resource
import time

setting = json.loads(pathlib.Path(__file__).with_name("setting.json").read_text())
# Seconds since 1970 at which the process was started: importing counts.
started = float(os.environ["BENCH_STARTED"])


def seconds_so_far():
    return time.time() - started


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(what, versions, **figures):
    versions = {"python": platform.python_version(), **versions}
    print(json.dumps({"what": what, "versions": versions, **figures}))
