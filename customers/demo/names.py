"""
Names of people and enterprises that nobody bears on purpose.

Surnames are as unequal as in life: the first three are a fifth of all people, two in a hundred
have two characters. Given names follow the fashion of the bearer's sex and time of birth.
"""

import numpy as np

from customers.demo.arrays import Figures, Flags, Whole, Words

# Per mille of the population, by the order of the census; compound surnames share 20.
_COMMON = (
    "王71 李71 张67 刘53 陈45 杨31 黄22 赵21 吴20 周19 徐14 孙15 马13 朱13 胡13 郭12 何12 林12 "
    "高10 罗10 郑9 梁9 谢8 宋8 唐7 许7 韩7 邓7 冯7 曹6 彭6 曾6 肖6 田5 董5 潘5 袁5 蔡5 蒋5 余5 "
    "于5 杜5 叶5 程4 魏4 苏4 吕4 丁4 任4 卢4 姚4 沈4 钟4 姜4 崔4 谭4 陆4 范3 汪3 廖3 石3 金3 韦3 "
    "贾3 夏3 付3 方3 邹3 熊3 白3 孟3 秦3 邱3 侯3 江3 尹3 薛3 闫3 段3 雷3 龙2 黎2 史2 陶2 贺2 "
    "毛2 郝2 顾2 龚2 邵2 万2 覃2 武2 钱2 戴2 严2 孔2 向2 常2 汤2 温2 康2 施2 文2 牛2 樊2 葛2 安2"
)
_COMPOUND = "欧阳 上官 司马 诸葛 皇甫 尉迟 公孙 慕容 夏侯 东方 令狐 端木 司徒 南宫 长孙 宇文"
_COMPOUND_SHARE = 0.02
_ONE_CHARACTER_SHARE = (0.10, 0.16, 0.22, 0.09)
_ERA_BEGINS = (1966, 1983, 2000)

# By sex (women first) and era of birth: first characters, second characters, single ones.
_GIVEN = {
    (0, 0): ("秀桂玉淑凤素金春美月兰翠菊惠", "英兰珍芳梅华荣琴芝云莲香珠娥", "芳英珍兰梅琴霞萍"),
    (0, 1): (
        "丽晓海红艳小春雪文玉慧燕敏建",
        "华萍红丽霞梅娟燕玲艳芬琴芳英",
        "敏静丽艳娟霞红玲燕萍",
    ),
    (0, 2): (
        "佳雅思梦晓婷文诗雨嘉欣静艺美",
        "婷怡琪雯颖洁琳瑶慧倩雪妍楠娜",
        "婷倩雪颖璐琳莹妍洁蕾",
    ),
    (0, 3): ("梓雨欣若诗可语思子芷沐依一舒", "涵萱妍怡桐琪彤瑶汐妤菲然晴诺", "萱瑶涵妍玥菡晴"),
    (1, 0): ("建国志文永德明玉振福正光金荣", "国军华明平林生荣山成民强福祥", "军明华强平林刚"),
    (1, 1): (
        "建志伟海文晓永俊国立新小学春",
        "军伟强勇斌辉峰涛明平波刚杰东",
        "伟军勇强涛磊斌鹏辉超",
    ),
    (1, 2): (
        "志俊嘉浩文宇子明天家泽鹏一晨",
        "杰豪宇轩鹏飞文龙辉凯涛博超阳",
        "磊超鹏凯浩杰宇帆晨阳",
    ),
    (1, 3): ("子浩宇梓俊一奕皓博沐泽明铭嘉", "轩宇涵泽睿辰然航熙霖杰晨阳墨", "睿轩宸昊航泽辰"),
}

_WORDS = "恒瑞 鼎盛 远图 汇川 澄明 岚川 嘉禾 启元 德润 万象 信达 云帆 锦程 宏图 同舟 旭日"
_INDUSTRY = {
    "科技": "信息技术", "商贸": "批发零售", "物流": "交通运输", "建材": "制造业", "食品": "制造业",
    "电子": "制造业", "机械": "制造业", "纺织": "制造业", "医药": "卫生医药", "文化": "文化体育",
    "餐饮": "住宿餐饮", "物业": "房地产", "农业": "农林牧渔", "装饰": "建筑业", "能源": "能源供应",
    "教育": "教育",
}  # fmt: skip


def _weighted(spec: str) -> tuple[Words, Figures]:
    names = np.array([word[0] for word in spec.split()], object)
    weights = np.array([float(word[1:]) for word in spec.split()])
    return names, weights / weights.sum()


_SURNAMES, _WEIGHTS = _weighted(_COMMON)
_DOUBLE_SURNAMES = np.array(_COMPOUND.split(), object)


def surnames(rng: np.random.Generator, count: int) -> Words:
    chosen = rng.choice(_SURNAMES, count, p=_WEIGHTS)
    compound = rng.random(count) < _COMPOUND_SHARE
    chosen[compound] = rng.choice(_DOUBLE_SURNAMES, int(compound.sum()))
    return chosen


def given_names(rng: np.random.Generator, *, male: Flags, birth_year: Whole) -> Words:
    """Return a given name of one or two characters for each bearer."""
    era = np.searchsorted(_ERA_BEGINS, birth_year, side="right")
    given = np.empty(len(male), object)
    for (sex, time), (firsts, seconds, singles) in _GIVEN.items():
        bearers = np.flatnonzero((male == bool(sex)) & (era == time))
        pairs = rng.choice(list(firsts), len(bearers)).astype(object)
        pairs += rng.choice(list(seconds), len(bearers)).astype(object)
        alone = rng.random(len(bearers)) < _ONE_CHARACTER_SHARE[time]
        pairs[alone] = rng.choice(list(singles), int(alone.sum()))
        given[bearers] = pairs
    return given


def enterprises(rng: np.random.Generator, *, cities: Words) -> tuple[Words, list[str]]:
    """Return the registered name and the industry of an enterprise in each of the cities."""
    count = len(cities)
    trade = rng.choice(list(_INDUSTRY), count).astype(object)
    word = rng.choice(_WORDS.split(), count).astype(object)
    more = rng.choice(list("兴隆昌泰和顺福安"), count).astype(object)
    names = cities + word + more + trade + np.array("有限公司", object)
    return names, [_INDUSTRY[name] for name in trade]
