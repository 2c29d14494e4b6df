"""`{% constant %}`: a part of a page that is the same for everybody is made once a language."""

from typing import Any

from django import template
from django.template.base import Node, NodeList, Parser, Token, Variable, VariableDoesNotExist
from django.template.context import Context
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()
MOST_KEPT = 500


class ConstantNode(Node):
    """
    Renders its content once for each language and each value of the variables it names.

    The content sees those variables and no other, so what belongs to one account or one request
    cannot get into it: it would be empty the first time, too.
    """

    child_nodelists = ("nodelist",)

    def __init__(self, nodelist: NodeList, names: list[str]) -> None:
        self.nodelist = nodelist
        self._variables = {name: Variable(name) for name in names}
        self._kept: dict[object, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        values: dict[str, Any] = {n: _value(v, context) for n, v in self._variables.items()}
        key = (get_language(), *values.values())
        text = self._kept.get(key)
        if text is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            text = self._kept[key] = self.nodelist.render(context.new(values))
        return text


def _value(variable: Variable, context: Context) -> Any:
    try:
        return variable.resolve(context)
    except VariableDoesNotExist:
        return None


@register.tag
def constant(parser: Parser, token: Token) -> ConstantNode:
    """`{% constant name … %}…{% endconstant %}`; the values of the names must be hashable."""
    _tag, *names = token.split_contents()
    nodelist = parser.parse(("endconstant",))
    parser.delete_first_token()
    return ConstantNode(nodelist, names)
