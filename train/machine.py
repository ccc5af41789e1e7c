"""Ray and the processor: one thread a process, a cluster started here or joined, and clear words where it is not there.

One OpenMP thread per process is the largest single effect on speed that was measured: these networks are small, and on
a shared machine a second thread mostly waits at the first one's barriers (0.5-7 thousand steps a second against 15-30).
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator

import torch

from configs.studies import Train

CONNECT_S = 3.0
ATTEMPTS = 3
STORE_BYTES = 256 * 2**20  # rollouts of one iteration, twice over


def check_machine(train: Train) -> None:
    """Raise ValueError, one line, where the configuration asks for a GPU or a cluster that is not there."""
    if train.num_gpus_per_learner > 0 and train.ray_address is None and not torch.cuda.is_available():
        raise ValueError(
            f"train.num_gpus_per_learner {train.num_gpus_per_learner:g}: this machine has no GPU that torch can use; "
            "set it to 0"
        )
    if train.ray_address is not None:
        _check_address(train.ray_address)


def _check_address(address: str) -> None:
    place = address.removeprefix("ray://")
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdigit() or not host:
        raise ValueError(
            f"train.ray_address {address!r}: give host:port of a running cluster, or null to start one here"
        )
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ValueError(
            f"train.ray_address {address}: no answer ({reason}); start the cluster or set it to null"
        ) from None


@contextlib.contextmanager
def ray_cluster(train: Train, processes: int | None = None) -> Iterator[None]:
    """A cluster for the length of a run. One that this process already has is left as it is.

    processes: slots of a cluster started here; None: the driver, its samplers and its learners.
    """
    import ray

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"ray\..*")
    for name in ("ray", "ray.rllib", "ray.tune"):
        logging.getLogger(name).setLevel(logging.ERROR)
    ours = not ray.is_initialized()
    if ours:
        on_term = signal.getsignal(signal.SIGTERM)
        _start(train, processes or 1 + train.num_env_runners + train.num_learners)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_term)  # Ray has put its own in place, which ends the process at once
    try:
        yield
    finally:
        if ours:
            ray.shutdown()


def _start(train: Train, processes: int) -> None:
    import ray

    if train.ray_address is not None:
        try:
            ray.init(address=train.ray_address, logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ValueError(
                f"train.ray_address {train.ray_address}: {error}; start the cluster, set RAY_AUTH_MODE as it was "
                "started with (token or disabled), or use null"
            ) from None
        return
    for attempt in range(ATTEMPTS):
        try:
            ray.init(
                num_cpus=processes,
                object_store_memory=STORE_BYTES * max(1, train.num_env_runners),
                include_dashboard=False,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
            return
        except Exception as error:  # a busy machine: Ray gives its own processes half a minute, and raises just this
            ray.shutdown()
            if "timed out" not in str(error):
                raise
            if attempt == ATTEMPTS - 1:
                raise TimeoutError(
                    f"Ray did not start in {ATTEMPTS} tries of half a minute, this machine is too busy; try again "
                    "later, or join a running cluster by train.ray_address"
                ) from error
