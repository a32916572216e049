"""A data set that has of Ray's what sources use, for where Ray is not installed."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa


class Dataset:
    """Rows in blocks, whose order is kept only if that is asked for, as with Ray."""

    def __init__(self, blocks):
        self.table = not isinstance(blocks[0], np.ndarray)
        self.parts = [pa.Table.from_pandas(b) for b in blocks] if self.table else blocks
        options = SimpleNamespace(preserve_order=False)
        self.context = SimpleNamespace(execution_options=options, enable_progress_bars=True)

    def __iter__(self):
        raise TypeError("`Dataset` object isn't iterable")

    def __len__(self):
        raise AttributeError("Use `Dataset.count()`.")

    def schema(self):
        names, types = ["data"], [pa.fixed_shape_tensor(pa.float32(), self.parts[0].shape[1:])]
        if self.table:
            names, types = self.parts[0].schema.names, self.parts[0].schema.types
        own = SimpleNamespace(names=names, types=types)
        return SimpleNamespace(names=names, base_schema=own)

    def count(self):
        return sum(map(len, self.parts))

    def select_columns(self, names):
        found = Dataset([np.zeros((1, 1))])
        found.table, found.parts = True, [part.select(names) for part in self.parts]
        return found

    def iter_batches(self, *, batch_size, batch_format):
        assert batch_format == ("pyarrow" if self.table else "numpy")
        for part in self.parts[:: 1 if self.context.execution_options.preserve_order else -1]:
            yield part if self.table else {"data": part}


Dataset.__module__ = "ray.data.dataset"
