"""How fast reception is learned from cleaned fixes, and gaps are judged, beside sorting the fixes with numpy."""

from traffic import best_s, sort_s, traffic

from darkvoyage.gaps.find import find_gaps
from darkvoyage.gaps.reception import fit_reception
from darkvoyage.gaps.silence import score_silence
from darkvoyage.rules.tracks import GapRule
from darkvoyage.tracks.cleaning import clean_fixes


def run(*, rows):
    """Measure the best of three of each."""
    table = traffic(rows=rows)
    cleaned = clean_fixes(table)
    gaps = find_gaps(cleaned, rule=GapRule(min_gap_h=6.0))
    model = fit_reception(cleaned)
    ours = best_s(lambda: len(fit_reception(cleaned).counts))
    score_silence(gaps, model)  # once before, so that what the model keeps ready is ready
    judged = best_s(lambda: len(score_silence(gaps, model)))
    since = cleaned["timestamp"].min()
    minutely = cleaned.assign(timestamp=since + (cleaned["timestamp"] - since) // 10)
    dense = best_s(lambda: len(fit_reception(minutely).counts))
    floor = sort_s(table)
    return {
        "rows": rows,
        "gaps": len(gaps),
        "fit_reception_10_min_apart_rows_per_s": rows / ours,
        "fit_reception_1_min_apart_rows_per_s": rows / dense,
        "score_silence_gaps_per_s": len(gaps) / judged,
        "sort_rows_per_s": rows / floor,
        "times_the_floor": ours / floor,
    }
