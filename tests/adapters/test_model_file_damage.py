"""A file that is not a whole schuss model is refused by name: never another error, never another model."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from models import quick_model

from schuss import ModelFileError, load_model, save_model
from schuss.adapters.model import Model
from schuss.adapters.model_file import FORMAT


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a model file."""
    path = tmp_path_factory.mktemp("whole") / "model.schuss"
    return save_model(quick_model(), path).read_bytes()


def content_of(model: Model) -> tuple[Any, ...]:
    """Return all of a model that can be compared."""
    run = model.run
    arrays = [run.state.theta, run.state.memory, run.loss, run.validation_loss]
    told = (run.state.step, run.network, run.plan, run.stopped, model.targets, model.scores)
    preprocessor = model.preprocessor and model.preprocessor.to_dict()
    return (*(a.tobytes() for a in arrays), *told, repr(preprocessor))


def places(size: int, header: int, count: int, rng: np.random.Generator) -> Iterator[int]:
    """Yield the first 9 bytes, and `count` places in the header and `count` in the numbers."""
    yield from range(9)
    yield from rng.integers(9, 8 + header, count).tolist()
    yield from rng.integers(8 + header, size, count).tolist()


def test_no_changed_byte_goes_unnoticed(whole: bytes, tmp_path: Path, rng: np.random.Generator) -> None:
    """A bit flipped or a byte replaced anywhere gives a ModelFileError that names the file."""
    path = tmp_path / "damaged.schuss"
    path.write_bytes(whole)
    expected = content_of(load_model(path))
    header = int.from_bytes(whole[:8], "little")
    refused = named = 0
    for at in places(len(whole), header, 150, rng):
        for other in {whole[at] ^ (1 << int(rng.integers(8))), int(rng.integers(256)), 0, 34}:
            if other == whole[at]:
                continue
            path.write_bytes(whole[:at] + bytes([other]) + whole[at + 1 :])
            try:
                told = load_model(path)
            except ModelFileError as error:
                refused += 1
                named += str(path) in str(error)
            else:  # white space of the header may change and mean the same
                assert content_of(told) == expected, f"byte {at} became {other}"
    assert named == refused > 800


def test_no_truncated_file_is_read(whole: bytes, tmp_path: Path, rng: np.random.Generator) -> None:
    """Any length short of the whole is refused, nearly always as truncated."""
    path = tmp_path / "short.schuss"
    header = int.from_bytes(whole[:8], "little")
    ends = {*range(20), header, header + 7, header + 8, header + 9, len(whole) - 1}
    for length in sorted(ends | set(rng.integers(0, len(whole), 200).tolist())):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError, match="is truncated" if length > 0 else "is empty"):
            load_model(path)


def test_bytes_added_at_the_end_are_noticed(whole: bytes, tmp_path: Path) -> None:
    """Longer than it says is damaged too."""
    path = tmp_path / "long.schuss"
    path.write_bytes(whole + b"\0" * 8)
    with pytest.raises(ModelFileError, match="is damaged"):
        load_model(path)


def rewritten(whole: bytes, path: Path, **metadata: str) -> Path:
    """Write the model with other metadata, as a program would that knows safetensors."""
    header = int.from_bytes(whole[:8], "little")
    told = json.loads(whole[8 : 8 + header])
    told["__metadata__"] |= metadata
    text = json.dumps(told).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + header :])
    return path


FOREIGN = {
    "empty": (b"", "is empty"),
    "text": (b"dear reader, this is not a model\n", "first bytes are of another format"),
    "table": (b"a,b,species\n1,2,x\n", "first bytes are of another format"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 80, "first bytes are of another format"),
    "pickle": (b"\x80\x04\x95\x1a\0\0\0\0\0\0\0\x8c\x08builtins", "first bytes are of another format"),
    "zip": (b"PK\x03\x04" + b"\0" * 60, "first bytes are of another format"),
    "brace": (b"\x02\0\0\0\0\0\0\0{}", "of another program, not a schuss model"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_another_kind_is_said_to_be_so(tmp_path: Path, kind: str) -> None:
    """Each has its own sentence, which begins with the path."""
    content, sentence = FOREIGN[kind]
    path = tmp_path / kind
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=sentence) as caught:
        load_model(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("dtype", ["F32", "BF16", "F8_E4M3", "I64"])
def test_the_safetensors_of_another_program_are_said_to_be_so(tmp_path: Path, dtype: str) -> None:
    """Also with numbers of types that NumPy does not have."""
    size = {"F32": 4, "BF16": 2, "F8_E4M3": 1, "I64": 8}[dtype]
    text = json.dumps({"w": {"dtype": dtype, "shape": [2], "data_offsets": [0, 2 * size]}}).encode()
    path = tmp_path / "other.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 2 * size)
    with pytest.raises(ModelFileError, match="safetensors file of another program"):
        load_model(path)


def test_a_directory_and_a_missing_file_are_said_to_be_so(tmp_path: Path) -> None:
    """They are told apart."""
    with pytest.raises(ModelFileError, match="is a directory; give the model file in it"):
        load_model(tmp_path)
    with pytest.raises(ModelFileError, match=r"cannot read .*nope: No such file or directory"):
        load_model(tmp_path / "nope")


def test_a_newer_format_asks_for_an_update(whole: bytes, tmp_path: Path) -> None:
    """A file from the future is not called damaged."""
    path = rewritten(whole, tmp_path / "new", format=str(FORMAT + 1))
    with pytest.raises(
        ModelFileError, match=rf"format {FORMAT + 1}, written by a newer schuss.*Update schuss"
    ):
        load_model(path)


@pytest.mark.parametrize("told", ["", "0", "1", "-1", "one", "1.5", "²"])
def test_a_format_that_is_none_is_damage(whole: bytes, tmp_path: Path, told: str) -> None:
    """Whatever stands there is shown; 1 was in use before the first release only."""
    path = rewritten(whole, tmp_path / "odd", format=told)
    with pytest.raises(ModelFileError, match=f"is damaged: its format is '{told}', where {FORMAT}"):
        load_model(path)


@pytest.mark.parametrize("key", ["model", "digest", "kind", "format"])
def test_metadata_that_is_missing_or_other_is_refused(whole: bytes, tmp_path: Path, key: str) -> None:
    """Each of the four entries is needed and checked."""
    with pytest.raises(ModelFileError):
        load_model(rewritten(whole, tmp_path / "other", **{key: "{}"}))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["network", "layers"], [3, 0, 1]),
        (["network", "layers"], [3, 4]),
        (["network"], None),
        (["plan", "rule", "name"], "adam"),
        (["plan", "epochs"], "many"),
        (["preprocessor", "columns", 0], {}),
        (["preprocessor", "columns", 2], {"kind": "words", "name": "town", "places": [], "booleans": False}),
        (["preprocessor", "columns", 2, "unseen"], None),
        (["targets"], [{}]),
        (["targets"], None),
        (["engine"], {"engine": "native"}),
        (["step"], None),
        (["step"], -1),
        (["best_step"], 3),
        (["plan", "rule"], {"name": "gradient_descent", "learning_rate": 0.1}),
    ],
)
def test_a_description_with_a_right_checksum_is_still_checked(
    whole: bytes, tmp_path: Path, place: list[Any], value: Any
) -> None:
    """Someone else's program may write nonsense with a valid checksum; it is refused by name as well."""
    from schuss.training.sealed import _digest

    header = int.from_bytes(whole[:8], "little")
    told = json.loads(json.loads(whole[8 : 8 + header])["__metadata__"]["model"])
    at = told
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    text = json.dumps(told)
    digest = _digest(text, safetensors.numpy.load(whole))
    path = rewritten(whole, tmp_path / "nonsense", model=text, digest=digest)
    with pytest.raises(ModelFileError, match="is damaged"):
        load_model(path)
