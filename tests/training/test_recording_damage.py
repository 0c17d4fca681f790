"""Of a recording that is damaged nothing wrong is used: what is damaged is named."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from problems import NETWORK, RULE, draw_data
from recorded import leave_some, recorded, same_runs
from schuss import (
    RecordError,
    load_run,
    train,
)


def test_a_checkpoint_with_any_byte_flipped_is_named_and_passed_over(tmp_path: Path) -> None:
    """The last whole one is used, and the training goes on to the same end."""
    run = recorded(tmp_path / "run", epochs=40)
    folder = tmp_path / "run" / "checkpoints"
    last = sorted(folder.iterdir())[-1]
    whole = last.read_bytes()
    for at in [*range(16), *range(16, len(whole), 97), len(whole) - 1]:
        flipped = bytearray(whole)
        flipped[at] ^= 0x20
        last.write_bytes(flipped)
        with pytest.warns(UserWarning, match=last.name):
            opened = load_run(tmp_path / "run")
        assert opened.state.step < run.state.step
    for length in (0, 5, len(whole) // 2, len(whole) - 1):
        last.write_bytes(whole[:length])
        with pytest.warns(UserWarning, match=last.name):
            load_run(tmp_path / "run")
    with pytest.warns(UserWarning, match=last.name):
        resumed = train(resume=tmp_path / "run")
    assert same_runs(resumed, run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_run(tmp_path / "run")  # the damaged one is whole again


def test_a_damaged_checkpoint_behind_a_step_is_named_and_a_later_one_proves_it(tmp_path: Path) -> None:
    """The state comes out as it was; where all is whole nobody is warned."""
    run = recorded(tmp_path / "run", epochs=40)
    leave_some(tmp_path / "run", 5)
    places = sorted((tmp_path / "run" / "checkpoints").iterdir())
    step = int(places[1].stem) - 1
    wanted = run.at(step).digest()
    places[1].write_bytes(b"nothing")

    with pytest.warns(UserWarning, match=f"{places[1].name}.*proved by a later one"):
        assert load_run(tmp_path / "run").at(step).digest() == wanted
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_run(tmp_path / "run").at(int(places[2].stem) + 1)


def test_no_whole_checkpoint_is_an_error_that_says_so(tmp_path: Path) -> None:
    """And so are a description and data with a byte flipped, each by name."""
    recorded(tmp_path / "run", theta=NETWORK.initial(5))
    for path in (tmp_path / "run" / "checkpoints").iterdir():
        path.write_bytes(b"nothing")
    with (
        pytest.raises(RecordError, match="no whole checkpoint"),
        pytest.warns(UserWarning, match=r"damaged|too few"),
    ):
        load_run(tmp_path / "run")
    whole_run = recorded(tmp_path / "drawn")
    for path in (tmp_path / "drawn" / "checkpoints").iterdir():
        path.write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="few"):  # first weights that were drawn are drawn again
        assert same_runs(train(resume=tmp_path / "drawn"), whole_run)
    for name in ("data.safetensors", "run.json"):
        recorded(tmp_path / name)
        path = tmp_path / name / name
        whole = path.read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 60)):
            flipped = bytearray(whole)
            flipped[at] ^= 0x01
            path.write_bytes(flipped)
            with pytest.raises(RecordError, match=name):
                load_run(tmp_path / name)


def test_losses_that_are_damaged_are_computed_again(tmp_path: Path) -> None:
    """Opened they are NaN from there on; resumed, the run has them all."""
    X, T = draw_data()
    whole = train(NETWORK, X, T, rule=RULE, epochs=60, batch_size=5)

    def interrupt(epoch: Any) -> None:
        if epoch.number == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recorded(tmp_path / "run", callbacks=[interrupt])
    path = tmp_path / "run" / "losses.bin"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    opened = load_run(tmp_path / "run")

    assert np.isnan(opened.step_loss[-1])
    assert not np.isnan(opened.step_loss[0])
    assert same_runs(train(resume=tmp_path / "run"), whole)
