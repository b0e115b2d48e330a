import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from darkvoyage.scoring.estimator import TransferScorer
from darkvoyage.scoring.evidence import EVIDENCE


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([TransferScorer()])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


def evidence(n, seed):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(n, len(EVIDENCE))), columns=list(EVIDENCE)).assign(port_id="RUVYP")
    odds = table["llr_silence"] + table["llr_sighting"] - 0.5
    return table, rng.random(n) < 1 / (1 + np.exp(-odds))


def test_learns_weights_of_the_evidence_it_was_given():
    scorer = TransferScorer().fit(*evidence(4000, 1))
    weight = dict(zip(EVIDENCE, scorer.coef_[0], strict=True))
    assert weight["llr_silence"] == pytest.approx(1.0, abs=0.15)
    assert weight["llr_call"] == pytest.approx(0.0, abs=0.15)
    p = scorer.predict_proba(evidence(500, 2)[0])
    np.testing.assert_allclose(p.sum(axis=1), 1.0)


def test_asks_to_be_fitted_first():
    with pytest.raises(NotFittedError, match="not fitted"):
        TransferScorer().predict_proba(np.zeros((1, 5)))
