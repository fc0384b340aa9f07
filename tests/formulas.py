"""Functions as jaxprs in float64, and the verdict on the formula of a gradient."""

import jax
import numpy as np

from mnist_jax.gradcheck.formula import judge


def traced(function, *arguments):
    with jax.enable_x64(True):
        return jax.make_jaxpr(function)(*arguments)


def formula(loss, gradient, *arguments, numpy=False, more=(), **options):
    """The verdict on a gradient by the first argument."""
    arguments = [np.asarray(a) for a in arguments]
    ours = (lambda *a: [gradient(*a)]) if numpy else traced(gradient, *arguments)
    points = [arguments, *([np.asarray(w), *arguments[1:]] for w in more)]
    theirs, values = traced(jax.grad(loss), *arguments), traced(loss, *arguments)
    return judge(theirs, ours, points, loss=values, **options)
