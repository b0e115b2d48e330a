import numpy as np
import pandas as pd
import pytest

from darkvoyage.errors import RuleError, SchemaError
from darkvoyage.io.ports import sensitive_ports
from darkvoyage.reach.places import merge_ports


def ports(rows, **extra):
    frame = pd.DataFrame(rows, columns=["port_id", "lat", "lon"])
    return frame.assign(name=frame["port_id"].str.upper(), country=None, radius_nm=5.0, sensitive=False, **extra)


def listed(rows, **extra):
    return ports(rows, **extra).assign(
        sensitive=True, radius_nm=2.0, reason=lambda t: "why " + t["port_id"], source=lambda t: "src " + t["port_id"]
    )


def test_same_place_is_one_row_of_the_user_made_sensitive():
    # 0.04 deg of latitude are 2.4 nm, 0.06 deg are 3.6 nm.
    user = ports([("u1", 40.0, 10.0), ("u2", 50.0, 10.0)])
    out = merge_ports(user, listed([("s1", 40.04, 10.0), ("s2", 50.06, 10.0)]))
    assert out["port_id"].tolist() == ["s2", "u1", "u2"]
    row = out.set_index("port_id")
    assert row["sensitive"].to_dict() == {"s2": True, "u1": True, "u2": False}
    assert row.loc["u1", ["radius_nm", "reason", "source"]].tolist() == [5.0, "why s1", "src s1"]
    assert pd.isna(row.loc["u2", "reason"])
    assert user["sensitive"].tolist() == [False, False]
    assert "reason" not in user


def test_within_nm_moves_the_border():
    user, other = ports([("u", 50.0, 10.0)]), listed([("s", 50.06, 10.0)])
    assert merge_ports(user, other, within_nm=4.0)["port_id"].tolist() == ["u"]
    assert merge_ports(user, other, within_nm=0.0)["port_id"].tolist() == ["s", "u"]


def test_nearest_listed_place_gives_the_reason_and_all_near_ones_go():
    out = merge_ports(ports([("u", 0.0, 179.99)]), listed([("far", 0.03, 179.99), ("near", 0.0, -179.99)]))
    assert out["port_id"].tolist() == ["u"]
    assert out["reason"].tolist() == ["why near"]


def test_an_equal_id_is_the_same_place_wherever_it_lies():
    out = merge_ports(ports([("RUVYP", 42.0, 133.0)]), listed([("RUVYP", 42.75, 133.08)]))
    assert out[["port_id", "lat", "sensitive"]].to_numpy().tolist() == [["RUVYP", 42.0, True]]


def test_a_transfer_area_is_no_port():
    user, other = ports([("u", 36.0, 22.0)]), listed([("sts", 36.0, 22.0)], kind="sts")
    assert merge_ports(user, other)["port_id"].tolist() == ["sts", "u"]
    assert merge_ports(user.assign(kind="sts"), other)["port_id"].tolist() == ["u"]


def test_own_reason_stays_in_front():
    out = merge_ports(ports([("u", 1.0, 1.0)], reason="mine"), listed([("s", 1.0, 1.0)]))
    assert out["reason"].tolist() == ["mine; why s"]


def test_the_bundled_list_merges_into_itself():
    table = sensitive_ports()
    pd.testing.assert_frame_equal(merge_ports(table, table), table)
    pd.testing.assert_frame_equal(merge_ports(table.iloc[:0], table), table)
    pd.testing.assert_frame_equal(merge_ports(table, table.iloc[:0]), table)
    assert len(merge_ports(table.iloc[:0], table.iloc[:0])) == 0


def test_order_and_turn_of_the_input_do_not_matter():
    table = sensitive_ports()
    user = ports([("u1", 42.76, 133.06), ("u2", 10.0, -64.9), ("u3", 0.0, 0.0)])
    want = merge_ports(user, table)
    pd.testing.assert_frame_equal(merge_ports(user[::-1], table.sample(frac=1, random_state=1)), want)
    turned = merge_ports(user.assign(lon=user["lon"] + 360), table.assign(lon=table["lon"] - 360))
    assert turned["port_id"].tolist() == want["port_id"].tolist()
    assert want.loc[want["port_id"] == "u1", "sensitive"].all()
    assert "RUVYP" not in set(want["port_id"])
    assert {"RUNJK", "RUKZM"} <= set(want["port_id"])


def test_refusals():
    table = sensitive_ports()
    for wrong in (-1.0, np.nan, np.inf, "3"):
        with pytest.raises(RuleError, match="within_nm"):
            merge_ports(table, table, within_nm=wrong)
    with pytest.raises(SchemaError, match="PORTS: missing"):
        merge_ports(table.drop(columns="lat"), table)
