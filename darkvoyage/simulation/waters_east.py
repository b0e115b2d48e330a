"""The East Sea (Sea of Japan): real ports, and sea routes drawn by hand through open water.

Port positions are facts of the World Port Index (NGA Pub. 150), Olga's of UN/LOCODE; berths of sensitive ports carry
the identifiers of the bundled list. Berths, roads, turning points and traffic are drawn by eye.
"""

from __future__ import annotations

from functools import cache

from darkvoyage.simulation.sea import Sea, read_legs, read_nodes, read_ports

__all__ = ["east_sea"]

_PORTS = """
KRPUS Busan            KR 35.1000 129.0333 4
KRUSN Ulsan            KR 35.4500 129.4000 4
KRKPO Pohang           KR 36.0500 129.3833 4
KRTGA Donghae          KR 37.5333 129.1500 3
KRSHO Sokcho           KR 38.2000 128.6000 3
JPKIJ Niigata          JP 37.9167 139.0500 4
JPSKT Sakata           JP 38.9333 139.8167 3
JPAXT Akita-Funakawa   JP 39.7814 140.0150 4
JPFTX Fushiki-Toyama   JP 36.7667 137.1333 4
JPTRG Tsuruga          JP 35.6500 136.0667 4
JPMAI Maizuru          JP 35.5167 135.3333 5
JPSMN Sakaiminato      JP 35.5333 133.2333 4
JPOTR Otaru            JP 43.2000 141.0167 4
JPHKD Hakodate         JP 41.7833 140.7167 4
JPTMK Tomakomai        JP 42.6333 141.6333 4
RUOLP Olga             RU 43.7333 135.2833 4
RUVNN Vanino           RU 49.0833 140.2833 4
"""

_NODES = """
pus 34.98 129.15 0.4 | ks 34.85 129.60 1.0 | usn 35.42 129.55 0.4 | kpo 36.12 129.70 0.5 | tga 37.55 129.35 0.6
sho 38.22 128.80 0.5 | won 39.28 127.95 0.4 | hgm 39.70 127.75 0.3 | ham 39.50 128.60 1.2 | son 40.55 129.60 0.6
mus 40.75 130.10 1.0 | cho 41.72 129.98 0.5 | rjn 42.13 130.36 0.4 | tum 42.00 130.95 1.0 | pgb 42.30 132.20 1.5
uss 42.75 132.12 0.8 | vvo 43.03 132.03 0.3 | njk 42.66 132.95 0.4 | pov 42.45 133.25 0.8 | olp 43.60 135.50 0.7
ptn 44.65 136.55 0.7 | sml 46.60 138.95 1.0 | vn1 48.60 140.75 0.8 | vnn 49.05 140.45 0.3 | kho 47.05 141.90 0.4
kij 38.02 138.98 0.4 | sdo 38.55 138.75 0.8 | sd3 37.68 138.45 0.4 | skt 38.95 139.65 0.5 | axt 39.73 139.88 0.4
oga 40.00 139.45 0.8 | tsg 41.20 139.90 0.6 | ts2 41.36 140.35 0.4 | hkd 41.68 140.65 0.3 | ts3 41.62 141.00 0.3
ts4 41.65 141.45 0.7 | tmk 42.52 141.62 0.5 | okw 42.20 138.95 1.5 | shk 43.50 139.95 1.0 | otr 43.38 140.90 0.4
ftx 36.90 137.15 0.5 | not 37.70 137.70 0.9 | nt2 37.90 136.80 1.5 | trg 35.80 136.04 0.2 | ech 36.30 135.60 1.2
mai 35.68 135.40 0.2 | tan 35.95 135.10 1.0 | smn 35.62 133.33 0.2 | oki 36.00 133.75 0.8 | ok2 35.70 132.60 1.0
se1 36.20 131.00 2.0 | se2 37.00 132.60 2.5 | se3 38.20 130.80 2.5 | se4 39.30 131.00 2.5 | se5 40.60 131.70 2.5
se6 38.80 134.00 3.0 | se7 40.80 134.50 3.0 | se8 42.20 136.60 3.0 | se9 40.20 137.20 3.0 | sea 37.40 134.80 3.0
seb 44.30 138.20 2.5 | ulw 37.40 130.45 2.0 | ask 42.60 132.36 0.5
"""

_LEGS = """
KRPUS-pus pus-ks KRUSN-usn usn-ks usn-kpo KRKPO-kpo kpo-tga KRTGA-tga tga-sho KRSHO-sho sho-ham tga-se3 sho-se3
kpo-se1 usn-se1 ks-ok2 ks-se1 se1-se2 se1-ulw-se3 se3-se4 ham-se4 ham-won KPWON-won KPHGM-hgm hgm-ham won-hgm ham-son
hgm-son KPSON-son son-mus mus-cho KPCHO-cho cho-rjn KPRJN-rjn cho-tum rjn-tum mus-tum mus-se5 ham-mus tum-pgb se4-se5
mus-se4 cho-se5 tum-se5 se5-pgb se5-pov pgb-uss uss-vvo RUVVO-vvo pgb-njk uss-ask-njk RUVYP-njk RUNJK-njk njk-pov
pov-se7 pov-se8 pov-olp RUOLP-olp olp-ptn ptn-sml sml-vn1 vn1-vnn RUVNN-vnn vn1-kho RUKHO-kho olp-se8 ptn-se8 ptn-seb
seb-sml seb-se8 seb-shk shk-okw shk-otr JPOTR-otr okw-tsg okw-se8 okw-se9 se8-se7 se8-se9 tsg-ts2 ts2-hkd JPHKD-hkd
ts2-ts3 hkd-ts3 ts3-ts4 ts4-tmk JPTMK-tmk tsg-oga tsg-se9 oga-axt JPAXT-axt oga-skt axt-skt JPSKT-skt skt-sdo oga-sdo
oga-se9 sdo-kij JPKIJ-kij skt-kij sdo-se9 sdo-nt2 sd3-not not-ftx JPFTX-ftx not-nt2 kij-sd3 nt2-ech nt2-sea nt2-se6
se9-se6 se9-se7 se7-se6 se7-se5 se6-se4 se6-sea se6-se2 sea-se2 sea-ech ech-trg JPTRG-trg ech-tan trg-tan JPMAI-mai
mai-tan tan-oki tan-sea oki-sea oki-smn JPSMN-smn smn-ok2 ok2-se1 ok2-se2 se2-se3 se2-se4 se4-se7
"""

_BERTHS = {
    "RUVYP": (42.7420, 133.0600), "RUNJK": (42.7850, 132.9150), "RUVVO": (43.0550, 131.9300),
    "RUKHO": (47.0500, 142.0350), "KPCHO": (41.7600, 129.8200), "KPRJN": (42.1950, 130.2950),
    "KPWON": (39.1900, 127.4700), "KPHGM": (39.8250, 127.6200), "KPSON": (40.6600, 129.2150),
    "JPTRG": (35.6900, 136.0450), "JPMAI": (35.5800, 135.3600), "JPSMN": (35.5470, 133.2780),
    "KRPUS": (35.0600, 129.0900), "JPKIJ": (37.9550, 139.0600), "KRSHO": (38.2050, 128.6200),
    "RUOLP": (43.7050, 135.3150), "JPHKD": (41.7450, 140.6950), "RUVNN": (49.0800, 140.3400),
    "JPSKT": (38.9350, 139.8000),
}  # fmt: skip

_ROADS = {
    "RUVYP": (42.690, 132.975), "RUNJK": (42.700, 132.930), "RUVVO": (43.030, 132.010), "KPCHO": (41.745, 129.870),
    "KPRJN": (42.160, 130.345), "KPWON": (39.240, 127.680), "KPHGM": (39.740, 127.740), "KPSON": (40.610, 129.330),
    "KRPUS": (34.990, 129.100), "KRUSN": (35.430, 129.480), "KRKPO": (36.090, 129.530), "KRTGA": (37.540, 129.220),
}  # fmt: skip

_GROUNDS = ((37.2, 131.3), (38.9, 133.6), (39.4, 135.3), (41.3, 133.6), (42.0, 135.2), (36.6, 134.4), (40.6, 138.3),
            (42.2, 131.6), (43.6, 138.9), (38.3, 130.0))  # fmt: skip

_STATIONS = (
    (35.10, 129.10, 55.0),  # Busan
    (36.05, 129.50, 45.0),  # Pohang
    (37.50, 129.20, 60.0),  # Donghae
    (37.95, 138.95, 60.0),  # Niigata
    (39.80, 139.90, 50.0),  # Akita
    (43.10, 131.95, 45.0),  # Vladivostok
    (42.78, 132.95, 40.0),  # Nakhodka
)

_DENSE = ((35.0, 129.3, 1.5, 120.0), (36.8, 137.2, 0.5, 120.0), (38.5, 139.3, 0.7, 90.0), (43.0, 132.2, 0.6, 70.0))

_HOMES = {
    "russian": ("RUVVO", "RUVYP", "RUNJK"),
    "korean": ("KRPUS", "KRUSN", "KRKPO", "KRTGA", "KRSHO"),
    "japanese": ("JPKIJ", "JPSKT", "JPAXT", "JPFTX", "JPTRG", "JPMAI", "JPSMN", "JPOTR", "JPHKD", "JPTMK"),
    "northern": ("RUOLP", "RUVNN", "RUKHO"),
}

_LINES = (("KRTGA", "RUVVO"), ("KRTGA", "JPSMN"), ("JPKIJ", "RUVVO"), ("RUVNN", "RUKHO"), ("KRPUS", "JPMAI"),
          ("JPOTR", "JPMAI"))  # fmt: skip

_WATCHED = (
    ("bay", 42.55, 132.95, 30.0, 30.0, "sar"),
    ("chongjin", 41.70, 130.05, 30.0, 30.0, "sar"),
    ("bay", 42.735, 133.030, 6.0, 7.0, "optical"),
    ("bay", 42.735, 133.030, 3.0, 3.6, "fine"),
)

_TEXT = {
    "KRPUS": "KR PUS", "KRUSN": "ULSAN", "KRKPO": "KR KPO", "KRTGA": "DONGHAE", "KRSHO": "SOKCHO", "JPKIJ": "JP KIJ",
    "JPSKT": "SAKATA", "JPAXT": "JP AXT", "JPFTX": "JP FTX", "JPTRG": "JP TRG", "JPMAI": "MAIZURU", "JPSMN": "JP SMN",
    "JPOTR": "OTARU", "JPHKD": "JP HKD", "JPTMK": "JP TMK", "RUOLP": "RU OLP", "RUVNN": "RU VNN",
    "RUKHO": "RU KHO", "RUVVO": "RU VVO", "RUVYP": "RU VYP", "RUNJK": "RU NJK", "KPCHO": "CHONGJIN", "KPWON": "WONSAN",
    "KPRJN": "RAJIN", "KPHGM": "HUNGNAM", "KPSON": "SONGJIN",
}  # fmt: skip


@cache
def east_sea() -> Sea:
    """The East Sea, from Busan to the Strait of Tartary."""
    return Sea(
        name="east_sea",
        ports=read_ports(_PORTS),
        berths=_BERTHS,
        roads=_ROADS,
        nodes=read_nodes(_NODES),
        legs=read_legs(_LEGS),
        hubs=("se1", "se2", "se3", "se4", "se5", "se6", "se7", "se8", "se9", "sea", "seb"),
        grounds=_GROUNDS,
        stations=_STATIONS,
        dense=_DENSE,
        terminals=(("RUVYP", 0.9), ("RUNJK", 0.1)),
        dark_ports=(("KPCHO", 0.45), ("KPWON", 0.25), ("KPRJN", 0.20), ("KPHGM", 0.10)),
        homes=_HOMES,
        lines=_LINES,
        meeting_areas=(("", 38.70, 131.60), ("", 40.90, 132.30), ("", 39.60, 133.40)),
        watched=_WATCHED,
        destination_text=_TEXT,
    )
