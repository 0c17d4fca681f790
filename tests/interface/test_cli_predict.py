"""`schuss predict` and `schuss evaluate`: rows in, answers out, in the table's own words."""

import csv
import io
from pathlib import Path

import pytest
from commands import invoke, invoke_json, write_csv

from schuss import load_model, read_table

COLUMNS = "length,width,town"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table, a model of it, and a table of new rows without the target."""
    folder = tmp_path_factory.mktemp("predict")
    table = write_csv(folder / "t.csv")
    new = [line.rsplit(",", 1)[0] for line in table.read_text().splitlines()[:20]]
    (folder / "new.csv").write_text("\n".join(new) + "\n")
    done = invoke("train", table, "-t", "kind", "-q", "--epochs", "400", "-o", folder / "m.schuss")
    assert done.code == 0, done.err
    return folder


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_predictions_are_csv_with_a_row_for_each_row(folder: Path) -> None:
    """Under the target's name, equal to the library's, with nothing on stderr."""
    done = invoke("predict", folder / "m.schuss", folder / "new.csv")
    model, table = load_model(folder / "m.schuss"), read_table(folder / "new.csv")

    assert (done.code, done.err) == (0, "")
    told = [row["kind"] for row in rows_of(done.out)]
    assert told == model.predict(table)["kind"].tolist()
    assert len(told) == 19
    assert set(told) == {"long", "wide"}


def test_proba_adds_the_probability_of_each_class(folder: Path) -> None:
    """Named by target and class; they add up to one and the larger is the prediction."""
    done = invoke("predict", folder / "m.schuss", folder / "new.csv", "--proba")

    for row in rows_of(done.out):
        shares = {label: float(row[f"kind={label}"]) for label in ("long", "wide")}
        assert sum(shares.values()) == pytest.approx(1.0)
        assert max(shares, key=lambda label: shares[label]) == row["kind"]
    assert list(rows_of(done.out)[0]) == ["kind", "kind=long", "kind=wide"]


def test_out_writes_the_same_to_a_file(folder: Path, tmp_path: Path) -> None:
    """And nothing to stdout; the message says how many."""
    args = ("predict", folder / "m.schuss", folder / "new.csv")
    for option in ("-o", "--out"):
        done = invoke(*args, option, tmp_path / "p.csv")

        assert (done.code, done.out) == (0, "")
        assert f"19 predictions written to {tmp_path / 'p.csv'}" in done.err
        assert (tmp_path / "p.csv").read_text() == invoke(*args).out


def test_json_holds_the_same_columns(folder: Path) -> None:
    """Lists by name, as many as rows."""
    args = ("predict", folder / "m.schuss", folder / "new.csv", "--proba")
    told, rows = invoke_json(*args), rows_of(invoke(*args).out)

    assert told["kind"] == [row["kind"] for row in rows]
    assert told["kind=long"] == [float(row["kind=long"]) for row in rows]


def test_stdin_is_predicted_from(folder: Path) -> None:
    """A dash reads it."""
    args = ("predict", folder / "m.schuss")
    new = folder / "new.csv"

    assert invoke(*args, "-", stdin=new.read_bytes()).out == invoke(*args, new).out


def test_columns_may_come_in_another_order_and_with_others(folder: Path, tmp_path: Path) -> None:
    """They are found by name."""
    rows = rows_of((folder / "new.csv").read_text())
    lines = ["extra,town,width,length"]
    lines += [f"x,{r['town']},{r['width']},{r['length']}" for r in rows]
    (tmp_path / "n.csv").write_text("\n".join(lines) + "\n")
    plain = invoke("predict", folder / "m.schuss", folder / "new.csv")

    assert invoke("predict", folder / "m.schuss", tmp_path / "n.csv").out == plain.out


def test_a_word_never_seen_and_a_gap_are_predicted_from(folder: Path, tmp_path: Path) -> None:
    """The unseen stands at the centre of the known, the missing number is filled."""
    (tmp_path / "n.csv").write_text(f"{COLUMNS}\n1.0,2.0,Genf\n,2.0,Bern\n")
    done = invoke("predict", folder / "m.schuss", tmp_path / "n.csv")

    assert (done.code, len(rows_of(done.out))) == (0, 2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("length,width\n1,2\n", "n.csv lacks 'town'"),
        ("lenght,width,town\n1,2,Bern\n", "lacks 'length' (did you mean 'lenght'?)"),
        (f"{COLUMNS}\nlong,2,Bern\n", "'length'"),
        (f"{COLUMNS}\ninf,2,Bern\n", "'length'"),
        (f"{COLUMNS}\n", "n.csv"),
    ],
)
def test_tables_that_do_not_fit_the_model_are_refused(
    folder: Path, tmp_path: Path, text: str, sentence: str
) -> None:
    """With the column's name, and nothing is written."""
    (tmp_path / "n.csv").write_text(text)
    done = invoke("predict", folder / "m.schuss", tmp_path / "n.csv", "-o", tmp_path / "out.csv")

    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert sentence in done.err
    assert not (tmp_path / "out.csv").exists()


def test_numbers_have_no_probabilities(tmp_path: Path) -> None:
    """`--proba` on a regression is answered by a sentence."""
    model = tmp_path / "m"
    assert invoke("train", "diabetes", "--epochs", "2", "-q", "-o", model).code == 0
    done = invoke("predict", model, "diabetes", "--proba")

    assert (done.code, done.out) == (1, "")
    assert "probabilities are for classes only" in done.err
    assert all(float(row["progression"]) for row in rows_of(invoke("predict", model, "diabetes").out))


def test_evaluate_prints_the_scores(folder: Path) -> None:
    """Of the library, in a line and as JSON."""
    args = ("evaluate", folder / "m.schuss", folder / "t.csv")
    expected = load_model(folder / "m.schuss").evaluate(read_table(folder / "t.csv"))
    told = invoke_json(*args)

    assert told == {**expected, "rows": 60}
    line = f"t.csv: 60 rows, accuracy {told['accuracy']:.4g}  log loss {told['log_loss']:.4g}\n"
    assert invoke(*args).out == line
    stdin = (folder / "t.csv").read_bytes()
    assert invoke_json("evaluate", folder / "m.schuss", "-", stdin=stdin) == told


def test_evaluate_needs_the_answers(folder: Path, tmp_path: Path) -> None:
    """A table without the target, or with a class never seen, is refused."""
    done = invoke("evaluate", folder / "m.schuss", folder / "new.csv")
    assert done.code == 1
    assert "no column 'kind'" in done.err

    (tmp_path / "n.csv").write_text(f"{COLUMNS},kind\n1,2,Bern,wyde\n")
    done = invoke("evaluate", folder / "m.schuss", tmp_path / "n.csv")
    assert done.code == 1
    assert "'wyde', which was not there" in done.err
    assert "did you mean 'wide'" in done.err
