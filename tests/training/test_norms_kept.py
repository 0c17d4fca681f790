"""The norms of a recorded training: which are kept, on the disk too, and which are made again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from problems import NETWORK, RULE, draw_data
from recorded import recorded
from schuss import Keep, Network, SettingError, load_run, train
from schuss.training.norms import ComingNorms, Norms
from schuss.training.series import BEGIN, as_block, whole_rows


def numbered(start: int, stop: int, every: int) -> np.ndarray:
    """Rows that say of which step they are."""
    steps = np.array([step for step in range(start, stop) if step % every == 0], np.float64)
    return np.stack([steps, steps + 0.25, steps + 0.5], axis=1)


@given(
    every=st.integers(1, 5),
    strides=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40), st.booleans()), max_size=12),
    most=st.integers(1, 12),
)
def test_rows_are_those_of_the_steps_whose_number_their_distance_divides(
    every: int, strides: list[tuple[int, int, bool]], most: int
) -> None:
    """However many were given up, written or not; strides may begin again before the end of the last."""
    coming, step = ComingNorms(Norms(every, 0, np.empty((0, 3)))), 0
    disk, written_to = Norms(every, 0, np.empty((0, 3))), 0
    for back, on, writes in strides:
        start = max(written_to, step - back)
        step = start + on
        coming.add(start, numbered(start, step, coming.every))
        if not writes:
            continue
        times = coming.halvings_for(most)
        coming.thin(times)
        disk = disk.thinned(times)
        assert len(disk.rows) == coming.written
        disk = Norms(every, coming.halvings, np.concatenate([disk.rows, *coming.hand_over()]))
        written_to = step
        assert disk.rows.tobytes() == numbered(0, step, coming.every).tobytes()
        assert (disk.every, len(disk.rows)) == (coming.every, coming.written)
        assert len(disk.rows) <= most
        assert times == 0 or 2 * len(disk.rows) >= most
        assert disk.before(step // 2).rows.tobytes() == numbered(0, step // 2, disk.every).tobytes()
    known = disk.up_to(written_to + 20).rows
    assert known[: len(disk.rows)].tobytes() == disk.rows.tobytes()
    assert np.isnan(known[len(disk.rows) :]).all()


def test_none_are_kept_where_none_are_asked_for(tmp_path: Path) -> None:
    """Nor is there a file for them."""
    run = recorded(tmp_path / "run", keep=Keep(seconds=0, norms=0))
    for each in (run, load_run(tmp_path / "run"), train(resume=tmp_path / "run")):
        assert (each.norms.shape, each.norms_every) == ((0, 3), 0)
    assert not (tmp_path / "run" / "norms.bin").exists()


def test_where_there_are_too_many_every_second_is_given_up(tmp_path: Path) -> None:
    """On the disk too, until they take a quarter of the size; resumed or not they are the same."""
    keep = Keep(seconds=0, norms=3, size=24 * 4 * 20)

    def interrupt(epoch: Any) -> None:
        if epoch.number == 41:
            raise KeyboardInterrupt

    every = recorded(tmp_path / "every", keep=Keep(seconds=0, norms=1))
    whole = recorded(tmp_path / "whole", keep=keep)
    with pytest.raises(KeyboardInterrupt):
        recorded(tmp_path / "run", keep=keep, callbacks=[interrupt])
    assert load_run(tmp_path / "run").norms_every == 12
    resumed = train(resume=tmp_path / "run")

    for run in (whole, resumed, load_run(tmp_path / "run"), load_run(tmp_path / "whole")):
        assert run.norms_every == 24
        assert run.norms.tobytes() == every.norms[::24].tobytes()
    assert (tmp_path / "run" / "norms.bin").stat().st_size <= 24 * 20 + 32 * 20


@given(
    sizes=st.lists(st.integers(0, 50_000), min_size=1, max_size=6),
    columns=st.integers(1, 3),
    first=st.integers(0, 3),
    dtype=st.sampled_from(["float32", "float64"]),
)
@settings(max_examples=25)
def test_rows_in_parts_are_read_again_as_they_were(
    sizes: list[int], columns: int, first: int, dtype: str
) -> None:
    """However they are cut, in a block that follows another; cut off or of another kind, it is none."""
    rng = np.random.default_rng(sum(sizes))
    parts = [rng.standard_normal((size, columns)).astype(dtype) for size in sizes]
    rows = np.concatenate(parts)
    head = np.full((first, columns), 0.5, dtype)
    before = bytes(as_block(0, [head])) if first else b""
    content = before + bytes(as_block(first, parts))
    found, halvings = whole_rows(content, columns, dtype)

    assert (found.tobytes(), halvings) == (head.tobytes() + rows.tobytes(), 0)
    assert len(content) - len(before) == rows.nbytes + BEGIN
    assert len(whole_rows(content[:-1], columns, dtype)[0]) == first
    assert not len(whole_rows(content, columns, {"float32": "float64", "float64": "float32"}[dtype])[0])


def test_blocks_after_another_thinning_end_what_is_known() -> None:
    """Rows of two distances are never taken for one series."""
    first = as_block(0, [numbered(0, 6, 2)], 1)
    assert whole_rows(bytes(first) + bytes(as_block(3, [numbered(6, 12, 2)], 1)), 3)[0].shape == (6, 3)
    rows, halvings = whole_rows(bytes(first) + bytes(as_block(3, [numbered(6, 12, 4)], 2)), 3)
    assert (rows.tobytes(), halvings) == (numbered(0, 6, 2).tobytes(), 1)


def test_norms_are_kept_every_so_many_steps(tmp_path: Path) -> None:
    """As `Keep.norms` says, also over a stop; of a fork from its step on."""
    X, T = draw_data()
    keep = Keep(seconds=0, norms=7)

    def interrupt(epoch: Any) -> None:
        if epoch.number == 31:
            raise KeyboardInterrupt

    whole = recorded(tmp_path / "whole", keep=keep)
    with pytest.raises(KeyboardInterrupt):
        recorded(tmp_path / "run", keep=keep, callbacks=[interrupt])
    resumed = train(resume=tmp_path / "run")
    fork = whole.fork(100, record=tmp_path / "fork", keep=keep)

    assert whole.norms.shape == (43, 3)
    for run in (resumed, load_run(tmp_path / "run"), load_run(tmp_path / "whole")):
        assert run.norms.tobytes() == whole.norms.tobytes()
    assert np.isnan(fork.norms[:15]).all()
    assert (load_run(tmp_path / "fork").norms[15:] == whole.norms[15:]).all()
    step = 21
    gradient = whole.replay.engine.gradient(
        NETWORK,
        whole.at(step).theta,
        whole.replay.samples.take(whole.plan.batch(step, 22)),
        whole.plan.objective,
    ).gradient
    velocity = whole.at(step + 1).velocity  # which is the change
    expected = [float(np.linalg.norm(v)) for v in (gradient, velocity, velocity)]
    np.testing.assert_allclose(whole.norms[3], expected, rtol=1e-12)
    assert not np.allclose(whole.norms[4], expected, rtol=1e-3)
    assert train(NETWORK, X, T, epochs=2, batch_size=5).norms.shape == (0, 3)


def test_norms_of_every_step_are_made_again(tmp_path: Path) -> None:
    """Whatever was kept of them: the bits of a recording that kept them all, and of a run that kept none."""
    every = recorded(tmp_path / "every", keep=Keep(seconds=0, norms=1))
    few = recorded(tmp_path / "few", keep=Keep(seconds=0, norms=64))
    X, T = draw_data()
    none = train(NETWORK, X, T, rule=RULE, epochs=60, batch_size=5)

    for run in (every, few, none, load_run(tmp_path / "few")):
        assert run.norms_of(3, 200).tobytes() == every.norms[3:200].tobytes()
    assert few.norms_of(4, 200).tobytes() != every.norms[3:199].tobytes()
    assert few.norms_of(300, 300).shape == (0, 3)
    for start, stop in ((3, 301), (5, 4), (-1, 4)):
        with pytest.raises(SettingError):
            few.norms_of(start, stop)


@pytest.mark.parametrize(
    ("layers", "batch", "every"),
    [
        ((4, 10, 3), 16, 1),
        ((4, 10, 3), 8, 64),
        ((4, 17, 3), 16, 64),
        ((30, 64, 32, 2), 32, 1),
        ((64, 128, 10), 32, 1),
        ((64, 128, 10), 16, 8),
        ((64, 128, 10), 1, 8),
        ((1024, 1024, 10), 1, 8),
        ((1024, 1024, 10), 256, 1),
    ],
    ids=str,
)
def test_they_are_kept_as_often_as_they_cost_little(layers: tuple[int, ...], batch: int, every: int) -> None:
    """By default: at every step where squaring is little beside the rest."""
    network = Network(layers)
    assert Keep().norms_every(network, batch) == every
    assert Keep().norms_every(network, batch, is_sparse=True) == 64
    assert Keep(norms=3).norms_every(network, batch, is_sparse=True) == 3
    assert Keep().norms_every(network, batch, is_alone=True) == (64 if layers == (4, 10, 3) else every)


def test_the_folder_says_how_often(tmp_path: Path) -> None:
    """What was left to schuss is written down as a number."""
    X, T = draw_data(130)
    made = train(NETWORK, X, T, epochs=20, batch_size=5, record=tmp_path / "run")
    opened, every = load_run(tmp_path / "run"), Keep().norms_every(NETWORK, 5)
    assert (opened.norms_every, len(opened.norms)) == (every, -(-opened.state.step // every))
    assert opened.norms.tobytes() == made.norms.tobytes()
    assert np.isfinite(opened.norms).all()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["run"]["keep"]["norms"] == every > 1


@pytest.mark.parametrize("norms", [-1, 1.5, "64", True, float("nan")])
def test_how_often_is_a_whole_number(norms: Any) -> None:
    """What is no such number is refused with what was given; 0, 1 and None are taken."""
    with pytest.raises(SettingError, match="norms must be an integer of at least 0; got"):
        Keep(norms=norms)
    assert [Keep(norms=each).norms_every(Network([100, 100]), 128) for each in (0, 1, None)] == [0, 1, 1]


def test_rows_of_another_kind_are_none(tmp_path: Path) -> None:
    """A recording whose lengths are of another dtype opens and goes on without them; its losses are there."""
    X, T = draw_data(dtype="float32")
    whole, folder = train(NETWORK, X, T, epochs=60, batch_size=5), tmp_path / "run"

    def interrupt(epoch: Any) -> None:
        if epoch.number == 31:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(
            NETWORK,
            X,
            T,
            epochs=60,
            batch_size=5,
            record=folder,
            keep=Keep(0, norms=1),
            callbacks=[interrupt],
        )
    known = load_run(folder).norms
    assert (known.dtype, known.shape[1]) == (np.float32, 3)
    (folder / "norms.bin").write_bytes(as_block(0, [known.astype(np.float64)]))
    assert load_run(folder).norms.shape == (0, 3)
    resumed = train(resume=folder)
    assert resumed.state.digest() == whole.state.digest()
    assert resumed.step_loss.tobytes() == whole.step_loss.tobytes()
    assert np.isnan(resumed.norms[: len(known)]).all()
    assert np.isfinite(resumed.norms[len(known) :]).all()
    assert len(resumed.norms) == whole.state.step > len(known)
