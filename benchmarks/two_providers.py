"""Gaps that a second satellite provider confirmed or refuted: published rules, stock boosting, and models of ours.

Run `python benchmarks/two_providers.py LABELLED_GAPS.csv.gz`. The file is the public training part of Welch et al. 2022
(94,823 gaps of fishing vessels, models_v20210816 of GlobalFishingWatch/AIS-disabling-high-seas): reception at the place
where the gap begins, satellite positions in the 12 h, and in the length of the gap, before and after it, and whether
the second provider was silent for 12 h too.

It names no vessel, place or time, so random folds share vessels between training and test and are optimistic. Two
stricter splits show by how much: folds that share no value of the reception (to four decimals it names cell, month and
class), and ten contiguous parts of the file, in which gaps of a vessel seem to stand together. Thresholds are chosen
for F0.5 on a quarter of the training rows that the model for it did not see, never on test rows.
"""

import argparse

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, precision_recall_curve, precision_score, recall_score
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.utils.parallel import Parallel, delayed

from darkvoyage.scoring.evaluation.metrics import area_under_roc, average_precision, brier, calibration_error

RECEPTION, LABEL = "positions_per_day_off", "label_disabled"
BEFORE = ["sat_positions_12h_before", "sat_positions_Xh_before"]
AFTER = ["sat_positions_12h_after", "sat_positions_Xh_after"]
FOLDS, WORKERS = 10, 2
STOCK, SPLINES, TREES = "stock boosting", "logistic on splines", "extra trees"
CAREFUL, MEMORY = "boosting, careful features", "the same + memory of places"
BLENDED, BLEND = (SPLINES, TREES, CAREFUL), "mean of splines, trees, careful"
SETS = {"before": BEFORE, "before and after": BEFORE + AFTER}


def rules(gaps):
    """Decisions of the published rules, and of none."""
    return {
        "every gap": np.ones(len(gaps), dtype=bool),
        "reception > 10 and >= 14 in 12 h before (2022)": ((gaps[RECEPTION] > 10) & (gaps[BEFORE[0]] >= 14)).to_numpy(),
        ">= 19 in X h before (2021, best single feature)": (gaps[BEFORE[1]] >= 19).to_numpy(),
        "reception >= 49": (gaps[RECEPTION] >= 49).to_numpy(),
    }


def careful(gaps, counts):
    """Logs of the counts, their ratios, and what was heard over what the place promises in 12 h."""
    reception, before, long_before = (gaps[name].astype(float) for name in [RECEPTION, *BEFORE])
    columns = {RECEPTION: reception, "log_reception": np.log(reception)}
    columns |= {name: np.log1p(gaps[name]) for name in counts}
    for label, short, long in (("before", *BEFORE), ("after", *AFTER)):
        if short in counts:
            columns[f"length_{label}"] = np.log((gaps[long] + 0.5) / (gaps[short] + 0.5))
            columns[f"own_factor_{label}"] = np.log((gaps[short] + 0.5) / (reception / 2 + 0.5))
            columns[f"long_{label}_over_reception"] = np.log((gaps[long] + 0.5) / (reception + 0.5))
    if set(AFTER) <= set(counts):
        after, long_after = (gaps[name].astype(float) for name in AFTER)
        columns["change_12h"] = np.log((after + 0.5) / (before + 0.5))
        columns["change_Xh"] = np.log((long_after + 0.5) / (long_before + 0.5))
        columns["both_12h"], columns["both_Xh"] = np.log1p(before + after), np.log1p(long_before + long_after)
        columns["least_12h"] = np.log1p(np.minimum(before, after))
        columns["least_Xh"] = np.log1p(np.minimum(long_before, long_after))
    return pd.DataFrame(columns)


class PlaceShare(TransformerMixin, BaseEstimator):
    """Share of confirmed gaps among other training rows of the very same reception value, drawn towards the mean.

    Training rows get the share of folds they are not in: their own label must not speak.
    """

    def __init__(self, prior=3.0):
        self.prior = prior

    def fit(self, X, y):
        groups = pd.Series(y, dtype=float).groupby(np.asarray(X).ravel())
        self.mean_ = float(np.mean(y))
        self.shares_ = (groups.sum() + self.prior * self.mean_) / (groups.size() + self.prior)
        return self

    def transform(self, X):
        return pd.Series(np.asarray(X).ravel()).map(self.shares_).fillna(self.mean_).to_numpy()[:, None]

    def fit_transform(self, X, y):
        X, y = np.asarray(X), np.asarray(y)
        shares = np.empty((len(X), 1))
        for others, rows in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
            shares[rows] = self.fit(X[others], y[others]).transform(X[rows])
        self.fit(X, y)
        return shares


def boosting():
    """Shrunk further than the library's default; chosen once, on five random folds of one seed."""
    return HistGradientBoostingClassifier(
        learning_rate=0.08, max_iter=150, min_samples_leaf=40, l2_regularization=5.0, random_state=0
    )


def models(gaps, counts):
    """Estimators by name, each with the columns it sees."""
    features = careful(gaps, counts)
    splines = make_pipeline(
        SplineTransformer(n_knots=12, knots="quantile"), StandardScaler(), LogisticRegression(C=0.1, max_iter=500)
    )
    trees = ExtraTreesClassifier(
        100, min_samples_leaf=10, max_features=0.5, bootstrap=True, max_samples=0.3, random_state=0
    )
    memory = make_pipeline(make_column_transformer((PlaceShare(), [RECEPTION]), remainder="passthrough"), boosting())
    return {
        STOCK: (HistGradientBoostingClassifier(random_state=0), gaps[[RECEPTION, *counts]]),
        SPLINES: (splines, features.drop(columns=RECEPTION)),
        TREES: (trees, features),
        CAREFUL: (boosting(), features),
        MEMORY: (memory, features),
    }


def best_threshold(p, y):
    """Threshold of the best F0.5."""
    precision, recall, thresholds = precision_recall_curve(y, p)
    score = 1.25 * precision * recall / np.maximum(0.25 * precision + recall, 1e-12)
    return thresholds[np.argmax(score[:-1])]


def splits(kind, gaps, repeat):
    """Pairs of training and test rows."""
    if kind == "random":
        return StratifiedKFold(FOLDS, shuffle=True, random_state=repeat).split(gaps, gaps[LABEL])
    if kind == "no shared place":
        return GroupKFold(FOLDS, shuffle=True, random_state=repeat).split(gaps, groups=gaps[RECEPTION])
    return KFold(FOLDS).split(gaps)


def cross_validated(gaps, chosen, *, kind="random", repeats=1):
    """Answers to every gap by models that were not fitted on it: probability `p` and decision `said`, by repeat."""
    label = gaps[LABEL].to_numpy()
    folds = [(repeat, fold, *rows) for repeat in range(repeats) for fold, rows in enumerate(splits(kind, gaps, repeat))]
    # One core a fold: the threads of one fit mostly wait for each other where cores are shared.
    parts = Parallel(n_jobs=WORKERS)(delayed(answers_to)(label, chosen, *each) for each in folds)
    return pd.concat(parts, ignore_index=True)


def answers_to(label, chosen, repeat, fold, train, test):
    """Answers of all models to one fold, the threshold of each chosen on a quarter of its training rows."""
    rest, held = train_test_split(train, test_size=0.25, random_state=repeat, stratify=label[train])
    answers = {}
    for name, (model, X) in chosen.items():
        answers[name] = [
            clone(model).fit(X.iloc[rows], label[rows]).predict_proba(X.iloc[asked])[:, 1]
            for rows, asked in ((rest, held), (train, test))
        ]
    if set(BLENDED) <= set(answers):
        answers[BLEND] = [np.mean(same, axis=0) for same in zip(*(answers[name] for name in BLENDED), strict=True)]
    parts = []
    for name, (p_held, p) in answers.items():
        columns = {"p": p, "said": p >= best_threshold(p_held, label[held]), "y": label[test]}
        parts.append(pd.DataFrame({"model": name, "repeat": repeat, "fold": fold} | columns))
    return pd.concat(parts)


def decided(said, y):
    """F0.5, precision and recall of decisions."""
    scores = fbeta_score(y, said, beta=0.5, zero_division=0.0), precision_score(y, said, zero_division=0.0)
    return [*scores, recall_score(y, said)]


def ranked(p, y):
    """Areas and calibration of probabilities."""
    return [area_under_roc(p, y), average_precision(p, y), brier(p, y), calibration_error(p, y)]


def of_models(answers):
    """One row per model: means over repeats, and its F0.5 against stock boosting in the same folds.

    The interval is 95 % by the corrected resampled t test (Nadeau and Bengio 2003), as folds share training rows.
    """
    by_fold = answers.groupby(["model", "repeat", "fold"], sort=False)[["said", "y"]].apply(
        lambda rows: decided(rows["said"], rows["y"])[0]
    )
    folds = by_fold.reset_index(name="f_half").pivot_table("f_half", ["repeat", "fold"], "model")
    for name, rows in answers.groupby("model", sort=False):
        runs = [ranked(run["p"].to_numpy(), run["y"].to_numpy()) + decided(run["said"], run["y"])
                for _, run in rows.groupby("repeat")]  # fmt: skip
        gain = folds[name] - folds[STOCK]
        width = student.ppf(0.975, len(gain) - 1) * gain.std() * np.sqrt(1 / len(gain) + 1 / (FOLDS - 1))
        beside = "" if name == STOCK else f"{gain.mean():+.4f} ± {width:.4f}"
        area, ap, score, error, f_half, precise, found = np.mean(runs, axis=0)
        yield [name, f_half, folds[name].std(), beside, precise, found, area, ap, score, error]


def irreducible(gaps, counts, *, tolerance):
    """Rows with a twin (same counts, reception within about `tolerance`), and the least Brier score possible on them.

    Twins differ in label with probability 2 q (1 - q), q the chance of "confirmed" given all that is known of them:
    s (n - s) / (n - 1) summed over groups of n twins, s of them confirmed, has the expectation of the sum of q (1 - q).
    """
    near = np.floor(np.log(gaps[RECEPTION]) / tolerance) if tolerance else gaps[RECEPTION]
    groups = gaps[LABEL].groupby([near, *(gaps[name] for name in counts)])
    size, confirmed = groups.transform("size"), groups.transform("sum")
    twin = (size > 1).to_numpy()
    q = (confirmed * (size - confirmed) / (size * (size - 1)).clip(lower=1))[twin]
    return twin, float(q.mean())


def line(cells):
    """A row of a Markdown table."""
    return f"| {' | '.join(cell if isinstance(cell, str) else f'{cell:.4f}' for cell in cells)} |"


def heading(*names):
    """The first two rows of a Markdown table, text on the left."""
    return f"{line(names)}\n| --- |{' ---: |' * (len(names) - 1)}"


def print_unfitted(gaps):
    """Print published rules, and what our law ranks by where nothing is fitted to labels."""
    print("\n## Rules\n", heading("rule", "F0.5", "precision", "recall"), sep="\n")
    for name, said in rules(gaps).items():
        print(line([name, *decided(said, gaps[LABEL])]))
    print("\n## Unfitted rankings\n", heading("score", "AUC", "AP", "best F0.5, threshold seen"), sep="\n")
    reception, short, long = (gaps[name].to_numpy(float) for name in [RECEPTION, *BEFORE])
    factor = (short + 3) / (reception / 2 + 3)
    for name, score in {
        "satellite positions in 12 h before": short,
        "reception of the place": reception,
        "expected in 12 h: reception x own factor (k = 3)": reception / 2 * factor,
        "satellite positions in X h before = expected in the gap": long,
    }.items():
        f_half = decided(score >= best_threshold(score, gaps[LABEL]), gaps[LABEL])[0]
        y = gaps[LABEL].to_numpy()
        print(line([name, area_under_roc(score, y), average_precision(score, y), f_half]))


def print_models(gaps, counts, what, repeats):
    """Print all models on random folds, and the leading ones on stricter splits."""
    print(f"\n## Features: reception and counts {what}\n")
    columns = ["F0.5", "sd of folds", "F0.5 - stock", "precision", "recall", "AUC", "AP", "Brier", "ECE"]
    chosen = models(gaps, counts)
    print(heading(f"random, {FOLDS} folds x {repeats}", *columns))
    answers = cross_validated(gaps, chosen, repeats=repeats)
    print("\n".join(line(row) for row in of_models(answers)), flush=True)
    leading = {name: chosen[name] for name in (STOCK, CAREFUL, MEMORY)}
    for kind in ("no shared place", "parts of the file"):
        print(f"\n{heading(f'{kind}, {FOLDS} folds', *columns)}")
        print("\n".join(line(row) for row in of_models(cross_validated(gaps, leading, kind=kind))), flush=True)
    return answers


def print_ceiling(gaps, counts, what, answers):
    """Print what twins say of the best that these columns allow."""
    first = answers[answers["repeat"] == 0]
    tests = np.concatenate([test for _, test in splits("random", gaps, 0)])
    columns = ("twins: counts " + what, "rows", "least Brier", f"Brier of {CAREFUL}", f"Brier of {MEMORY}")
    print(f"\n{heading(*columns)}")
    for tolerance, words in ((0.1, "reception within 10 %"), (0.02, "within 2 %"), (0.0, "identical")):
        twin, least = irreducible(gaps, counts, tolerance=tolerance)
        row = [words, f"{twin.sum():,}", least]
        for name in (CAREFUL, MEMORY):
            p = np.empty(len(gaps))
            p[tests] = first.loc[first["model"] == name, "p"]
            row.append(brier(p[twin], gaps[LABEL].to_numpy()[twin]))
        print(line(row), flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="CSV of labelled gaps")
    parser.add_argument("--repeats", type=int, default=1, help="of the random folds")
    options = parser.parse_args(arguments)
    gaps = pd.read_csv(options.file)
    print(f"{len(gaps):,} gaps, {gaps[LABEL].sum():,} confirmed by the second provider; no vessel ids.")
    print_unfitted(gaps)
    for what, counts in SETS.items():
        answers = print_models(gaps, counts, what, options.repeats)
        print_ceiling(gaps, counts, what, answers)


if __name__ == "__main__":
    main()
