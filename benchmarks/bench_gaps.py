"""How fast `find_gaps` goes through cleaned and raw fixes, beside sorting their times and positions with numpy."""

from traffic import best_s, sort_s, traffic

from darkvoyage.gaps.find import find_gaps
from darkvoyage.rules.tracks import GapRule
from darkvoyage.tracks.cleaning import clean_fixes


def run(*, rows):
    """Measure the best of three of each."""
    table = traffic(rows=rows)
    cleaned = clean_fixes(table)
    rule = GapRule(min_gap_h=12.0)
    ours = best_s(lambda: len(find_gaps(cleaned, rule=rule)))
    raw = best_s(lambda: len(find_gaps(table, rule=rule)))
    floor = sort_s(table)
    return {
        "rows": rows,
        "gaps": len(find_gaps(cleaned, rule=rule)),
        "find_gaps_cleaned_rows_per_s": rows / ours,
        "find_gaps_raw_rows_per_s": rows / raw,
        "sort_rows_per_s": rows / floor,
        "times_the_floor": ours / floor,
    }
