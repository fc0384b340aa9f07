"""statsmodels beyond its discrete models: families, hazards, norms, penalties, rotations."""

# pyright: reportMissingImports=false, reportArgumentType=false
# (statsmodels comes with the controls extra; its types are guessed from its defaults)

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from experiments.controls.foreign import mistakes as wrong
from experiments.controls.foreign.entry import Case, Foreign, foreign

ENTRIES: list[Foreign] = []
entry = partial(foreign, ENTRIES, "statsmodels, {}", package="statsmodels")

COUNT = 50
CLOSURE, BOUND = "a closure over float64", "a bound method"
PARTIAL = "functools.partial; (value, gradient)"


@entry("inverse Gaussian family", "GLM.score", CLOSURE, 21, kind="InverseGaussian")
@entry("gamma family", "GLM.score", CLOSURE, 21, kind="Gamma")
def family(rng: Generator, kind: str) -> Case:
    """A generalized linear model with a logarithmic link and frequency weights."""
    import statsmodels.api as sm

    inputs = np.column_stack([np.ones(COUNT), rng.normal(size=(COUNT, 2))])
    y, weights = rng.gamma(3.0, 0.5, COUNT) + 0.05, rng.integers(1, 5, COUNT)

    def of(freq_weights: np.ndarray | None) -> Callable[[Any], Any]:
        family = getattr(sm.families, kind)(sm.families.links.Log())
        model = sm.GLM(y, inputs, family=family, freq_weights=freq_weights)
        return lambda params: model.score(np.asarray(params), scale=1.0)

    def loglike(params: Any) -> Any:
        raw = inputs @ params
        gamma, gaussian = -y * jnp.exp(-raw) - raw, y * jnp.exp(-2 * raw) / -2 + jnp.exp(-raw)
        return jnp.sum(weights * (gamma if kind == "Gamma" else gaussian))

    return Case(loglike, of(weights), (0.3 * rng.normal(size=3),)).with_mistakes(
        wrong.instead("the frequency weights forgotten", of(None), wrong.WEIGHTS),
        wrong.sign(),
        wrong.coordinate(2),
    )


@entry("Cox regression, Efron", "PHReg.efron_gradient", BOUND, 22, ties="efron")
@entry("Cox regression", "PHReg.breslow_gradient", BOUND, 22, ties="breslow")
def hazard(rng: Generator, ties: str) -> Case:
    """Cox regression's partial likelihood of times without ties."""
    from statsmodels.api import PHReg

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
    return Case(loglike, gradient, (rng.normal(size=2),)).with_mistakes(
        wrong.sign(), wrong.twice(), wrong.coordinate(0)
    )


@entry("conditional logit", "ConditionalLogit.score", BOUND, 23)
def conditional_logit(rng: Generator) -> Case:
    """Conditional logistic regression of pairs, one success in each."""
    from statsmodels.api import ConditionalLogit

    inputs, groups = rng.normal(size=(COUNT, 2)), np.repeat(np.arange(COUNT // 2), 2)
    y = np.tile([1, 0], COUNT // 2)

    def build(kept: int) -> Any:
        return ConditionalLogit(y[:kept], inputs[:kept], groups=groups[:kept])

    def loglike(params: Any) -> Any:
        pairs = (inputs @ params).reshape(-1, 2)
        return jnp.sum(jax.nn.log_softmax(pairs, axis=1)[:, 0])

    return Case(loglike, build(COUNT).score, (rng.normal(size=2),)).with_mistakes(
        wrong.instead("the last pair left out", build(COUNT - 2).score, wrong.last(COUNT)),
        wrong.sign(),
        wrong.half(),
    )


@entry("Huber's norm", "HuberT.psi", BOUND, 24, kind="HuberT")
@entry("Tukey's biweight", "TukeyBiweight.psi", BOUND, 24, kind="TukeyBiweight")
def norm(rng: Generator, kind: str) -> Case:
    """A robust norm of residuals, whose derivative is psi."""
    from statsmodels.robust import norms

    residuals = 2.0 * rng.normal(size=COUNT)
    robust = getattr(norms, kind)()
    inside = np.abs(residuals) < {"TukeyBiweight": 4.685, "HuberT": 1.345}[kind]

    def loss(z: Any) -> Any:
        if kind == "HuberT":
            size = jnp.abs(z)
            return jnp.sum(jnp.where(size <= 1.345, z**2 / 2, 1.345 * (size - 1.345 / 2)))
        c = 4.685
        return jnp.sum(c**2 / 6 * (1 - jnp.where(jnp.abs(z) <= c, 1 - (z / c) ** 2, 0) ** 3))

    def as_if_inside(z: Any) -> Any:
        z = np.asarray(z)
        return z if kind == "HuberT" else z * (1 - (z / 4.685) ** 2)

    return Case(loss, robust.psi, (residuals,)).with_mistakes(
        wrong.instead("the wrong branch or power", as_if_inside, r"branch|clip|threshold|bound"),
        wrong.twice(),
        wrong.coordinate(int(np.flatnonzero(inside)[5])),
    )


@entry("pseudo-Huber penalty", "PseudoHuber.deriv", BOUND, 25)
def pseudo_huber(rng: Generator) -> Case:
    """A smooth penalty with a weight for each coefficient."""
    from statsmodels.base._penalties import PseudoHuber

    point, weights = rng.normal(size=8), rng.uniform(0.2, 2.0, 8)
    penalty, plain = PseudoHuber(0.7, weights=weights), PseudoHuber(0.7)

    loss = lambda params: jnp.sum(weights * 0.49 * (jnp.sqrt(1 + (params / 0.7) ** 2) - 1))
    return Case(loss, penalty.deriv, (point,)).with_mistakes(
        wrong.instead("the weights forgotten", plain.deriv, wrong.WEIGHTS),
        wrong.sign(),
        wrong.zeroed("the last coefficient left out", 7, wrong.last(8)),
    )


@entry("log-log link", "CLogLog.inverse_deriv", BOUND, 26, kind="CLogLog")
@entry("Cauchy link", "Cauchy.inverse_deriv", BOUND, 26, kind="Cauchy")
def link(rng: Generator, kind: str) -> Case:
    """The inverse of a link, added up over observations; its derivative is elementwise."""
    from statsmodels.genmod.families import links

    inverse = {
        "CLogLog": lambda z: -jnp.expm1(-jnp.exp(z)),
        "Cauchy": lambda z: 0.5 + jnp.arctan(z) / jnp.pi,
    }[kind]
    point = rng.normal(size=30)
    library = getattr(links, kind)()
    named = r"inverse|reciprocal|1/"
    of_link = wrong.instead("the link's derivative for its inverse's", library.deriv, named)
    return Case(lambda z: jnp.sum(inverse(z)), library.inverse_deriv, (point,)).with_mistakes(
        wrong.half() if kind == "CLogLog" else of_link, wrong.sign(), wrong.coordinate(9)
    )


@entry("orthomax rotation", "orthomax_objective", PARTIAL, 27, kind="orthomax", gamma=0.5)
@entry("oblimin rotation", "oblimin_objective", PARTIAL, 27, kind="oblimin", gamma=0)
def rotation(rng: Generator, kind: str, gamma: float) -> Case:
    """The criterion of a factor rotation, returned with its gradient."""
    from statsmodels.multivariate.factor_rotation import _gpa_rotation as rotations

    loadings = rng.normal(size=(6, 3))
    objective = getattr(rotations, f"{kind}_objective")

    def loss(loadings: Any) -> Any:
        squares = loadings**2
        if kind == "oblimin":
            return jnp.sum(squares * (squares @ (1 - jnp.eye(3)))) / 4
        return -jnp.sum(squares * (squares - 0.5 * squares.mean(axis=0))) / 4

    last = wrong.last(3) + r"|, 2\]|column"
    right = partial(objective, gamma=gamma, return_gradient=True)
    return Case(loss, right, (loadings,), {"has_value": True}).with_mistakes(
        wrong.sign(),
        wrong.zeroed("the last factor left out", (slice(None), 2), last),
        wrong.after("a factor of 4", lambda g: 4 * g, r"(?<![\d.])4 times|factor of (4|four)"),
    )
