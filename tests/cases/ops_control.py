"""Rows for ops that take functions."""

from tests.cases.case import Case, exactly, f32, i32


def along(ops, x, direction):
    return ops.jvp(lambda a: a * ops.sin(a), (x,), (direction,))


def cond(ops, x):
    return ops.cond(ops.sum(x) > 0, lambda: x * x, lambda: -x)


def switch(ops, index, x):
    return ops.switch(index, [lambda x: x, lambda x: x * x, ops.sin], x)


def running(ops, x):
    return ops.scan(lambda total, x: (total + x * x, total * x), ops.zeros_like(x[0]), x)


def backward(ops, x):
    return ops.scan(lambda total, x: (total + x, total * x), ops.zeros_like(x[0]), x, reverse=True)


def squares(ops, x):
    return ops.map(lambda row: ops.sum(row * row), x)


def pairs(ops, x, y):
    return ops.map(lambda both: ops.multiply(*both), (x, y))


def vectorized(ops, x):
    return ops.vectorized_map(lambda row: ops.sum(row * row), x)


def product(ops, x):
    return ops.associative_scan(lambda a, b: a * b, x)


def reversed_sum(ops, x):
    return ops.associative_scan(lambda a, b: a + b, x, reverse=True, axis=1)


def powers(ops, x):
    return ops.fori_loop(0, 3, lambda i, y: y * x, x)


def doubled(ops, x):
    return ops.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, x))


def bounded(ops, x):
    return ops.while_loop(lambda y: True, lambda y: (y * x,), (x,), maximum_iterations=2)


CASES = [
    Case("cond", [f32(3)], call=cond),
    Case("switch", [exactly(1, "int32"), f32(3)], call=switch),
    Case("switch", [exactly(7, "int32"), f32(3)], call=switch),
    Case("scan", [f32(4, 2)], call=running, reduction=4),
    Case("scan", [f32(4, 2)], call=backward, note="reverse", reduction=4),
    Case("map", [f32(4, 2)], call=squares, reduction=2),
    Case("map", [f32(4), i32(4)], call=pairs),
    Case("vectorized_map", [f32(4, 2)], call=vectorized, reduction=2),
    Case("associative_scan", [f32(5, 2)], call=product, reduction=5),
    Case("associative_scan", [f32(2, 6)], call=reversed_sum, reduction=6),
    Case("fori_loop", [f32(3)], call=powers, reduction=4),
    Case("while_loop", [f32(3)], call=doubled, reduction=4),
    Case("while_loop", [f32(3)], call=bounded, note="bounded", reduction=3),
    Case("jvp", [f32(3), f32(3)], call=along, orders=0, abstract=False, symbolic=False),
    Case(
        "custom_gradient",
        [f32(3)],
        call=lambda ops, x: ops.custom_gradient(_half(ops))(x),
        smooth=False,
        orders=1,
    ),
]


def _half(ops):
    """Twice x, with a gradient that says a half."""

    def function(x):
        return 2 * x, lambda upstream: upstream * 0.5

    return function
