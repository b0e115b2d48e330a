import hashlib
import json

import pandas as pd
import pytest

from darkvoyage.errors import DialectError, ReadError
from darkvoyage.io.intake import parse_days
from darkvoyage.io.watchlists import read_watchlist
from darkvoyage.schema.tables import TABLES

DAY = pd.Timestamp("2018-03-30T00:00Z")


def save(folder, text, name="list.csv"):
    path = folder / name
    path.write_bytes(text.encode("utf-8"))
    return path


def balanced(table):
    report = table.attrs["read_report"]
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    json.dumps(report)
    return report


def test_own_table(tmp_path):
    text = (
        "list_name,program,imo,mmsi,name,aliases,listed_on,delisted_on\n"
        "L,P,9000003,200000002,BLUE STAR,RED STAR;OLD STAR,2018-03-30,2020-01-02\n"
        "L,P,,,GREEN STAR,,,\n"
    )
    table = read_watchlist(save(tmp_path, text))
    assert list(table.columns) == list(TABLES["WATCHLIST"].names)
    first = table.iloc[0]
    assert (first["imo"], first["mmsi"], first["listed_on"]) == (9000003, 200000002, DAY)
    assert first["delisted_on"] == pd.Timestamp("2020-01-02T00:00Z")
    assert first["aliases"] == "RED STAR;OLD STAR"
    assert table["source_sha256"].unique().tolist() == [hashlib.sha256(text.encode()).hexdigest()]
    assert table.loc[1, ["imo", "mmsi", "listed_on", "delisted_on"]].isna().all()
    assert balanced(table)["reasons"] == {}


OFAC = (
    '36,"SOME COMPANY",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n'
    '40,"DOE, John","individual","X",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 1970."\r\n'
    '50,"BLUE STAR","vessel","IRAN] [NPWMD] [IFSR",-0- ,"ABC",-0- ,"99,144",-0- ,"Panama",-0- ,"f.k.a. \'RED STAR\'; '
    "a.k.a. 'OLD STAR'; Vessel Registration Identification IMO 9000003; MMSI 200000002; Linked To: SOME.\"\r\n"
    '51,"GREEN STAR","vessel","DPRK",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    '"Vessel Registration Identification 9000015."\r\n'
    '52,"OLD TUG","vessel","CUBA",-0- ,-0- ,"Tug",-0- ,"212","Cuba",-0- ,-0- \r\n\x1a'
)


def test_ofac_list_without_header(tmp_path):
    table = read_watchlist(save(tmp_path, OFAC))
    assert table["name"].tolist() == ["BLUE STAR", "GREEN STAR", "OLD TUG"]
    assert table["imo"].tolist() == [9000003, 9000015, pd.NA]
    assert table["mmsi"].tolist() == [200000002, pd.NA, pd.NA]
    assert table["program"].tolist() == ["IRAN; NPWMD; IFSR", "DPRK", "CUBA"]
    assert table.loc[0, "aliases"] == "RED STAR; OLD STAR"
    assert table["list_name"].unique().tolist() == ["OFAC SDN"]
    assert table["listed_on"].isna().all()
    report = balanced(table)
    assert report["dialect"] == "ofac_sdn"
    assert report["reasons"] == {"not_a_vessel": 2}


def test_edition_date_is_no_designation(tmp_path):
    entry = {"imo": 9000003, "name": "BLUE STAR", "programs": ["A", "B"], "designation_date": "03/20/2026"}
    table = read_watchlist(save(tmp_path, json.dumps({"count": 1, "vessels": [entry]}), "list.json"))
    assert table["listed_on"].isna().all()
    assert table["program"].tolist() == ["A; B"]


EU = (
    "celex,recordId,programKey,annex,measure,startDate,reason,schema,name,alias,weakAlias,previousName,imoNumber,mmsi\n"
)


def test_eu_annexes(tmp_path):
    rows = (
        "32017R1509,1,EU-PRK,XIV.A,Asset freeze,30.3.2018,,Vessel,BLUE STAR (RED STAR),Azure,,Old Star; Older,"
        "9000003,\n"
        "32017R1509,2,EU-PRK,XIV.B,Transport,2011-02,,Vessel,NAMELESS,,,,Does not exist,200000002\n"
        "32017R1509,3,EU-PRK,XIII.A,Asset freeze,,,Person,Somebody,,,,,\n"
        "32017R1509,4,EU-PRK,XIV.B,Transport,30.3.2018,,Vessel,TWINS,,,,9000015; 9000027,\n"
    )
    table = read_watchlist(save(tmp_path, EU + rows))
    assert table["name"].tolist() == ["BLUE STAR (RED STAR)", "NAMELESS", "TWINS", "TWINS"]
    assert table["imo"].tolist() == [9000003, pd.NA, 9000015, 9000027]
    assert table.loc[0, "listed_on"] == DAY
    assert pd.isna(table.loc[1, "listed_on"])  # February 2011 does not say which day
    assert table.loc[0, "aliases"] == "Azure; Old Star; Older; BLUE STAR; RED STAR"
    assert table.loc[0, "program"] == "EU-PRK XIV.A"
    assert table.loc[0, "list_name"] == "EU 32017R1509"
    report = balanced(table)
    assert report["rows_in"] == 5  # the twins count for two
    assert report["repairs"] == {"bad_listed_on": 1, "bad_imo": 1, "several_numbers": 1}


def test_un_sheet(tmp_path):
    text = (
        "#,vessel_name,imo_number,designated_owner,mmsi,flag,call_sign,other_information,type,date_of_designation\n"
        "1,1: BLUE STAR 2: RED STAR,9000003,X,1: 200000002 2: 200000003,na,na,na,tanker,30 Mar. 2018\n"
        "2,GREEN STAR,9000015,X,na,na,na,na,tanker,2018-03-30\n"
    )
    table = read_watchlist(save(tmp_path, text))
    assert table["name"].tolist() == ["BLUE STAR", "BLUE STAR", "GREEN STAR"]
    assert table["mmsi"].tolist() == [200000002, 200000003, pd.NA]
    assert table["aliases"].fillna("").tolist() == ["RED STAR", "RED STAR", ""]
    assert table["listed_on"].tolist() == [DAY, DAY, DAY]
    assert balanced(table)["repairs"] == {"several_numbers": 1}


def test_opensanctions(tmp_path):
    text = (
        "type,caption,imo,risk,countries,flag,mmsi,id,url,datasets,aliases\n"
        "VESSEL,BLUE STAR,IMO9000003,sanction,ru,pa,200000002,a,u,us_ofac_sdn;eu_fsf,RED STAR;OLD STAR\n"
        "ORGANIZATION,SOME,IMO1234567,sanction,ru,,,b,u,us_ofac_sdn,\n"
    )
    table = read_watchlist(save(tmp_path, text))
    assert table["imo"].tolist() == [9000003]
    assert table["program"].tolist() == ["us_ofac_sdn;eu_fsf"]
    assert table["listed_on"].isna().all()
    assert balanced(table)["reasons"] == {"not_a_vessel": 1}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("30.3.2018", "2018-03-30"), ("2018-03-30", "2018-03-30"), ("30 Mar. 2018", "2018-03-30"),
        ("30\u00a0March 2018", "2018-03-30"), ("26 Feb. 2011", "2011-02-26"),
        ("2018-03-30T05:00:00Z", "2018-03-30T05:00"), ("2011", None), ("2011-02", None), ("31.2.2018", None),
        ("soon", None),
    ],
)  # fmt: skip
def test_dates_of_lists(text, day):
    out = parse_days(pd.Series([text], dtype="str")).iloc[0]
    assert out == pd.Timestamp(day, tz="UTC") if day else pd.isna(out)


def test_entries_that_say_nothing(tmp_path):
    text = "list_name,name,imo\nL,,\n,BLUE STAR,\nL,BLUE STAR,\nL,BLUE STAR,\n"
    assert balanced(read_watchlist(save(tmp_path, text)))["reasons"] == {
        "no_identity": 1, "no_list_name": 1, "duplicate": 1,
    }  # fmt: skip


def test_a_list_of_persons_is_an_empty_watchlist(tmp_path):
    table = read_watchlist(save(tmp_path, EU + "1,1,EU-PRK,XIII.A,Asset freeze,,,Person,Somebody,,,,,\n"))
    assert len(table) == 0
    assert str(table["listed_on"].dtype) == "datetime64[us, UTC]"
    assert balanced(table)["reasons"] == {"not_a_vessel": 1}


def test_unknown_and_damaged(tmp_path):
    with pytest.raises(DialectError, match="no known table of designated vessels"):
        read_watchlist(save(tmp_path, "a,b\n1,2\n"))
    with pytest.raises(ReadError, match="no such file"):
        read_watchlist(tmp_path / "gone.csv")
