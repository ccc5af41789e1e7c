"""Who runs the blocks of a matrix: this process, or the workers of a Ray cluster, here or elsewhere.

Workers send their blocks back and this process keeps them, so that a cluster needs no shared folder.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from configs.studies import Evaluate
from envs.case import Case
from evaluate.block import Block, Job, block_hash, run_jobs
from evaluate.block_store import BlockStore
from evaluate.model_blocks import run_under_model, under_one_engine
from evaluate.supervisors import models_asked
from evaluate.variants import OPTIMAL, check_known
from llm_layer.answers import FILE_NAME as ANSWERS

Progress = Callable[[int, int], None]
STORE_BYTES = 400_000_000  # of Ray's object store: cases of a few seeds
WAITING = 2  # batches handed out per worker: one that runs and one that follows
MOST_SITES = 64  # run together: beyond that a step costs what its sites cost, and rows fill memory

logger = logging.getLogger(__name__)


class Pool:
    """Runs blocks in this process. Those under a language model wait for each other and share engines."""

    def __init__(self, store: BlockStore, total: int, on_progress: Progress | None) -> None:
        self._store, self._total, self._tell = store, total, on_progress
        self._asked: set[str] = set()
        self._waiting: dict[str, Job] = {}
        self.failed: dict[str, str] = {}  # key of a block that could not be run -> why

    def run(self, jobs: Mapping[str, Job]) -> None:
        """See that the blocks of ``jobs``, all of one variant and setting, get into the store under their keys.

        Those that are there already cost nothing. One that breaks is noted in ``failed``; the others go on.
        """
        self._say()
        self._asked |= jobs.keys()
        missing = {key: job for key, job in jobs.items() if key not in self._store and key not in self._under_way()}
        if not missing:
            return
        if models_asked(next(iter(missing.values()))):
            self._waiting |= missing
            return
        for batch in batches_of(missing):
            self._start(batch)

    def finish(self) -> None:
        """Run what is left, and wait for what is under way."""
        self._say()
        for keys in under_one_engine(self._waiting):
            with self._noting(keys):
                blocks = run_under_model([self._waiting[key] for key in keys], self._store.folder / ANSWERS)
                self._keep(dict(zip(keys, blocks, strict=True)))
            for key in keys:
                del self._waiting[key]
            self._say()

    def _start(self, jobs: Mapping[str, Job]) -> None:
        with self._noting(jobs):
            self._keep(dict(zip(jobs, run_jobs([*jobs.values()], self._dealt_to(jobs)), strict=True)))

    def _dealt_to(self, jobs: Mapping[str, Job]) -> list[Block | None]:
        """The blocks whose orders ``jobs`` deal out again, run first where they are not kept."""
        twins = twins_of(jobs)
        missing = {key: twin for key, twin in twins.items() if key not in self._store}
        if missing:
            self._keep(dict(zip(missing, run_jobs([*missing.values()], [None] * len(missing)), strict=True)))
        return [self._store.get(key) for key in twins] or [None] * len(jobs)

    @contextlib.contextmanager
    def _noting(self, keys: Iterable[str]) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # whatever a planner or a model comes to: the matrix goes on without it
            self._note(keys, error)

    def _note(self, keys: Iterable[str], error: Exception) -> None:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        self.failed |= dict.fromkeys(keys, said)
        logger.warning("a block failed, the others go on", exc_info=error)

    def _keep(self, blocks: Mapping[str, Block]) -> None:
        for key, block in blocks.items():
            self._store.put(key, block)

    def _under_way(self) -> set[str]:
        return set(self._waiting)

    def _say(self) -> None:
        if self._tell is not None:
            self._tell(len(self._asked - self._under_way()), self._total)


class RayPool(Pool):
    """Hands batches of blocks to Ray workers; a few at a time, so that memory stays bounded."""

    def __init__(self, store: BlockStore, total: int, on_progress: Progress | None, workers: int) -> None:
        import ray

        super().__init__(store, total, on_progress)
        self._ray, self._most = ray, WAITING * workers
        self._remote = ray.remote(num_cpus=1, max_retries=2)(_run_on_worker)
        self._running: dict[Any, list[str]] = {}  # reference of blocks under way -> their keys
        self._shared: tuple[list[int], Any] = ([], None)  # the cases last shared, and their reference

    def finish(self) -> None:
        while self._running:
            self._collect()
        super().finish()

    def _under_way(self) -> set[str]:
        return super()._under_way() | {key for keys in self._running.values() for key in keys}

    def _start(self, jobs: Mapping[str, Job]) -> None:
        twins = twins_of(jobs)
        missing = {key: twin for key, twin in twins.items() if key not in self._store}
        if not missing.keys() <= self._under_way():
            self._hand_out(missing, [None] * len(missing))
        while any(key in self._under_way() for key in twins):
            self._collect()
        with self._noting(jobs):
            dealt: list[Block | None] = [self._store.get(key) for key in twins] or [None] * len(jobs)
            self._hand_out(jobs, dealt)
        while len(self._running) > self._most:
            self._collect()

    def _hand_out(self, jobs: Mapping[str, Job], dealt: list[Block | None]) -> None:
        plain = [replace(job, cases=()) for job in jobs.values()]
        cases = [job.cases for job in jobs.values()]
        ids = [id(case) for some in cases for case in some]
        if self._shared[0] != ids:
            self._shared = (ids, self._ray.put(cases))
        self._running[self._remote.remote(plain, self._shared[1], dealt)] = list(jobs)

    def _collect(self) -> None:
        """Keep what has been finished within the last second."""
        finished, _ = self._ray.wait(list(self._running), num_returns=1, timeout=1.0)
        for reference in finished:
            keys = self._running.pop(reference)
            try:
                self._keep(dict(zip(keys, self._ray.get(reference), strict=True)))
            except self._ray.exceptions.RayTaskError as error:
                self._note(keys, error.cause)
        self._say()


def twins_of(jobs: Mapping[str, Job]) -> dict[str, Job]:
    """Key -> the job whose orders are dealt out again, of those that deal."""
    return {block_hash(job.twin): job.twin for job in jobs.values() if job.twin is not None}


def batches_of(jobs: Mapping[str, Job]) -> Iterator[dict[str, Job]]:
    """``jobs`` of one variant, cut into what is run together: a planner's blocks one by one, so that each is kept."""
    batch: dict[str, Job] = {}
    sites = 0
    for key, job in jobs.items():
        alone = job.variant.base in OPTIMAL or job.variant.reads
        if batch and (alone or sites + len(job.cases) > MOST_SITES):
            yield batch
            batch, sites = {}, 0
        batch[key] = job
        sites += len(job.cases)
    if batch:
        yield batch


def _run_on_worker(jobs: list[Job], cases: list[tuple[Case, ...]], dealt: list[Block | None]) -> list[Block]:
    check_known([job.variant for job in jobs])  # a worker has not met the planners yet
    return run_jobs([replace(job, cases=own) for job, own in zip(jobs, cases, strict=True)], dealt)


@contextlib.contextmanager
def pool_of(evaluate: Evaluate, store: BlockStore, total: int, on_progress: Progress | None) -> Iterator[Pool]:
    """The pool that ``evaluate.workers`` asks for; left without an error, its blocks are kept or noted as failed.

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
