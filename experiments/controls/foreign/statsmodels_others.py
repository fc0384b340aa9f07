"""statsmodels beyond its discrete models: families, hazards, norms, penalties, rotations."""

# pyright: reportMissingImports=false, reportArgumentType=false
# (statsmodels comes with the controls extra; its types are guessed from its defaults)

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.controls.foreign.entry import Case, Foreign
from experiments.controls.foreign.mistakes import (
    WEIGHTS,
    after,
    coordinate,
    half,
    instead,
    last,
    sign,
    twice,
    zeroed,
)

COUNT = 50


def family(name: str) -> Case:
    """A generalized linear model with a logarithmic link and frequency weights."""
    import statsmodels.api as sm

    rng = np.random.default_rng(21)
    inputs = np.column_stack([np.ones(COUNT), rng.normal(size=(COUNT, 2))])
    y, weights = rng.gamma(3.0, 0.5, COUNT) + 0.05, rng.integers(1, 5, COUNT)

    def of(freq_weights: np.ndarray | None) -> Callable[[Any], Any]:
        family = getattr(sm.families, name)(sm.families.links.Log())
        model = sm.GLM(y, inputs, family=family, freq_weights=freq_weights)
        return lambda params: model.score(np.asarray(params), scale=1.0)

    def loglike(params: Any) -> Any:
        raw = inputs @ params
        gamma, gaussian = -y * jnp.exp(-raw) - raw, y * jnp.exp(-2 * raw) / -2 + jnp.exp(-raw)
        return jnp.sum(weights * (gamma if name == "Gamma" else gaussian))

    mistakes = (
        instead("the frequency weights forgotten", of(None), WEIGHTS),
        sign(),
        coordinate(2),
    )
    return Case(loglike, of(weights), (0.3 * rng.normal(size=3),), mistakes)


def hazard(ties: str) -> Case:
    """Cox regression's partial likelihood of times without ties."""
    from statsmodels.api import PHReg

    rng = np.random.default_rng(22)
    inputs, times = rng.normal(size=(COUNT, 2)), rng.permutation(COUNT) + 1.0
    events = rng.integers(0, 2, COUNT)
    at_risk = times[None, :] >= times[:, None]
    model = PHReg(times, inputs, status=events, ties=ties)

    def loglike(params: Any) -> Any:
        raw = inputs @ params
        everyone = jnp.broadcast_to(raw, (COUNT, COUNT))
        risk = jax.nn.logsumexp(jnp.where(at_risk, everyone, -jnp.inf), axis=1)
        return jnp.sum(events * (raw - risk))

    gradient = getattr(model, f"{ties}_gradient")
    return Case(loglike, gradient, (rng.normal(size=2),), (sign(), twice(), coordinate(0)))


def conditional_logit() -> Case:
    """Conditional logistic regression of pairs, one success in each."""
    from statsmodels.api import ConditionalLogit

    rng = np.random.default_rng(23)
    inputs, groups = rng.normal(size=(COUNT, 2)), np.repeat(np.arange(COUNT // 2), 2)
    y = np.tile([1, 0], COUNT // 2)

    def build(kept: int) -> Any:
        return ConditionalLogit(y[:kept], inputs[:kept], groups=groups[:kept])

    def loglike(params: Any) -> Any:
        pairs = (inputs @ params).reshape(-1, 2)
        return jnp.sum(jax.nn.log_softmax(pairs, axis=1)[:, 0])

    mistakes = (
        instead("the last pair left out", build(COUNT - 2).score, last(COUNT)),
        sign(),
        half(),
    )
    return Case(loglike, build(COUNT).score, (rng.normal(size=2),), mistakes)


def norm(name: str) -> Case:
    """A robust norm of residuals, whose derivative is psi."""
    from statsmodels.robust import norms

    rng = np.random.default_rng(24)
    residuals = 2.0 * rng.normal(size=COUNT)
    robust = getattr(norms, name)()
    inside = np.abs(residuals) < {"TukeyBiweight": 4.685, "HuberT": 1.345}[name]

    def loss(z: Any) -> Any:
        if name == "HuberT":
            size = jnp.abs(z)
            return jnp.sum(jnp.where(size <= 1.345, z**2 / 2, 1.345 * (size - 1.345 / 2)))
        c = 4.685
        return jnp.sum(c**2 / 6 * (1 - jnp.where(jnp.abs(z) <= c, 1 - (z / c) ** 2, 0) ** 3))

    def as_if_inside(z: Any) -> Any:
        z = np.asarray(z)
        return z if name == "HuberT" else z * (1 - (z / 4.685) ** 2)

    mistakes = (
        instead("the wrong branch or power", as_if_inside, r"branch|clip|threshold|bound"),
        twice(),
        coordinate(int(np.flatnonzero(inside)[5])),
    )
    return Case(loss, robust.psi, (residuals,), mistakes)


def pseudo_huber() -> Case:
    """A smooth penalty with a weight for each coefficient."""
    from statsmodels.base._penalties import PseudoHuber

    rng = np.random.default_rng(25)
    point, weights = rng.normal(size=8), rng.uniform(0.2, 2.0, 8)
    penalty, plain = PseudoHuber(0.7, weights=weights), PseudoHuber(0.7)

    def loss(params: Any) -> Any:
        return jnp.sum(weights * 0.49 * (jnp.sqrt(1 + (params / 0.7) ** 2) - 1))

    mistakes = (
        instead("the weights forgotten", plain.deriv, WEIGHTS),
        sign(),
        zeroed("the last coefficient left out", 7, last(8)),
    )
    return Case(loss, penalty.deriv, (point,), mistakes)


def link(name: str) -> Case:
    """The inverse of a link, added up over observations; its derivative is elementwise."""
    from statsmodels.genmod.families import links

    inverse = {
        "CLogLog": lambda z: -jnp.expm1(-jnp.exp(z)),
        "Cauchy": lambda z: 0.5 + jnp.arctan(z) / jnp.pi,
    }[name]
    point = np.random.default_rng(26).normal(size=30)
    library = getattr(links, name)()
    mistakes = (
        instead("the link's derivative for its inverse's", library.deriv, r"inverse|reciprocal|1/"),
        sign(),
        coordinate(9),
    )
    if name == "CLogLog":
        mistakes = (half(), *mistakes[1:])
    return Case(lambda z: jnp.sum(inverse(z)), library.inverse_deriv, (point,), mistakes)


def rotation(name: str) -> Case:
    """The criterion of a factor rotation, returned with its gradient."""
    from statsmodels.multivariate.factor_rotation import _gpa_rotation as rotations

    loadings = np.random.default_rng(27).normal(size=(6, 3))
    objective = getattr(rotations, f"{name}_objective")

    def oblimin(loadings: Any) -> Any:
        squares = loadings**2
        return jnp.sum(squares * (squares @ (1 - jnp.eye(3)))) / 4

    def orthomax(loadings: Any) -> Any:
        squares = loadings**2
        return -jnp.sum(squares * (squares - 0.5 * squares.mean(axis=0))) / 4

    loss = {"oblimin": oblimin, "orthomax": orthomax}[name]
    gamma = {"oblimin": 0, "orthomax": 0.5}[name]
    mistakes = (
        sign(),
        zeroed("the last factor left out", (slice(None), 2), last(3) + r"|, 2\]|column"),
        after("a factor of 4", lambda g: 4 * g, r"(?<![\d.])4 times|factor of (4|four)"),
    )
    right = partial(objective, gamma=gamma, return_gradient=True)
    return Case(loss, right, (loadings,), mistakes, {"has_value": True})


def _entry(name: str, called: str, held: str, make: Callable[[], Case]) -> Foreign:
    return Foreign(name, f"statsmodels, {called}", held, make, "called", "statsmodels")


CLOSURE = "a closure over float64"
BOUND = "a bound method"

STATSMODELS_OTHERS = (
    _entry("gamma family", "GLM.score", CLOSURE, partial(family, "Gamma")),
    _entry("inverse Gaussian family", "GLM.score", CLOSURE, partial(family, "InverseGaussian")),
    _entry("Cox regression", "PHReg.breslow_gradient", BOUND, partial(hazard, "breslow")),
    _entry("Cox regression, Efron", "PHReg.efron_gradient", BOUND, partial(hazard, "efron")),
    _entry("conditional logit", "ConditionalLogit.score", BOUND, conditional_logit),
    _entry("Tukey's biweight", "TukeyBiweight.psi", BOUND, partial(norm, "TukeyBiweight")),
    _entry("Huber's norm", "HuberT.psi", BOUND, partial(norm, "HuberT")),
    _entry("pseudo-Huber penalty", "PseudoHuber.deriv", BOUND, pseudo_huber),
    _entry("Cauchy link", "Cauchy.inverse_deriv", BOUND, partial(link, "Cauchy")),
    _entry("log-log link", "CLogLog.inverse_deriv", BOUND, partial(link, "CLogLog")),
    _entry(
        "oblimin rotation",
        "oblimin_objective",
        "functools.partial; (value, gradient)",
        partial(rotation, "oblimin"),
    ),
    _entry(
        "orthomax rotation",
        "orthomax_objective",
        "functools.partial; (value, gradient)",
        partial(rotation, "orthomax"),
    ),
)
