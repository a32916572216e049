"""Workers that are threads of one process, so that most can be tested without Ray."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from sklearn_ae.distributed._torch_workers import TorchWorkers


class Exchange:
    """Hands what each thread has to all of them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.barrier = threading.Barrier(count)
        self.values: list[Any] = [None] * count

    def all(self, rank: int, value: Any) -> list[Any]:
        self.values[rank] = value
        self.barrier.wait(60)
        found = list(self.values)
        self.barrier.wait(60)
        return found


class ThreadWorkers(TorchWorkers):
    """One of several threads."""

    recordable = False

    def __init__(self, exchange: Exchange, rank: int) -> None:
        self.exchange = exchange
        self.count, self.rank = exchange.count, rank

    def objects(self, value):
        return self.exchange.all(self.rank, value)

    def of_first(self, value):
        return self.objects(value)[0]

    def sum(self, value):
        return sum(self.objects(value))

    def largest(self, value):
        return np.max(self.objects(value), axis=0)

    @torch.no_grad()
    def copy_first(self, tensors):
        for tensor, first in zip(tensors, self.of_first([t.clone() for t in tensors]), strict=True):
            tensor.copy_(first)

    def mean_gradients(self, grads):
        each = self.objects(grads)
        return [
            None if parts[0] is None else torch.stack(parts).mean(0)
            for parts in zip(*each, strict=True)
        ]


def together(count: int, work: Callable[[ThreadWorkers], Any]) -> list[Any]:
    """Run a function in so many threads, each with its workers; return what each returns."""
    exchange, found = Exchange(count), [None] * count

    def run(rank: int) -> None:
        try:
            found[rank] = work(ThreadWorkers(exchange, rank))
        except Exception as error:
            found[rank] = error
            exchange.barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failed = [f for f in found if isinstance(f, Exception)]
    for error in failed:
        if not isinstance(error, threading.BrokenBarrierError):
            raise error
    return found
