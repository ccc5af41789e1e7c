"""Who runs the blocks of a matrix: this process, or the workers of a Ray cluster, here or elsewhere.

Workers send their blocks back and this process keeps them, so that a cluster needs no shared folder.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from configs.fields import MODELS
from configs.schema import Config
from configs.studies import Evaluate
from envs.case import Case
from evaluate.block import Block, Job, block_hash, run_block
from evaluate.block_store import BlockStore
from evaluate.model_blocks import run_under_model, under_one_engine
from evaluate.variants import Variant, check_known
from llm_layer.answers import FILE_NAME as ANSWERS

Progress = Callable[[int, int], None]
STORE_BYTES = 400_000_000  # of Ray's object store: cases of a few seeds
WAITING = 2  # blocks handed out per worker: one that runs and one that follows


class Pool:
    """Runs blocks in this process. Those under a language model wait for each other and share one engine."""

    def __init__(self, store: BlockStore, total: int, on_progress: Progress | None) -> None:
        self._store, self._total, self._tell = store, total, on_progress
        self._asked: set[str] = set()
        self._waiting: dict[str, Job] = {}

    def run(self, key: str, job: Job) -> None:
        """See that the block of ``job`` gets into the store under ``key``; one that is there already costs nothing."""
        self._say()
        self._asked.add(key)
        if key in self._store:
            return
        if job.variant.supervisor in MODELS:
            self._waiting[key] = job
        else:
            self._store.put(key, run_block(job, self._dealt_to(job)))

    def finish(self) -> None:
        """Run what is left, and wait for what is under way."""
        self._say()
        for keys in under_one_engine(self._waiting):
            blocks = run_under_model([self._waiting[key] for key in keys], self._store.folder / ANSWERS)
            for key, block in zip(keys, blocks, strict=True):
                self._store.put(key, block)
                del self._waiting[key]
            self._say()

    def _dealt_to(self, job: Job) -> Block | None:
        """The block whose orders ``job`` deals out again, run first where it is not kept."""
        if job.twin is None:
            return None
        key = block_hash(job.twin)
        if key not in self._store:
            self._store.put(key, run_block(job.twin))
        return self._store.get(key)

    def _under_way(self) -> set[str]:
        return set(self._waiting)

    def _say(self) -> None:
        if self._tell is not None:
            self._tell(len(self._asked - self._under_way()), self._total)


class RayPool(Pool):
    """Hands blocks to Ray workers; a few at a time, so that memory stays bounded."""

    def __init__(self, store: BlockStore, total: int, on_progress: Progress | None, workers: int) -> None:
        import ray

        super().__init__(store, total, on_progress)
        self._ray, self._most = ray, WAITING * workers
        self._remote = ray.remote(num_cpus=1, max_retries=2)(_run_on_worker)
        self._running: dict[Any, str] = {}  # reference of a block under way -> its key
        self._put: tuple[tuple[Case, ...], Any] = ((), None)  # the cases last shared, and their reference

    def run(self, key: str, job: Job) -> None:
        if job.variant.supervisor in MODELS:
            super().run(key, job)
            return
        self._say()
        self._asked.add(key)
        if key not in self._store and key not in self._under_way():
            self._start(key, job, self._reference_of_dealt(job))
        while len(self._running) > self._most:
            self._collect()

    def finish(self) -> None:
        while self._running:
            self._collect()
        super().finish()

    def _under_way(self) -> set[str]:
        return super()._under_way() | set(self._running.values())

    def _reference_of_dealt(self, job: Job) -> Any:
        """The twin's block, or a reference to it while it is under way: Ray has the job wait for it."""
        if job.twin is None:
            return None
        key = block_hash(job.twin)
        if key in self._store:
            return self._store.get(key)
        under_way = [reference for reference, other in self._running.items() if other == key]
        return under_way[0] if under_way else self._start(key, job.twin, None)

    def _start(self, key: str, job: Job, dealt: Any) -> Any:
        if [id(case) for case in self._put[0]] != [id(case) for case in job.cases]:
            self._put = (job.cases, self._ray.put(job.cases))
        reference = self._remote.remote(job.config, job.variant, self._put[1], job.seed, dealt)
        self._running[reference] = key
        return reference

    def _collect(self) -> None:
        """Keep what has been finished within the last second."""
        finished, _ = self._ray.wait(list(self._running), num_returns=1, timeout=1.0)
        for reference in finished:
            try:
                self._store.put(self._running[reference], self._ray.get(reference))
            except self._ray.exceptions.RayTaskError as error:
                raise error.cause from None
            del self._running[reference]
        self._say()


def _run_on_worker(config: Config, variant: Variant, cases: tuple[Case, ...], seed: int, dealt: Block | None) -> Block:
    check_known([variant])  # a worker has not met the planners yet
    return run_block(Job(config, variant, cases, seed), dealt)


@contextlib.contextmanager
def pool_of(evaluate: Evaluate, store: BlockStore, total: int, on_progress: Progress | None) -> Iterator[Pool]:
    """The pool that ``evaluate.workers`` asks for; left without an error, all its blocks are kept.

    Raises:
        ValueError: ``evaluate.ray_address`` does not answer.
    """
    if evaluate.workers == 0:
        pool = Pool(store, total, on_progress)
        yield pool
        pool.finish()
        return
    with _cluster(evaluate):
        ray_pool = RayPool(store, total, on_progress, evaluate.workers)
        yield ray_pool
        ray_pool.finish()


@contextlib.contextmanager
def _cluster(evaluate: Evaluate) -> Iterator[None]:
    import ray

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"ray\..*")
    logging.getLogger("ray").setLevel(logging.ERROR)
    ours = not ray.is_initialized()
    if ours:
        try:
            if evaluate.ray_address is not None:
                ray.init(address=evaluate.ray_address, logging_level=logging.ERROR, log_to_driver=False)
            else:
                ray.init(
                    num_cpus=evaluate.workers, object_store_memory=STORE_BYTES, include_dashboard=False,
                    logging_level=logging.ERROR, log_to_driver=False,
                )  # fmt: skip
        except (ConnectionError, RuntimeError, ValueError) as error:
            place = f"evaluate.ray_address {evaluate.ray_address}"
            raise ValueError(f"{place}: {error}; start the cluster or set it to null") from None
    try:
        yield
    finally:
        if ours:
            ray.shutdown()
