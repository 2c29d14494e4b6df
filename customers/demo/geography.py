"""
Canglan, a province of three cities that is on no map, and the operator's units in it.

Every name is invented; the codes of places and people never begin with a real province's.
"""

from dataclasses import dataclass

import numpy as np

from crm.platform.access.models import OrgLevel, OrgUnit
from customers.demo.arrays import Figures, Whole, Words

PROVINCE, PROVINCE_EN = "沧岚省", "Canglan Province"
CITIES = {
    "LL": ("临澜市", "Linlan City", 5, {
        "LZ": ("鹭砚区", "Luyan District"), "YC": ("砚溪区", "Yanxi District"),
        "SM": ("松鸣区", "Songming District"), "WL": ("望澜县", "Wanglan County"),
    }),
    "QY": ("青砚市", "Qingyan City", 3, {
        "MX": ("墨汀区", "Moting District"), "ZL": ("竹笙区", "Zhusheng District"),
        "SH": ("霜禾县", "Shuanghe County"),
    }),
    "WT": ("望汀市", "Wangting City", 2, {
        "FY": ("帆影区", "Fanying District"), "CY": ("潮笙区", "Chaosheng District"),
        "BW": ("白芜县", "Baiwu County"),
    }),
}  # fmt: skip
HALLS_OF_A_DISTRICT = 2
TEAMS = {
    "CC": ("客户服务中心", "Call centre", ("CC1", "CC2", "CC3", "CC4")),
    "BO": ("后台支撑中心", "Back office", ("BO1",)),
    "EB": ("政企客户部", "Enterprise business", ("EB1",)),
}
_STREETS = "岚桥路 听泉路 采薇路 梧桐里街 渡口街 云栖大道 望月路 松风路 荷塘街 石榴路 书院街 长亭路"
_ESTATES = "澜庭苑 云水居 听松园 半夏里 青禾家园 鹭洲花园 星河湾 桂语苑 竹影轩 锦瑟园"


def make_units() -> dict[str, OrgUnit]:
    """Make the province's units, or find them; return them by code."""
    units: dict[str, OrgUnit] = {}

    def unit(code: str, name: str, name_en: str, level: str, parent: str | None = None) -> None:
        units[code], _made = OrgUnit.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "name_en": name_en,
                "level": level,
                "parent": units[parent] if parent else None,
            },
        )

    unit("CL", f"{PROVINCE}公司", PROVINCE_EN, OrgLevel.PROVINCE)
    for city, (name, name_en, _weight, districts) in CITIES.items():
        unit(city, f"{name}分公司", name_en, OrgLevel.CITY, "CL")
        for suffix, (place, place_en) in districts.items():
            district = f"{city}-{suffix}"
            unit(district, f"{place}分公司", place_en, OrgLevel.DISTRICT, city)
            for n in range(1, HALLS_OF_A_DISTRICT + 1):
                hall = f"{place[:2]}第{'一二'[n - 1]}营业厅"
                hall_en = f"{place_en.split()[0]} Hall {n}"
                unit(f"{district}-{n}", hall, hall_en, OrgLevel.HALL, district)
    for code, (name, name_en, teams) in TEAMS.items():
        unit(code, name, name_en, OrgLevel.TEAM, "CL")
        for n, team in enumerate(teams, 1):
            unit(team, f"{name}{n}组", f"{name_en}, team {n}", OrgLevel.TEAM, code)
    return units


@dataclass(frozen=True)
class Halls:
    """The business halls as columns, with the place each stands in and its share of customers."""

    ids: Whole
    cities: Words
    places: Words
    shares: Figures


def halls(unit_ids: dict[str, int]) -> Halls:
    rows = [
        (unit_ids[f"{city}-{suffix}-{n}"], name, f"{PROVINCE}{name}{place}", weight / n)
        for city, (name, _en, weight, districts) in CITIES.items()
        for suffix, (place, _place_en) in districts.items()
        for n in range(1, HALLS_OF_A_DISTRICT + 1)
    ]
    ids, cities, places, weights = zip(*rows, strict=True)
    shares = np.array(weights, float)
    return Halls(
        np.array(ids), np.array(cities, object), np.array(places, object), shares / shares.sum()
    )


def addresses(rng: np.random.Generator, places: Words) -> list[str]:
    """Return one address in each place."""
    count = len(places)
    streets = rng.choice(_STREETS.split(), count)
    estates = rng.choice(_ESTATES.split(), count)
    figures = rng.integers(1, [400, 31, 5, 19, 5], (count, 5)).tolist()
    return [
        f"{place}{street}{number}号{estate}{block}栋{entry}单元{floor}0{door}室"
        for place, street, estate, (number, block, entry, floor, door) in zip(
            places, streets, estates, figures, strict=True
        )
    ]
