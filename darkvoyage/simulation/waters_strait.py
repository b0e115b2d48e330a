"""The Persian Gulf, the Strait of Hormuz and the Gulf of Oman: real ports, and sea routes drawn by hand.

Port positions are facts of the World Port Index (NGA Pub. 150); sensitive ports and transfer areas carry the
identifiers of the bundled list. Berths, roads, turning points, the separation scheme and traffic are drawn by eye.
Where the hiding ships of a simulation trade and discharge is a draw, and says nothing about those ports.
"""

from __future__ import annotations

from functools import cache

from darkvoyage.simulation.sea import Sea, read_legs, read_nodes, read_ports

__all__ = ["strait"]

_PORTS = """
AEFJR Fujairah         AE 25.1731 56.3692 4
AEKLF Khor_Fakkan      AE 25.3628 56.3689 3
AEMSA Mina_Saqr        AE 25.9833 56.0500 3
AESHJ Sharjah          AE 25.4167 55.3667 3
AEDXB Dubai            AE 25.2667 55.3000 3
AEJEA Jebel_Ali        AE 25.0167 55.0500 4
AEAUH Abu_Dhabi        AE 24.5000 54.3333 4
OMKHS Khasab           OM 26.2167 56.2333 3
OMSOH Sohar            OM 24.5167 56.6333 4
OMSTQ Muscat           OM 23.6333 58.5833 3
OMDQM Duqm             OM 19.6733 57.7169 4
QARLF Ras_Laffan       QA 25.9167 51.5833 4
BHSIT Sitra            BH 26.1667 50.6667 4
SADMM Dammam           SA 26.5000 50.2000 4
SARTA Ras_Tanura       SA 26.6333 50.1667 4
SAJBI Jubail           SA 27.0833 49.6667 4
KWMEA Mina_Al_Ahmadi   KW 29.0667 48.1667 4
IQMAB Basra_Terminal   IQ 29.6833 48.8167 4
PKGWD Gwadar           PK 25.1333 62.3000 3
PKKHI Karachi          PK 24.7833 66.9833 4
"""

_NODES = """
fjr 25.20 56.48 0.5 | klf 25.40 56.46 0.5 | goo 25.35 57.00 1.5 | soh 24.62 56.78 0.6 | gom 24.85 57.80 2.5
mct 23.75 58.62 0.5 | omn 24.20 58.90 2.5 | jas 25.50 57.75 0.6 | kbm 25.72 57.22 0.5 | oms 23.95 60.20 3.0
hdd 22.60 60.20 1.5 | msr 20.40 59.30 1.5 | dqm 19.72 57.95 0.6 | gwd 24.95 62.30 0.8 | ars 24.30 64.50 3.0
khi 24.65 66.75 0.7 | hse 25.95 56.90 0.8 | hi1 26.42 56.80 0.3 | hi2 26.64 56.50 0.3 | hi3 26.58 56.10 0.4
ho1 26.32 56.72 0.3 | ho2 26.56 56.48 0.3 | ho3 26.46 56.10 0.4 | hwe 26.46 55.85 0.6 | khs 26.30 56.20 0.3
bnd 26.80 56.53 0.4 | bn2 27.05 56.17 0.1 | tni 26.40 55.30 0.4 | fai 26.44 54.45 0.4 | tno 26.13 55.28 0.4
fao 26.02 54.45 0.4 | wgf 26.22 53.70 1.2 | rak 26.08 55.85 0.6 | umq 25.75 55.45 0.6 | shj 25.46 55.25 0.4
dxb 25.33 55.20 0.4 | jea 25.14 54.98 0.5 | auh 24.75 54.22 0.6 | sxi 25.82 54.50 0.3 | sx2 25.70 54.45 0.8
lvp 26.72 53.30 0.4 | ass 27.35 52.52 0.5 | cgf 26.75 52.45 2.0 | rlf 26.00 51.78 0.5 | cg2 27.25 51.60 2.0
rta 26.82 50.45 0.5 | dmm 26.58 50.32 0.3 | sit 26.40 50.85 0.5 | si2 26.24 50.76 0.2 | jbi 27.18 49.95 0.5
ngf 28.15 50.40 1.5 | buz 28.92 50.68 0.4 | khk 29.16 50.36 0.4 | ng2 28.95 49.75 1.2 | cyt 29.00 49.55 0.4
rba 29.60 50.00 0.5 | mea 29.05 48.42 0.5 | mab 29.55 48.86 0.4 | ng3 29.15 48.95 0.8 | bn3 26.99 56.36 0.3
khe 29.25 50.52 0.4
"""

_LEGS = """
AEFJR-fjr AEKLF-klf fjr-klf fjr-goo klf-goo fjr-soh OMSOH-soh soh-gom soh-goo goo-gom gom-omn goo-kbm goo-jas kbm-jas
IRJAK-jas jas-gom jas-omn OMSTQ-mct mct-omn mct-oms omn-oms mct-hdd oms-hdd hdd-msr msr-dqm OMDQM-dqm oms-gwd omn-gwd
PKGWD-gwd gwd-ars oms-ars hdd-ars ars-khi PKKHI-khi goo-hse kbm-hse OMKHS-khs khs-ho3 bnd-bn3-bn2 IRBSR-bn2 IRBND-bn2
hi2-bnd ho2-bnd hi3-bnd rak-hwe AEMSA-rak rak-umq umq-shj AESHJ-shj shj-dxb AEDXB-dxb umq-dxb dxb-jea AEJEA-jea
jea-auh AEAUH-auh umq-sx2 sx2-auh sx2-jea sx2-sxi IRSXI-sxi sxi-fao sx2-cgf wgf-lvp IRLVP-lvp lvp-cgf wgf-cgf ass-cgf
IRASA-ass ass-cg2 cgf-cg2 rlf-cgf QARLF-rlf rlf-cg2 cg2-rta rta-dmm SADMM-dmm SARTA-dmm rta-sit sit-si2 BHSIT-si2
sit-cg2 rta-jbi cg2-jbi SAJBI-jbi cg2-ngf ngf-buz IRBUZ-buz ngf-khk buz-khk IRKHK-khk ngf-ng2 khk-ng2 ng2-cyt
IRCYT-cyt ng2-rba khk-khe-rba IRRBA-rba ng2-ng3 ng3-mea KWMEA-mea ng3-mab IQMAB-mab jbi-ng3 jbi-ngf
"""

_LANES = "hse-hi1-hi2-hi3-hwe hwe-ho3-ho2-ho1-hse hwe-tni-fai-wgf wgf-fao-tno-hwe"
"""The separation schemes of Hormuz and Tunb-Farur: westward in the north, eastward in the south."""

_BERTHS = {
    "IRKHK": (29.2280, 50.3380), "IRSXI": (25.8850, 54.5600), "IRLVP": (26.7800, 53.3300), "IRBND": (27.1350, 56.2050),
    "IRBSR": (27.0850, 56.0700), "IRJAK": (25.6250, 57.7650), "IRASA": (27.4550, 52.5900), "IRBUZ": (28.9700, 50.8000),
    "IRCYT": (29.0167, 49.4833), "IRRBA": (29.7000, 50.1400),
}  # fmt: skip

_ROADS = {
    "AEFJR": (25.250, 56.500), "AEKLF": (25.400, 56.450), "OMSOH": (24.600, 56.760), "AEJEA": (25.130, 54.930),
    "AESHJ": (25.450, 55.280), "AEDXB": (25.330, 55.180), "IRBND": (27.050, 56.180), "IRBSR": (27.020, 56.080),
    "IRKHK": (29.170, 50.420), "IRASA": (27.390, 52.480), "IQMAB": (29.560, 48.900), "SARTA": (26.750, 50.350),
}  # fmt: skip

_GROUNDS = ((25.2, 58.6), (24.6, 59.8), (24.5, 61.0), (23.5, 60.9), (24.5, 65.4), (26.6, 52.0), (27.6, 50.9),
            (28.3, 49.8), (25.9, 53.6), (21.6, 60.6))  # fmt: skip

_STATIONS = (
    (25.17, 56.35, 55.0),  # Fujairah
    (25.25, 55.30, 50.0),  # Dubai
    (24.50, 54.40, 45.0),  # Abu Dhabi
    (23.63, 58.55, 60.0),  # Muscat
    (24.50, 56.62, 45.0),  # Sohar
    (26.20, 56.25, 60.0),  # Musandam
    (25.92, 51.60, 45.0),  # Ras Laffan
    (26.62, 50.15, 45.0),  # Ras Tanura
    (24.80, 66.97, 50.0),  # Karachi
)

_DENSE = ((25.25, 56.5, 1.8, 60.0), (26.5, 56.4, 1.2, 60.0), (25.2, 55.1, 1.6, 70.0), (26.8, 50.4, 0.9, 80.0),
          (29.3, 48.7, 0.8, 70.0))  # fmt: skip

_HOMES = {
    "emirates": ("AEJEA", "AEDXB", "AESHJ", "AEFJR", "AEKLF", "AEAUH", "AEMSA"),
    "upper_gulf": ("SARTA", "SADMM", "SAJBI", "QARLF", "BHSIT", "KWMEA", "IQMAB"),
    "oman": ("OMSOH", "OMSTQ", "OMDQM", "OMKHS", "PKKHI", "PKGWD"),
    "iranian": ("IRBSR", "IRBND", "IRBUZ", "IRASA"),
}

_WATCHED = (
    ("kharg", 29.15, 50.30, 30.0, 30.0, "sar"),
    ("sirri", 25.85, 54.55, 30.0, 30.0, "sar"),
    ("fujairah", 25.20, 57.00, 40.0, 40.0, "sar"),
    ("kharg", 29.215, 50.345, 6.0, 7.0, "optical"),
    ("kharg", 29.215, 50.345, 3.0, 3.6, "fine"),
    ("sirri", 25.880, 54.560, 6.0, 7.0, "optical"),
)

_TEXT = {
    "AEFJR": "AE FJR", "AEKLF": "KHOR FAKKAN", "AEMSA": "MINA SAQR", "AESHJ": "SHARJAH", "AEDXB": "AE DXB",
    "AEJEA": "JEBEL ALI", "AEAUH": "AE AUH", "OMKHS": "KHASAB", "OMSOH": "OM SOH", "OMSTQ": "MUSCAT",
    "OMDQM": "DUQM", "QARLF": "RAS LAFFAN", "BHSIT": "BH SIT", "SADMM": "DAMMAM", "SARTA": "SA RTA",
    "SAJBI": "JUBAIL", "KWMEA": "MINA AHMADI", "IQMAB": "BASRAH OIL TERM", "PKGWD": "GWADAR", "PKKHI": "PK KHI",
    "IRKHK": "KHARG", "IRSXI": "SIRRI ISLAND", "IRLVP": "LAVAN", "IRBND": "BANDAR ABBAS", "IRBSR": "IR BSR",
    "IRJAK": "JASK", "IRASA": "ASSALUYEH", "IRBUZ": "BUSHEHR", "IRCYT": "SOROOSH", "IRRBA": "BAHREGAN",
}  # fmt: skip


@cache
def strait() -> Sea:
    """The Strait of Hormuz with the waters on both sides, from Basra to Karachi and Duqm."""
    return Sea(
        name="strait",
        ports=read_ports(_PORTS),
        berths=_BERTHS,
        roads=_ROADS,
        nodes=read_nodes(_NODES),
        legs=read_legs(_LEGS),
        one_way=read_legs(_LANES),
        hubs=("gom", "omn", "oms", "ars", "hdd", "msr", "sx2", "cgf", "cg2", "ngf", "ng2"),
        grounds=_GROUNDS,
        stations=_STATIONS,
        dense=_DENSE,
        terminals=(
            ("IRKHK", 0.45),
            ("IRSXI", 0.15),
            ("IRLVP", 0.10),
            ("IRASA", 0.10),
            ("IRJAK", 0.12),
            ("IRBND", 0.08),
        ),
        dark_ports=(("AEFJR", 0.30), ("AEKLF", 0.20), ("AESHJ", 0.20), ("OMSOH", 0.15), ("PKKHI", 0.15)),
        homes=_HOMES,
        lines=(("AESHJ", "IRBND"), ("OMKHS", "OMSOH"), ("AEDXB", "IRBUZ"), ("OMSTQ", "PKGWD")),
        meeting_areas=(
            ("sts-gulf-of-oman", 25.10, 57.30),
            ("sts-fujairah-khor-fakkan", 25.30, 56.52),
            ("", 24.00, 59.60),
        ),
        watched=_WATCHED,
        destination_text=_TEXT,
    )
