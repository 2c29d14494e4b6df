"""
Shallow trees as tables: every row's margin and its exact explanation by looking up.

A tree of depth two is a function of at most two pairs of features (the root with the left
child, the root with the right one). Thresholds cut each feature into few bins, so a pair is a
small table, and the tables of all trees with the same pair add up to one. What TreeSHAP
(path-dependent) would give each feature is a table as well, because Shapley values are
additive over trees and over the halves of a tree. So a row costs one lookup a pair instead of
a walk through every tree, and its contributions come with the margin: their sum is the margin.

Measured on 50 features and 400 trees: see docs/churn.md. The tests hold it against the tree
library's own predictions and contributions.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from analytics.churn.curve import Array

_BLOCK = 8192  # rows whose bins and contributions stay in the processor's cache


@dataclass(frozen=True)
class Node:
    """A split, or a leaf where `feature` is negative. `goes_right` is by bin of its feature."""

    feature: int
    goes_right: NDArray[np.bool_]
    value: float
    cover: float
    children: tuple["Node", ...] = ()

    @property
    def mean(self) -> float:
        if not self.children:
            return self.value
        left, right = self.children
        return (left.cover * left.mean + right.cover * right.mean) / (left.cover + right.cover)


@dataclass(frozen=True)
class Pair:
    """What two features say together: contributions by bin of the first × bins + second."""

    first: int
    second: int
    bins: int
    of_first: NDArray[np.float32]
    of_second: NDArray[np.float32]


class CompiledTrees:
    """
    The trees of a booster, ready to score. `bias` is the margin of an average row.

    :raises ValueError: for trees deeper than two.
    """

    def __init__(self, booster: xgboost.Booster, categories: Sequence[int]) -> None:
        """`categories` gives for each feature how many values it has, 0 for a number."""
        stored = json.loads(bytes(booster.save_raw("json")))["learner"]
        trees = stored["gradient_booster"]["model"]["trees"]
        self.categories = list(categories)
        self.thresholds = _thresholds(trees, len(categories))
        # The last bin of each feature is "not known".
        self.bins = [
            (count or len(cuts) + 1) + 1
            for count, cuts in zip(categories, self.thresholds, strict=True)
        ]
        base = json.loads(stored["learner_model_param"]["base_score"])
        base = base[0] if isinstance(base, list) else base
        self.bias = float(np.log(base / (1 - base)))
        self._tables: dict[tuple[int, int], tuple[Array, Array]] = {}
        for tree in trees:
            self._add(self._node(tree, 0))
        self.singles, self.pairs = self._settle()

    def explain(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """
        Return contributions (log-odds) as [feature, row]; with the bias they sum to the margin.
        """
        rows = len(values)
        result = np.zeros((len(self.bins), rows), np.float32)
        for start in range(0, rows, _BLOCK):
            block = slice(start, min(start + _BLOCK, rows))
            self._explain_block(values[block], result[:, block])
        return result

    def _explain_block(self, values: NDArray[np.float32], result: NDArray[np.float32]) -> None:
        bins = self._bins_of(values)
        for feature, table in self.singles:
            result[feature] += table[bins[feature]]
        for pair in self.pairs:
            place = bins[pair.first] * pair.bins
            place += bins[pair.second]
            result[pair.first] += pair.of_first.take(place)
            result[pair.second] += pair.of_second.take(place)

    def _bins_of(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        """The bin of each value, as [feature, row]."""
        columns = np.ascontiguousarray(values.T)
        missing = np.isnan(columns)
        bins = np.zeros(columns.shape, np.intp)
        for feature, (column, cuts) in enumerate(zip(columns, self.thresholds, strict=True)):
            if self.categories[feature]:
                known = np.where(missing[feature], 0, column)
                bins[feature] = known
            else:
                for cut in cuts:
                    bins[feature] += column >= cut
            bins[feature][missing[feature]] = self.bins[feature] - 1
        return bins

    def _node(self, tree: dict[str, Any], number: int) -> Node:
        cover = tree["sum_hessian"][number]
        if tree["left_children"][number] < 0:
            return Node(-1, np.empty(0, bool), tree["split_conditions"][number], cover)
        feature = tree["split_indices"][number]
        goes_right = np.zeros(self.bins[feature], bool)
        if tree["split_type"][number] == 1:
            goes_right[_categories_going_right(tree, number)] = True
        else:
            cut = np.float32(tree["split_conditions"][number])
            goes_right[:-1] = np.arange(self.bins[feature] - 1) > np.searchsorted(
                self.thresholds[feature], cut
            )
        goes_right[-1] = not tree["default_left"][number]
        children = (tree["left_children"][number], tree["right_children"][number])
        return Node(
            feature, goes_right, 0.0, cover, tuple(self._node(tree, child) for child in children)
        )

    def _add(self, root: Node) -> None:
        """Add one tree's contributions to the tables, half by half."""
        if not root.children:
            self.bias += root.value
            return
        whole = sum(child.cover for child in root.children)
        for child, here in zip(root.children, (~root.goes_right, root.goes_right), strict=True):
            if any(grandchild.children for grandchild in child.children):
                raise ValueError("Only trees of depth two or less can be compiled")
            self._add_half(root.feature, here.astype(float), child, child.cover / whole)

    def _add_half(self, first: int, here: Array, child: Node, weight: float) -> None:
        """
        The half of a tree that holds `child`: its value where the row comes this way, else 0.

        With one feature the contribution is the value less its mean. With two, Shapley's mean
        over both orders of learning them.
        """
        mean = child.mean
        self.bias += weight * mean
        second = child.feature
        if not child.children:
            self._table(first, first)[0][:, 0] += here * mean - weight * mean
            return
        leaves = np.where(child.goes_right, child.children[1].value, child.children[0].value)
        if first == second:
            self._table(first, first)[0][:, 0] += here * leaves - weight * mean
            return
        both = here[:, None] * leaves[None, :]
        only_first, only_second = (here * mean)[:, None], (weight * leaves)[None, :]
        neither = weight * mean
        of_first = 0.5 * ((only_first - neither) + (both - only_second))
        of_second = 0.5 * ((only_second - neither) + (both - only_first))
        if first < second:
            tables = self._table(first, second)
            tables[0][...] += of_first
            tables[1][...] += of_second
        else:
            tables = self._table(second, first)
            tables[0][...] += of_second.T
            tables[1][...] += of_first.T

    def _table(self, first: int, second: int) -> tuple[Array, Array]:
        if (first, second) not in self._tables:
            shape = (self.bins[first], 1 if first == second else self.bins[second])
            self._tables[first, second] = (np.zeros(shape), np.zeros(shape))
        return self._tables[first, second]

    def _settle(self) -> tuple[list[tuple[int, NDArray[np.float32]]], list[Pair]]:
        singles, pairs = [], []
        for (first, second), (of_first, of_second) in sorted(self._tables.items()):
            if first == second:
                singles.append((first, of_first[:, 0].astype(np.float32)))
            else:
                flat = (of_first.ravel().astype(np.float32), of_second.ravel().astype(np.float32))
                pairs.append(Pair(first, second, self.bins[second], *flat))
        self._tables.clear()
        return singles, pairs


def _thresholds(trees: Sequence[dict[str, Any]], features: int) -> list[NDArray[np.float32]]:
    cuts: list[set[float]] = [set() for _ in range(features)]
    for tree in trees:
        for feature, cut in _numeric_splits(tree):
            cuts[feature].add(cut)
    return [np.array(sorted(found), np.float32) for found in cuts]


def _numeric_splits(tree: dict[str, Any]) -> Iterator[tuple[int, float]]:
    for number, left in enumerate(tree["left_children"]):
        if left >= 0 and tree["split_type"][number] == 0:
            yield tree["split_indices"][number], tree["split_conditions"][number]


def _categories_going_right(tree: dict[str, Any], number: int) -> list[int]:
    place = tree["categories_nodes"].index(number)
    start, size = tree["categories_segments"][place], tree["categories_sizes"][place]
    codes: list[int] = tree["categories"][start : start + size]
    return codes
