"""The Caribbean and the tropical and North Atlantic: real ports, and sea routes drawn by hand.

Port positions are facts of the World Port Index (NGA Pub. 150); sensitive terminals and transfer areas carry the
identifiers of the bundled list. Berths, roads, turning points and traffic are drawn by eye.
Where the hiding ships of a simulation trade and discharge is a draw, and says nothing about those ports.
"""

from __future__ import annotations

from functools import cache

from darkvoyage.simulation.sea import Sea, read_legs, read_nodes, read_ports

__all__ = ["ocean"]

_PORTS = """
CWWIL Willemstad       CW 12.1167 -68.9333 4
TTPTS Point_Lisas      TT 10.3833 -61.4833 4
BBBGI Bridgetown       BB 13.1000 -59.6333 3
PRSJU San_Juan         PR 18.4667 -66.1167 4
JMKIN Kingston         JM 17.9667 -76.7833 4
PACTB Cristobal        PA 9.3500 -79.9167 5
COSMR Santa_Marta      CO 11.2500 -74.2167 4
BSFPO Freeport         BS 26.5167 -78.7833 4
USGLS Galveston        US 29.3167 -94.7833 5
USFPO Freeport_Texas   US 28.9500 -95.3333 4
USNYC New_York         US 40.7000 -74.0167 6
CAHAL Halifax          CA 44.6500 -63.5833 4
GYGEO Georgetown       GY 6.8333 -58.1667 4
BRIQI Itaqui           BR -2.5667 -44.3667 5
BRREC Recife           BR -8.0500 -34.8667 4
BRSSZ Santos           BR -23.9500 -46.3000 4
ESALG Algeciras        ES 36.1333 -5.4333 4
PTSIE Sines            PT 37.9500 -8.8667 4
PTPDL Ponta_Delgada    PT 37.7333 -25.6667 3
ESLPA Las_Palmas       ES 28.1500 -15.4167 4
MACAS Casablanca       MA 33.6000 -7.6167 4
SNDKR Dakar            SN 14.6833 -17.4333 4
CVGRA Mindelo          CV 16.8833 -25.0000 3
CIABJ Abidjan          CI 5.2500 -4.0167 4
GHTEM Tema             GH 5.6319 0.0156 4
TGLFW Lome             TG 6.1333 1.2833 4
"""

_NODES = """
wil 12.06 -68.97 0.4 | cus 11.92 -68.75 0.8 | plc 10.30 -64.95 0.5 | tor 10.75 -64.98 0.6 | tr2 11.25 -65.00 0.8
amu 11.74 -70.36 0.5 | am2 12.28 -70.35 0.6 | aru 12.32 -69.80 0.3 | arn 12.90 -70.50 1.5 | elp 10.65 -68.05 0.5
el2 11.45 -67.80 1.2 | bon 12.00 -67.90 0.8 | crb 14.00 -66.50 4.0 | cr2 14.50 -70.50 4.0 | cr3 15.00 -75.50 4.0
cr4 12.50 -78.50 4.0 | ctb 9.55 -79.95 0.8 | smr 11.32 -74.35 0.6 | kin 17.70 -76.80 0.7 | sju 18.62 -66.15 0.7
mo1 17.50 -67.45 1.5 | mo2 19.00 -67.70 1.5 | wi1 18.00 -74.90 1.2 | wi2 20.20 -73.85 0.8 | wi3 21.40 -73.90 0.8
cay 18.60 -82.50 3.0 | yuc 21.80 -85.40 2.0 | glf 26.00 -90.00 4.0 | gls 29.10 -94.45 0.8 | fpo 28.75 -95.15 0.8
fl1 24.00 -83.20 2.0 | fl2 24.10 -80.90 1.0 | fl3 25.70 -79.75 0.8 | fl4 27.60 -79.50 1.5 | bsf 26.38 -78.95 0.6
nyc 40.45 -73.80 0.6 | ny2 39.60 -72.60 2.5 | hal 44.35 -63.40 0.8 | ha2 43.30 -63.00 2.5 | wat 33.00 -74.50 4.0
pts 10.42 -61.62 0.3 | gpa 10.60 -61.72 0.3 | bgr 10.72 -61.83 0.1 | trn 11.05 -61.80 1.0 | gre 11.65 -61.30 0.8
bar 12.80 -60.10 1.2 | bgi 13.08 -59.72 0.4 | at1 12.40 -58.60 3.0 | geo 7.30 -57.90 1.0 | ge2 9.60 -57.00 3.0
iqi -1.90 -43.95 1.0 | iq2 -0.40 -43.20 3.0 | cal -4.20 -34.70 3.0 | rec -8.06 -34.72 0.6 | re2 -8.60 -34.20 1.5
abr -17.80 -37.00 2.5 | cfr -23.60 -41.20 2.0 | ssz -24.15 -46.25 0.7 | alg 36.03 -5.38 0.3 | gib 35.95 -5.65 0.4
tri 35.90 -6.50 1.0 | cas 33.80 -7.70 0.7 | svi 36.70 -9.40 1.0 | sie 37.92 -9.05 0.6 | pdl 37.62 -25.70 0.6
lpa 28.15 -15.30 0.4 | cn1 28.85 -15.00 1.2 | cn2 27.30 -15.10 1.2 | dkr 14.58 -17.40 0.6 | dk2 14.40 -18.00 1.5
gra 16.95 -25.04 0.2 | gr2 17.30 -24.70 1.2 | gui 9.00 -15.80 3.0 | lib 4.40 -10.50 2.5 | pal 3.80 -7.60 2.0
abj 5.10 -4.00 0.6 | tpt 4.20 -2.00 1.5 | tem 5.50 0.05 0.6 | lom 5.98 1.28 0.5 | cst 36.02 -5.20 0.3
na1 41.50 -50.00 5.0 | na2 40.00 -35.00 5.0 | na3 41.00 -20.00 5.0 | na4 36.00 -58.00 5.0 | sar 27.00 -60.00 5.0
ca1 24.00 -42.00 5.0 | ca2 20.00 -30.00 5.0 | tr1 14.00 -45.00 5.0 | eq1 5.00 -30.00 5.0 | eq2 0.00 -18.00 5.0
sa1 -12.00 -25.00 5.0 | pl2 10.22 -64.75 0.05 | gua 12.80 -72.20 1.0 | ped 17.45 -78.00 1.0 | wi4 22.20 -73.50 0.6
wi5 23.20 -72.80 1.5 | amb 40.49 -73.98 0.2 | nar 40.59 -74.04 0.05 | hl1 44.54 -63.51 0.1 | ma1 11.13 -63.10 0.8
ma2 11.42 -63.90 0.8 | gr3 16.55 -25.45 1.0 | dk3 17.60 -22.00 2.0 | cnw 29.60 -18.50 3.0 | cbl 20.80 -18.40 2.0
cwd 24.00 -17.20 1.5 | csp 5.45 0.95 0.8 | cs2 33.20 -9.70 1.5 | pd2 37.45 -24.80 1.5 | pd3 37.20 -29.50 2.0
"""

_LEGS = """
CWWIL-wil wil-cus VEJOT-plc VEPCZ-pl2-plc plc-tor-tr2 VEAMY-amu amu-am2 VEPCN-amu am2-aru am2-arn aru-wil VEELP-elp
elp-el2 el2-cus el2-bon cus-bon tr2-crb tr2-el2 bon-crb arn-cr2 crb-cr2 cr2-cr3 cr3-cr4 cr4-ctb PACTB-ctb COSMR-smr
smr-gua-arn smr-cr4 smr-cr3 smr-cr2 cr3-kin JMKIN-kin kin-ped-cay kin-wi1 cr3-wi1 cr2-wi1 wi1-wi2-wi3-wi4-wi5 wi5-wat
wi5-sar cr4-cay cay-yuc yuc-glf glf-gls USGLS-gls glf-fpo USFPO-fpo gls-fpo yuc-fl1 glf-fl1 fl1-fl2-fl3-fl4 fl3-bsf
BSFPO-bsf bsf-fl4 fl4-wat fl4-ny2 wat-ny2 ny2-nyc USNYC-nar-amb-nyc ny2-ha2 ha2-hal CAHAL-hl1-hal wat-na4 crb-mo1
cr2-mo1 mo1-mo2 mo2-sju PRSJU-sju mo2-wat mo2-sar sju-sar TTPTS-pts pts-gpa-bgr-trn trn-gre trn-ma1-ma2-tr2 gre-bar
bar-bgi BBBGI-bgi bar-at1 bgi-at1 gre-at1 gre-crb at1-ge2 ge2-geo GYGEO-geo at1-sar at1-tr1 at1-ca1 ge2-iq2 ge2-eq1
iq2-iqi BRIQI-iqi iq2-cal cal-re2 re2-rec BRREC-rec re2-abr abr-cfr cfr-ssz BRSSZ-ssz cal-eq1 re2-sa1 abr-sa1 sa1-eq2
re2-eq2 eq1-gr3 eq1-dk2 eq1-tr1 eq1-eq2 eq2-lib eq2-pal eq2-tpt tr1-ca2 tr1-gr3 ca1-ca2 ca1-sar ca1-na2 ca2-gr2
ca2-cn2 ca2-cnw ca1-cnw-cn1 cnw-svi ca1-svi ca1-tri ca1-pdl gr2-gra gr3-gra CVGRA-gra gr2-dk3-dk2 dk2-dkr SNDKR-dkr
dk2-gui dk2-cbl-cwd-cn2 gui-lib lib-pal pal-abj CIABJ-abj pal-tpt abj-tpt tpt-tem GHTEM-tem tem-csp-lom TGLFW-lom
tpt-csp gui-eq1 cn2-lpa ESLPA-lpa lpa-cn1 cn1-cs2-cas cn1-tri cn1-svi cn1-pd2 gr2-cnw MACAS-cas cas-tri tri-gib
gib-alg ESALG-alg gib-cst alg-cst tri-svi svi-sie PTSIE-sie svi-na3 sie-na3 pdl-pd2-na3 pdl-pd3-na2 PTPDL-pdl na3-na2
na2-na4 na2-na1 na1-ha2 na1-ny2 na4-ny2 na4-sar na4-ha2 sar-wat na3-na1
"""

_BERTHS = {
    "VEJOT": (10.1100, -64.8500), "VEPCZ": (10.2450, -64.6400), "VEAMY": (11.7500, -70.2450),
    "VEPCN": (11.6300, -70.2450), "VEELP": (10.4950, -68.1200), "CIABJ": (5.2600, -4.0100),
    "USNYC": (40.6550, -74.0450), "BRSSZ": (-23.9850, -46.3100), "USFPO": (28.9150, -95.2800),
    "USGLS": (29.3400, -94.7400), "BRREC": (-8.0550, -34.8550), "CWWIL": (12.1050, -68.9350),
    "CAHAL": (44.6000, -63.5400),
}  # fmt: skip

_ROADS = {
    "VEJOT": (10.160, -64.860), "VEPCZ": (10.270, -64.680), "VEAMY": (11.740, -70.320), "VEELP": (10.540, -68.100),
    "CWWIL": (12.080, -68.960), "TTPTS": (10.410, -61.570), "PACTB": (9.480, -79.900), "USGLS": (29.180, -94.550),
    "ESALG": (36.100, -5.380), "ESLPA": (28.140, -15.350), "TGLFW": (6.050, 1.290), "CIABJ": (5.150, -4.000),
}  # fmt: skip

_GROUNDS = ((43.0, -51.0), (40.8, -66.5), (33.5, -72.5), (27.5, -88.0), (11.0, -57.5), (8.5, -56.0), (20.5, -19.5),
            (9.5, -17.0), (3.6, -4.5), (37.8, -11.0))  # fmt: skip

_STATIONS = (
    (12.15, -68.95, 45.0),  # Curacao
    (10.65, -61.55, 45.0),  # Trinidad
    (18.47, -66.10, 50.0),  # San Juan
    (29.30, -94.75, 60.0),  # Galveston
    (25.77, -80.13, 60.0),  # Miami
    (40.60, -73.95, 55.0),  # New York
    (44.60, -63.50, 50.0),  # Halifax
    (36.10, -5.40, 60.0),  # Gibraltar
    (28.15, -15.45, 55.0),  # Las Palmas
    (37.00, -8.95, 55.0),  # Cape St Vincent
)

_DENSE = ((36.0, -5.8, 1.8, 120.0), (29.0, -94.0, 1.2, 150.0), (40.2, -73.0, 1.0, 150.0), (25.0, -80.5, 0.8, 120.0),
          (9.8, -80.0, 0.7, 100.0), (38.5, -9.5, 1.0, 150.0), (5.5, 1.5, 0.5, 120.0))  # fmt: skip

_HOMES = {
    "caribbean": ("CWWIL", "TTPTS", "BBBGI", "PRSJU", "JMKIN", "PACTB", "COSMR", "BSFPO", "GYGEO"),
    "north_america": ("USGLS", "USFPO", "USNYC", "CAHAL"),
    "south_america": ("BRIQI", "BRREC", "BRSSZ"),
    "europe": ("ESALG", "PTSIE", "ESLPA", "MACAS", "PTPDL"),
    "west_africa": ("SNDKR", "CVGRA", "CIABJ", "GHTEM", "TGLFW"),
    "venezuelan": ("VEPCZ", "VEELP"),
}

_WATCHED = (
    ("jose", 10.35, -64.80, 30.0, 30.0, "sar"),
    ("amuay", 11.80, -70.40, 30.0, 30.0, "sar"),
    ("lome", 5.95, 1.30, 30.0, 30.0, "sar"),
    ("jose", 10.160, -64.840, 6.0, 7.0, "optical"),
    ("jose", 10.140, -64.850, 3.0, 3.6, "fine"),
    ("amuay", 11.730, -70.290, 6.0, 7.0, "optical"),
)

_TEXT = {
    "CWWIL": "CW WIL", "TTPTS": "POINT LISAS", "BBBGI": "BRIDGETOWN", "PRSJU": "PR SJU", "JMKIN": "JM KIN",
    "PACTB": "CRISTOBAL", "COSMR": "SANTA MARTA", "BSFPO": "BS FPO", "USGLS": "US GLS", "USFPO": "FREEPORT TX",
    "USNYC": "US NYC", "CAHAL": "HALIFAX", "GYGEO": "GEORGETOWN", "BRIQI": "ITAQUI", "BRREC": "BR REC",
    "BRSSZ": "BR SSZ", "ESALG": "ALGECIRAS", "PTSIE": "PT SIE", "PTPDL": "PONTA DELGADA", "ESLPA": "LAS PALMAS",
    "MACAS": "MA CAS", "SNDKR": "DAKAR", "CVGRA": "MINDELO", "CIABJ": "CI ABJ", "GHTEM": "TEMA",
    "TGLFW": "TG LFW", "VEJOT": "JOSE TERMINAL", "VEPCZ": "PUERTO LA CRUZ", "VEAMY": "VE AMY",
    "VEPCN": "PUNTA CARDON", "VEELP": "EL PALITO",
}  # fmt: skip


@cache
def ocean() -> Sea:
    """The Atlantic from Santos to Halifax and from Galveston to Lome, with the Caribbean."""
    return Sea(
        name="ocean",
        ports=read_ports(_PORTS),
        berths=_BERTHS,
        roads=_ROADS,
        nodes=read_nodes(_NODES),
        legs=read_legs(_LEGS),
        hubs=(
            "crb", "cr2", "cr3", "cr4", "glf", "wat", "sar", "na1", "na2", "na3", "na4", "ca1", "ca2", "tr1", "eq1",
            "eq2", "sa1", "at1", "ge2", "ny2", "ha2", "dk2", "gui", "cn1", "svi", "tpt", "csp", "cst",
        ),
        grounds=_GROUNDS,
        stations=_STATIONS,
        dense=_DENSE,
        terminals=(("VEJOT", 0.50), ("VEPCZ", 0.15), ("VEAMY", 0.20), ("VEPCN", 0.10), ("VEELP", 0.05)),
        dark_ports=(("CWWIL", 0.25), ("TTPTS", 0.20), ("PACTB", 0.20), ("JMKIN", 0.20), ("TGLFW", 0.15)),
        homes=_HOMES,
        lines=(("TTPTS", "GYGEO"), ("ESALG", "MACAS"), ("ESLPA", "PTSIE"), ("PRSJU", "CWWIL")),
        meeting_areas=(("sts-lome", 5.95, 1.30), ("sts-ceuta", 35.95, -5.20), ("", 12.90, -66.30), ("", 13.20, -57.60)),
        watched=_WATCHED,
        destination_text=_TEXT,
    )  # fmt: skip
