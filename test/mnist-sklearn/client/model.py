"""A logistic regression for each digit, and how it travels: as the arrays that its mean is taken of."""

from sklearn.linear_model import SGDClassifier

from fedn.utils.helpers import get_helper

HELPER = get_helper("sklearn")
PIXELS, DIGITS = 28 * 28, range(10)


def new(seed=0, learning_rate=0.02):
    """A classifier that learns by stochastic gradient descent; `partial_fit` is one pass over the examples."""
    return SGDClassifier("log_loss", alpha=1e-5, learning_rate="constant", eta0=learning_rate, random_state=seed)


def first():
    """The parameters of one that knows nothing; all ten digits are told, as no client may have all."""
    return HELPER.seed(new(), features=PIXELS, classes=DIGITS)


def load(path, seed=0, learning_rate=0.02):
    return HELPER.restore(new(seed, learning_rate), HELPER.load_model(path))


def save(classifier, path):
    HELPER.save_model(HELPER.parameters(classifier), path)
