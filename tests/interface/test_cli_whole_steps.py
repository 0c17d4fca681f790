"""Rules that look at a whole step, from a terminal."""

from pathlib import Path

from commands import invoke, invoke_json


def test_they_are_trained_and_shown_from_a_terminal(tmp_path: Path) -> None:
    """By name, with a setting that is a word; a model file keeps the rule."""
    model = tmp_path / "m.schuss"
    how = ["--rule", "line_search", "--set", "method=brent", "--epochs", "5", "--hidden", "4"]
    told = invoke_json("train", "iris", *how, "--no-record", "--out", model)
    assert told["plan"]["batch_size"] is None
    assert told["rule"] == {**told["rule"], "name": "line_search", "method": "brent"}
    assert told["effective_rate"] is None
    assert "direction, length, kept" in invoke("show", model).out
    refused = invoke("train", "iris", *how, "--batch-size", 4)
    assert refused.code == 2
    assert "leave the batch size out" in refused.told


def test_a_step_of_theirs_is_explained(tmp_path: Path) -> None:
    """With the line of what came from elsewhere; causes of spikes are refused in a sentence."""
    run = tmp_path / "run"
    how = ["--rule", "newton", "--hidden", 4, "--epochs", 5, "--record", run, "--set", "ridge=1"]
    assert invoke("train", "iris", *how).code == 0
    told = invoke_json("explain", run, "--step", 3)
    assert told["balances"]
    assert "the other weights" in told["lines"]
    assert "weight by weight" in invoke("explain", run, "--spike").told
