"""What workers keep of a fit by the checkpoints of Ray Train."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sklearn_ae.runtime import Checkpoint, Workers, kept_by

# Seconds between epochs that are kept, at least: those in which Ray Train looks for what has been.
_PAUSE = 2.0


@contextmanager
def kept_by_train(workers: Workers) -> Iterator[None]:
    """Keep each epoch of the block, and go on from the last one that all workers have kept.

    Parameters
    ----------
    workers : Workers
        Each of which is in such a block.
    """
    import ray.train

    with tempfile.TemporaryDirectory() as folder:
        last = ray.train.get_checkpoint()
        if last is not None:
            with last.as_directory() as kept:
                shutil.copytree(kept, folder, dirs_exist_ok=True)
        with kept_by(WorkerCheckpoint(workers, Path(folder))):
            yield


def report(folder: Path) -> None:
    """Hand a worker's folder to Ray Train, which waits for those of all."""
    import ray.train

    ray.train.report({}, ray.train.Checkpoint.from_directory(folder))


class WorkerCheckpoint(Checkpoint):
    """The folder of one worker, within that of all.

    Parameters
    ----------
    workers : Workers
        The others, which keep the same parts in the same order.
    folder : Path
        The folder of all, of which this machine has a copy.
    hand_over : callable
        Called with a folder that has this worker's alone, for all workers alike.
    pause : float
        Seconds between such calls, at least.
    """

    def __init__(
        self,
        workers: Workers,
        folder: Path,
        hand_over: Callable[[Path], None] = report,
        pause: float = _PAUSE,
    ) -> None:
        self.workers = workers
        self.hand_over = hand_over
        self.pause = pause
        self._last = time.monotonic()
        own = folder / f"{workers.rank:04}"
        own.mkdir(exist_ok=True)
        for other in set(folder.iterdir()) - {own}:
            shutil.rmtree(other)
        super().__init__(own, {})

    def seed(self, draw: Callable[[], int]) -> int:
        """Return the next seed that nobody has given, which is the first worker's."""
        return super().seed(lambda: self.workers.of_first(draw()))

    def kept(self) -> None:
        """Hand over what was kept, if that was last done some time ago."""
        if self.workers.of_first(time.monotonic() - self._last >= self.pause):
            self.hand_over(self.folder.parent)
            self._last = time.monotonic()
