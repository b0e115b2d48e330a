"""How fast `clean_fixes` flags shuffled fixes, beside sorting their times and positions with numpy."""

from traffic import best_s, sort_s, traffic

from darkvoyage.tracks.cleaning import clean_fixes


def run(*, rows):
    """Measure the best of three of each."""
    table = traffic(rows=rows)
    usable = clean_fixes(table)["flag"].isna().mean()
    assert usable > 0.9, "most fixes must be usable"
    ours = best_s(lambda: int(clean_fixes(table)["flag"].isna().sum()))
    floor = sort_s(table)
    return {
        "rows": rows,
        "clean_fixes_rows_per_s": rows / ours,
        "sort_rows_per_s": rows / floor,
        "times_the_floor": ours / floor,
    }
