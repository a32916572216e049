"""A room imports only from the rooms listed above it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import sklearn_ae

ROOMS = [
    "_version",
    "_compat",
    "state",
    "_products",
    "runtime",
    "data",
    "sources",
    "terms",
    "architectures",
    "corruptions",
    "starts",
    "latents",
    "losses",
    "penalties",
    "inference",
    "training",
    "inspection",
    "autoencoders",
    "applications",
    "export",
    "distributed",
    "metrics",
    "report",
    "cli",
    "__init__",
    "__main__",
]
ROOT = Path(sklearn_ae.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


def _room(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix(".py")


def _imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn_ae"):
            assert node.level == 0
            below = (node.module or "").split(".")[1:]
            rooms |= {below[0]} if below else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            rooms |= {a.name.split(".")[1] for a in node.names if a.name.startswith("sklearn_ae.")}
    return rooms


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path):
    own = ROOMS.index(_room(path.relative_to(ROOT).parts))
    for room in _imported_rooms(path):
        assert ROOMS.index(room) <= own, f"{path.name} imports from {room}"


def test_private_names_of_torch_stay_in_the_compat_file():
    private = [
        f"{path.name}: torch.{node.attr}"
        for path in FILES
        if path.name != "_compat.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "torch"
        and node.attr.startswith("_")
    ]
    assert private == []


@pytest.mark.cpu_only(reason="torch with CUDA loads sympy by itself")
@pytest.mark.skipif(torch.__version__ < "2.8", reason="comes with the import of the package")
def test_a_fit_leaves_torchs_compiler_alone():
    """Its import takes seconds."""
    code = (
        "import sys, numpy as np; from sklearn_ae import Autoencoder; "
        "X = np.random.default_rng(0).normal(size=(60, 4)); "
        "Autoencoder(2, max_iter=2).fit(X).transform(X); "
        "print(sorted({'torch._dynamo', 'sympy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
