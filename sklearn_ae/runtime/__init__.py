"""What surrounds a computation: seeds, threads, devices, workers, checkpoints."""

from sklearn_ae.runtime._checkpoints import Checkpoint, Facts, Part, kept_by, kept_in, next_part
from sklearn_ae.runtime._defaults import torch_defaults
from sklearn_ae.runtime._devices import available_device, resolve_device
from sklearn_ae.runtime._documentation import page_template
from sklearn_ae.runtime._interrupts import interrupts_held
from sklearn_ae.runtime._seeds import Seeds, constructed
from sklearn_ae.runtime._signatures import (
    NamesParameters,
    check_known,
    named_in_errors,
    takes,
)
from sklearn_ae.runtime._threads import thread_count, threads_allowed, torch_threads
from sklearn_ae.runtime._workers import ALONE, Workers

__all__ = [
    "ALONE",
    "Checkpoint",
    "Facts",
    "NamesParameters",
    "Part",
    "Seeds",
    "Workers",
    "available_device",
    "check_known",
    "constructed",
    "interrupts_held",
    "kept_by",
    "kept_in",
    "named_in_errors",
    "next_part",
    "page_template",
    "resolve_device",
    "takes",
    "thread_count",
    "threads_allowed",
    "torch_defaults",
    "torch_threads",
]
