"""The tuning constants of the gradient checker: what each is, and how it was calibrated.

`python -m mnist_jax.gradcheck --constants` prints them. "Measured" refers to the results of
`experiments.controls`: wrong gradients, random problems with correct ones, and those of others.
"""

import inspect
import re
import sys
import textwrap

# tolerance of a coordinate:

# tolerance, in standard deviations of the rounding error; measured: of 10,000 correct gradients of
# the controls, no error against autodiff is above 0.4 of it
TOLERANCE = 16.0
# tolerance, in error estimates of Richardson extrapolation; measured: no correct slope of the
# controls exceeds it
SETTLED = 8.0
# digits that a gradient may lose to rounding in excess of autodiff; chosen: two digits are what
# an unlucky order of summation costs
LOST = 2.0
# relative tolerance above which a comparison is inconclusive; chosen: a wrong sign or factor of
# two would still be seen below it
UNRESOLVED = 0.1
# order of the Taylor remainder that separates correct from wrong; derived: halfway between 2 for
# a correct gradient and 1 for a wrong one
ORDER = 1.5

# random rounding:

# evaluations with random rounding; derived: an error of one deviation exceeds TOLERANCE once in
# 10^10 cases
SAMPLES = 16
# ... at least, for slow functions; chosen: the least that has a spread
FEWEST = 4
# seconds for all evaluations of a function at a point; chosen: one of several such
SAMPLING = 1.0
# coordinates from which on neighbours share an estimate, and FEW evaluations suffice; chosen:
# below it, an evaluation takes milliseconds
LARGE = 100_000
# evaluations of a function with a large result; derived: BLOCK neighbours have 40 degrees of
# freedom together; 16 evaluations have 15
FEW = 6
# neighbours that share an estimate; derived: see FEW; nearer ones are more alike
BLOCK = 8
# largest factor by which a deviation is raised, since neighbours may have other scales; derived:
# that of FEW evaluations is too small by RAISED times TOLERANCE once in 10^8 cases, and an error as
# large as it is rarer still
RAISED = 4.0
# error of a special function, in units of roundoff of its result or of 1; measured: of XLA's on a
# CPU, the error at 20,000 points is at most 188 (the incomplete beta function), about TOLERANCE
# times the deviation of this
SPECIAL_ERROR = 20.0
# factor of the noise in float64, by which its deviations are divided again; derived: noise must
# be above the resolution, and not exceed TOLERANCE, or a result that rounding destroys would seem
# accurate
AMPLIFIED = 16.0
# evaluations with rounded data for a gradient that is not traced; chosen: as FEWEST
ROUNDED_DATA = 4
# iterations after which a loop until convergence counts as endless; chosen: a compiled loop takes
# about ten milliseconds, and there are hundreds of evaluations
ITERATIONS = 10_000
# ... under random rounding, whose noise may be above the loop's tolerance; chosen: Newton's method
# takes ten, and a loop that is cut short changes only the estimate of the noise
NOISY_ITERATIONS = 200
# operations from which on all evaluations are computed in one batch; chosen: below, tracing the
# batch takes longer than it saves
BATCHED = 60

# differences of the loss:

# ratio of two steps; derived: the term in h^2 then shrinks by 16
RATIO = 4.0
# steps, from 1 on; derived: the last, 4e-9, is below the best step of float64
NUM_STEPS = 15
# smallest visible remainder, in standard deviations of a value; measured: the order of correct
# gradients is then 2.0 within 0.1
VISIBLE = 100.0
# ... and in tolerances of the slope; measured: as VISIBLE
CLEAR = 8.0
# largest difference of two extrapolations, in multiples of their errors; chosen: extrapolations
# from both sides of a kink differ by more
AGREE = 4.0
# largest order reported; chosen: a vanishing remainder has any
HIGHEST = 4.0
# number of the smallest step that resolves a kink; derived: 2e-7, where rounding is 1e-9
NEAREST = 11
# number of a step at which a smooth loss is linear; derived: its square is 1e-12
STRAIGHT = 10
# smallest second difference of a kink, in multiples of the noise; derived: a kink's grows to 64
# times its value at the smallest step; rounding's does not grow
BENT = 8.0
# relative difference of two one-sided slopes at a kink; chosen: the curvature of smooth losses
# stays below it
KINK = 0.05
# relative change of a kink's jump between two steps; derived: a curve's is above 0.9
STEADY = 0.2
# coordinates up to which differences give a whole gradient; chosen: below a second
COORDINATES = 256
# seconds for the lines through a point; chosen
LINES = 0.7
# seconds for a slope in forward mode; a slower one is skipped; chosen
FORWARD = 0.2


# standard deviation of the logarithm of a coordinate's change; chosen: coordinates change by a
# factor of two, and keep their sign
SPREAD = 0.6
# draws, each at half the distance, until the loss is finite; derived: down to 1e-4
ATTEMPTS = 12
# fraction of its largest value below which a gradient counts as vanished; chosen: saturated
# weights are left, and all others stay
VANISHED = 1e-3
# value for a scalar of zero, which hides mistakes; chosen: a usual penalty
INSTEAD_OF_ZERO = 0.1
# random signs tried to enter a branch; chosen
FLIPS = 8
# seconds to search for points in other branches; chosen
BRANCHES = 0.5

# the formula in balls:

# seconds for the verdict on the formula; measured: task 4a is told at two points
FORMULA = 0.6
# bits at first; chosen: equal gradients agree to 37 digits
FEWEST_BITS = 128
# bits at last; chosen: saturated logits of 10,000 need thousands
MOST_BITS = 1 << 15
# digits to which equal gradients agree; derived: twice those of any datum
EQUAL = 30
# bits with which numbers below 2 to minus half of them are zero; chosen: no sum of floats that is
# not zero is as small
ZERO_BITS = 512
# perturbations of the data if a difference is proved; measured: no correct formula of the
# controls is then called different
PERTURBED = 8
# largest ratio of a difference to its change under rounded data that the data explain; derived:
# data are results of computations, and most perturbations are far below the largest
EXPLAINS = 256.0
# relative change in two perturbations below which the data do not explain a difference; derived:
# rounding of the data would change it by about its own size
FIXED = 2.0**-20
# bits for values of the loss; derived: STEP loses 200 twice
WITNESS_BITS = 512
# step of the difference quotient; derived: its error, the square, is below 1e-120
STEP = 2.0**-200
# relative difference below which slopes are equal; derived: from STEP
SAME = 2.0**-100
# digits to which the slope of a correct gradient agrees; derived: those of float64
WITNESSED = 15.0
# digits below which it is wrong; chosen: in between, a rounded constant may be the reason
REFUTED = 12.0
# relative error in float64 that rounding may explain if the formulas are equal; chosen: half of
# the digits
ROUNDED = 1e-8
# largest term of a fraction that a constant in code stands for; derived: a random float64 is that
# near to one with probability 1e-8
LARGEST_TERM = 1000
# digits of a decimal that a constant stands for; derived: as above
WRITTEN = 12
# units in the last place it may be off; chosen: three operations
ULPS = 8

# names of mistakes:

# error of a fit, in tolerances; derived: both sides are rounded, and the factor
SLACK = 4.0
# relative error of a fit if the loss holds an epsilon, which is then stated; chosen: the epsilons
# that people write are 1e-12 to 1e-5
LOOSE = 1e-4
# factor of a term that counts as rounding; chosen
NOTHING = 1e-9
# largest relative error of computing in float32; derived: a hundred roundings
SINGLE = 1e-5
# largest constant that counts as an epsilon; chosen: as LOOSE
EPSILON = 1e-4
# distance of a factor from the plain number that it is; chosen: far above rounding
EXPLAINED = 1e-6
# equations of a loss that are changed in turn; chosen
EQUATIONS = 60
# seconds to search for a mistake's name; chosen
SEARCH = 2.5


def described() -> str:
    """Returns the constants with the comments above them, which say how each was calibrated."""
    source = inspect.getsource(sys.modules[__name__])
    found = re.findall(r"((?:^# .*\n)+)^([A-Z_]+) = .*$", source, re.MULTILINE)
    texts = []
    for comment, name in found:
        what = " ".join(line.removeprefix("# ") for line in comment.splitlines())
        shown = textwrap.fill(what, 96, initial_indent="    ", subsequent_indent="    ")
        texts.append(f"{name} = {globals()[name]:g}\n{shown}")
    return "\n".join(texts)
