import json

import pandas as pd
import pytest

from darkvoyage.errors import DialectError
from darkvoyage.io.vessels import read_vessels
from darkvoyage.schema.tables import TABLES


def save(folder, text):
    path = folder / "vessels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def balanced(table):
    report = table.attrs["read_report"]
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    json.dumps(report)
    return report


def test_own_names(tmp_path):
    header = (
        "mmsi,imo,name,flag,ship_type,length_m,beam_m,dwt_t,draught_max_m,cargo_capacity_m3,service_speed_kn,source\n"
    )
    table = read_vessels(save(tmp_path, header + "200000002,9000003,B,NA,80,99.5,15,3200,5.8,3600,11,list\n"))
    assert list(table.columns) == list(TABLES["VESSELS"].names)
    assert table.iloc[0].tolist() == [200000002, 9000003, "B", "NA", 80, 99.5, 15.0, 3200.0, 5.8, 3600.0, 11.0, "list"]
    assert balanced(table)["reasons"] == {}


@pytest.mark.parametrize(
    ("spelling", "column"),
    [
        ("DWT", "dwt_t"), ("Deadweight", "dwt_t"), ("deadweight (t)", "dwt_t"), ("LOA", "length_m"),
        ("Length", "length_m"), ("Length overall", "length_m"), ("Beam", "beam_m"), ("width", "beam_m"),
        ("draught", "draught_max_m"), ("Draft", "draught_max_m"), ("maxDraught", "draught_max_m"),
        ("service speed", "service_speed_kn"), ("capacity_m3", "cargo_capacity_m3"),
    ],
)  # fmt: skip
def test_spellings(tmp_path, spelling, column):
    table = read_vessels(save(tmp_path, f"MMSI,{spelling}\n200000002,12\n"))
    assert table[column].tolist() == [12.0]


def test_our_name_wins_over_a_spelling(tmp_path):
    table = read_vessels(save(tmp_path, "mmsi,length,length_m\n200000002,1,99\n"))
    assert table["length_m"].tolist() == [99.0]
    assert table["length"].tolist() == ["1"]


def test_worded_ship_types(tmp_path):
    rows = "1,Crude Oil Tanker\n2,Bulk Carrier\n3,84\n4,Dredger\n5,\n"
    table = read_vessels(save(tmp_path, "mmsi,vessel type\n" + rows))
    assert table["ship_type"].tolist() == [80, 70, 84, pd.NA, pd.NA]
    assert table["ship_type_text"].fillna("").tolist() == ["Crude Oil Tanker", "Bulk Carrier", "", "Dredger", ""]
    assert balanced(table)["repairs"] == {"ship_type_word": 2, "unknown_ship_type": 1}


def test_rows_without_mmsi_and_values_that_are_none(tmp_path):
    rows = (
        "200000002,0,0\n,9000003,99\n0,9000003,99\nCall sign,9000003,99\n200000002.5,9000003,99\n"
        "200000001,12,5000\n200000002,0,0\n"
    )
    table = read_vessels(save(tmp_path, "mmsi,imo,loa\n" + rows))
    assert table["mmsi"].tolist() == [200000001, 200000002]
    assert table["imo"].isna().all()
    assert table["length_m"].isna().all()
    report = balanced(table)
    assert report["reasons"] == {"no_mmsi": 4, "duplicate": 1}
    assert report["repairs"] == {"unknown_imo": 2, "unknown_length_m": 2, "bad_imo": 1, "bad_length_m": 1}


def test_no_column_of_mmsi(tmp_path):
    with pytest.raises(DialectError, match="columns imo, dwt; nearest is 'darkvoyage', which also needs mmsi"):
        read_vessels(save(tmp_path, "imo,dwt\n9000003,100\n"))
