"""The machine's rate of float32 matrix products, which bounds every encoder: prints one JSON object."""

import argparse
import json
import time

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

ROWS, DEPTH, COLUMNS = 4096, 1280, 5120
"""A layer of ViT-H's perceptrons."""
RUNS = 6


def blas() -> dict:
    """The library behind numpy's products, which must be OpenBLAS, as it is in PyPI's numpy."""
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    if [library["internal_api"] for library in libraries] != ["openblas"]:
        raise SystemExit("gemm.py: numpy doesn't use OpenBLAS; install numpy from PyPI: pip install numpy")
    return libraries[0]


def product_seconds() -> list[float]:
    """The seconds of each warm product."""
    generator = np.random.default_rng(1)
    left = generator.standard_normal((ROWS, DEPTH), dtype=np.float32)
    right = generator.standard_normal((DEPTH, COLUMNS), dtype=np.float32)
    output = np.empty((ROWS, COLUMNS), np.float32)
    seconds = []
    for _ in range(1 + RUNS):
        started = time.perf_counter()
        np.matmul(left, right, out=output)
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def main() -> None:
    """Measures on the wanted threads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, required=True)
    threads = parser.parse_args().threads
    with threadpool_limits(threads):
        library = blas()
        if library["num_threads"] != threads:
            raise SystemExit(f"gemm.py: OpenBLAS uses {library['num_threads']} threads, not {threads}")
        best = min(product_seconds())
    rate = 2 * ROWS * DEPTH * COLUMNS / best
    print(json.dumps({"flop_per_second": rate, "library": f"OpenBLAS {library['version']}"}))


if __name__ == "__main__":
    main()
