"""Learn to tell the classes of a table apart, and say how well it went.

Runs inside a compute-to-data job, at a V3 Provider and at an Ocean Node alike: it sees the data,
and only what it writes to the outputs folder leaves. Standard library only (docs/algorithms.md).

The table is CSV with a header; the last column is the class. A Gaussian naive Bayes model is fitted
on four rows of five and scored on the fifth.
"""

import csv
import json
import math
import os
from collections import Counter
from pathlib import Path

INPUTS = Path(os.environ.get("INPUTS", "/data/inputs"))
OUTPUTS = Path(os.environ.get("OUTPUTS", "/data/outputs"))


def input_files():
    """Yield name and path of each input: V3 has a folder for each DID, a node the files alone."""
    dids = json.loads(os.environ.get("DIDS", "[]"))
    for name in dids or sorted(path.name for path in INPUTS.iterdir()):
        place = INPUTS / name
        for file in sorted(place.iterdir()) if place.is_dir() else [place]:
            if file.name != "algoCustomData.json":  # the job's parameters
                yield name, file


def read_tables():
    for name, file in input_files():
        with file.open(newline="") as lines:
            header, *rows = csv.reader(lines)
        print(f"{name}: {len(rows)} rows, {len(header) - 1} features")
        yield header, [([float(x) for x in row[:-1]], row[-1]) for row in rows]


def fit(rows):
    """Return for each class its log prior and the mean and variance of every feature."""
    model = {}
    for label in sorted({label for _, label in rows}):
        columns = list(zip(*(x for x, its in rows if its == label), strict=True))
        means = [math.fsum(column) / len(column) for column in columns]
        variances = [
            math.fsum((v - mean) ** 2 for v in column) / len(column) + 1e-12
            for column, mean in zip(columns, means, strict=True)
        ]
        model[label] = math.log(len(columns[0]) / len(rows)), means, variances
    return model


def predict(model, x):
    def log_likelihood(label):
        prior, means, variances = model[label]
        return prior - 0.5 * sum(
            math.log(2 * math.pi * var) + (v - mean) ** 2 / var
            for v, mean, var in zip(x, means, variances, strict=True)
        )

    return max(model, key=log_likelihood)


def score(model, rows):
    counts = Counter((label, predict(model, x)) for x, label in rows)
    per_class = {}
    for label in model:
        hits = counts[label, label]
        actual = sum(n for (true, _), n in counts.items() if true == label)
        called = sum(n for (_, said), n in counts.items() if said == label)
        per_class[label] = {
            "rows": actual,
            "precision": round(hits / called, 4) if called else None,
            "recall": round(hits / actual, 4) if actual else None,
        }
    return sum(counts[label, label] for label in model) / len(rows), per_class


def separation(model, header):
    """Rank the features by how far apart they hold the classes, in standard deviations."""
    ranked = []
    for i, name in enumerate(header[:-1]):
        means = [means[i] for _, means, _ in model.values()]
        spread = math.sqrt(sum(var[i] for _, _, var in model.values()) / len(model))
        ranked.append((round((max(means) - min(means)) / spread, 3), name))
    return [{"feature": name, "separation": d} for d, name in sorted(ranked, reverse=True)]


def main():
    tables = list(read_tables())
    header = tables[0][0]
    if any(other != header for other, _ in tables):
        raise SystemExit("the inputs have different columns; they cannot be learned together")
    rows = [row for _, rows in tables for row in rows]
    held_out = rows[4::5]
    training = [row for i, row in enumerate(rows) if i % 5 != 4]
    model = fit(training)
    accuracy, per_class = score(model, held_out)
    most_common = Counter(label for _, label in training).most_common(1)[0][0]
    report = {
        "rows": len(rows),
        "held_out": len(held_out),
        "accuracy": round(accuracy, 4),
        "baseline": round(sum(label == most_common for _, label in held_out) / len(held_out), 4),
        "classes": per_class,
        "features": separation(model, header)[:5],
    }
    print(f"accuracy {accuracy:.4f} on {len(held_out)} held-out rows")
    (OUTPUTS / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    with (OUTPUTS / "classes.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["class", "rows", "precision", "recall"])
        table.writerows([label, *figures.values()] for label, figures in per_class.items())


if __name__ == "__main__":
    main()
