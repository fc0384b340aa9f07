"""What a reader needs who has not read the report: its task, and its words, each explained once."""

from experiments import reported

TASK = (
    "TDT4265 is a university course on computer vision and deep learning. Its first assignment "
    "asks for the gradients of logistic and softmax regression, derived by hand (tasks 1 and 4a), "
    "and for both models trained on MNIST, 28 x 28 images of handwritten digits: logistic "
    f"regression to tell {reported.DIGITS[0]} from {reported.DIGITS[1]}, with early stopping and "
    "shuffling (task 2), softmax regression on all ten digits (task 3), and the same with an L2 "
    "penalty (task 4). The report is one student's answer."
)

SETTING = (
    f"Tasks 2 to 4 use the first {reported.TRAIN_SIZE:,} training images and validate on "
    f"{reported.VALIDATION_SIZE:,} of the 10,000 test images. Pixels are scaled to [-1, 1], and a "
    "1 is appended for the bias. Weights begin at zero, which for these models is as good a place "
    f"as any: their losses are convex. Batches have {reported.BATCH_SIZE} images; images left over "
    f"at the end of a pass are dropped. Task 2 keeps two digits only, {reported.DIGITS[0]} as "
    f"label 1 and {reported.DIGITS[1]} as label 0."
)

TERMS = {
    "step, epoch": "A step is one update of the weights, from one batch of images; an epoch is one "
    "pass over the training images.",
    "evaluation": "After every fifth of an epoch, training and validation accuracy and the "
    "validation loss are measured.",
    "file order, shuffled": "Batches come in the order of the data's files, the same in every "
    "epoch, or in a new random order in every epoch; task 2 trains in file order and, with the "
    "setting shuffle, in random orders too.",
    "selection": "A selection is a choice of validation images from the test images: sequential if "
    "it is the last ones in file order, stochastic or random if it is drawn at random.",
    "lag": "A criterion that stops training when the validation loss is not below what it was "
    f"{reported.EVALUATIONS_TO_STOP} evaluations ago; it is the report's, recovered from its "
    "numbers.",
    "patience": "The usual criterion: stop when "
    f"{reported.EVALUATIONS_TO_STOP} evaluations in a row have brought no new lowest validation "
    "loss.",
    "spike": "A short drop of the validation accuracy, by at least two points, after the first "
    "epoch.",
    "λ": "The factor of the L2 penalty: λ times the sum of the squared weights is added to the "
    "loss.",
    "autodiff": "Derivatives that JAX computes from the code of the loss, without a formula.",
    "float32, float64": "The numbers a computer calculates with, of about 7 and 16 digits.",
    "nats": "The unit of the cross entropy with the natural logarithm.",
}
"""Word to its explanation, in one sentence, in an order in which each needs only those before."""
