"""``codec.base.State`` as a document and arrays of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from dbsynth.artifact.encode import Decoder, Encoder, Unreadable
from dbsynth.artifact.files import Folder
from dbsynth.artifact.manifest import as_json
from dbsynth.codec.base import State
from dbsynth.errors import ArtifactError


def write_state(state: State) -> tuple[Any, dict[str, np.ndarray]]:
    encoder = Encoder()
    return encode_state(state, encoder), encoder.tensors


def digest_of_state(state: State) -> str:
    """The same for states that the same process version made of the same rows; of one that was read from a file it may
    be another (a list was a tuple)."""
    document, arrays = write_state(state)
    digest = hashlib.blake2b(as_json(document), digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def encode_state(state: State, encoder: Encoder) -> Any:
    return {"config": encoder.encode(dict(state.config)), "arrays": encoder.encode(dict(state.arrays))}


def decode_state(tree: Any, decoder: Decoder) -> State:
    """Raises Unreadable."""
    if not isinstance(tree, dict) or set(tree) != {"config", "arrays"}:
        raise Unreadable("a state is incomplete")
    config, arrays = decoder.decode(tree["config"]), decoder.decode(tree["arrays"])
    if not isinstance(config, Mapping) or not isinstance(arrays, Mapping):
        raise Unreadable("a state is incomplete")
    if not all(isinstance(k, str) and isinstance(v, np.ndarray) for k, v in arrays.items()):
        raise Unreadable("a state holds something that is no array")
    return State(config, arrays)


def read_state(folder: Folder) -> State:
    """That of a checkpoint. Raises ArtifactError."""
    try:
        return decode_state(folder.documents.get("state"), Decoder(folder.tensors.get("state", {})))
    except (Unreadable, RecursionError) as error:
        raise ArtifactError(f"{folder.path}: {error}", hint="remove the folder: training then begins anew") from error
