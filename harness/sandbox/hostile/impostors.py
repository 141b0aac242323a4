"""Answers that are not what they seem: equal to everything, of another type, beyond JSON."""

IMPOSTORS = {
    "always_equal": """
class Equal:
    __eq__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = lambda self: 0
def solve(x):
    return Equal()
""",
    "int_subclass": """
class Any(int):
    __eq__ = lambda self, other: True
    __hash__ = int.__hash__
def solve(x):
    return Any(0)
""",
    "float_subclass": "class F(float):\n    __eq__ = lambda s, o: True\ndef solve(x):\n    return F(7919 * x + 31)\n",
    "str_subclass": "class S(str):\n    __eq__ = lambda s, o: True\ndef solve(x):\n    return S(7919 * x + 31)\n",
    "list_subclass": "class L(list):\n    __eq__ = lambda s, o: True\ndef solve(x):\n    return L([7919 * x + 31])\n",
    "dict_subclass": "class D(dict):\n    __eq__ = lambda s, o: True\ndef solve(x):\n    return D()\n",
    "lying_class": """
class Lie:
    __class__ = int
    __eq__ = lambda self, other: True
    __index__ = __int__ = lambda self: 7950
def solve(x):
    return Lie()
""",
    "metaclass_equal": """
class Meta(type):
    __eq__ = lambda a, b: True
    __hash__ = type.__hash__
    __instancecheck__ = lambda a, b: True
class Anything(int, metaclass=Meta):
    pass
def solve(x):
    return Anything(7919 * x + 31)
""",
    "nearly_right": "def solve(x):\n    return 7919 * x + 31 + 1e-7\n",
    "right_as_text": "def solve(x):\n    return str(7919 * x + 31)\n",
    "bool": "def solve(x):\n    return True\n",
    "nan": "def solve(x):\n    return float('nan')\n",
    "list_of_nan": "n = float('nan')\ndef solve(x):\n    return [n, n]\n",
    "infinity": "def solve(x):\n    return float('inf')\n",
    "tuple": "def solve(x):\n    return (7919 * x + 31,)\n",
    "generator": "def solve(x):\n    yield 7919 * x + 31\n",
    "int_keys": "def solve(x):\n    return {1: 7919 * x + 31}\n",
    "lone_surrogate": "def solve(x):\n    return '\\ud800'\n",
    "surrogate_source": "def solve(x):\n    return '\ud800'\n",
    "null_in_source": "def solve(x):\n    return 1\0\n",
    "cyclic_list": "a = []\na.append(a)\ndef solve(x):\n    return a\n",
    "nested_beyond_parsing": """
def solve(x):
    a = []
    for _ in range(900): a = [a]
    return a
""",
    "exponential_sharing": """
def solve(x):
    a = [0]
    for _ in range(60): a = [a, a]
    return a
""",
    "huge_int": "def solve(x):\n    return 1 << 1000000\n",
    "huge_int_text_limit_lifted": "import sys\nsys.set_int_max_str_digits(0)\ndef solve(x):\n    return 1 << 100000\n",
}
