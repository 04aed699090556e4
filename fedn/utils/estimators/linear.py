"""Linear models, by their coefficients: what federated averaging takes the mean of."""

from __future__ import annotations

from typing import Any

import numpy as np

from fedn.core.dtypes import Array, DType
from fedn.errors import InvalidInput
from fedn.utils.arrays import as_array
from fedn.utils.estimators.family import Family, Parameters, check_classes, fitted, names_of, taken


class LinearRegressors(Family):
    """`coef_` as it is and `intercept_` with a number for each of its rows, in the types of the estimator.

    Stochastic gradient descent adds `t_`, the count of its steps, which its learning rate may go down with.
    """

    NAMES = frozenset({"LinearRegression", "Ridge", "Lasso", "ElasticNet", "LinearSVR", "SGDRegressor"})
    CLASSIFIES = False

    def parameters(self, estimator: Any) -> dict[str, Array]:
        coef = np.array(as_array(fitted(estimator, "coef_"), "coef_"))
        # Some estimators have a single number where the intercepts are all 0.
        intercept = np.broadcast_to(as_array(fitted(estimator, "intercept_"), "intercept_"), coef.shape[:-1] or (1,))
        parameters = {"coef_": coef, "intercept_": np.array(intercept, coef.dtype)}
        if hasattr(estimator, "t_"):
            parameters["t_"] = np.array(estimator.t_, np.float64)
        return parameters

    def restore(self, estimator: Any, parameters: Parameters, examples: float | None) -> None:
        coef, intercept = taken(estimator, parameters, "coef_", "intercept_")
        if getattr(estimator, "average", False):
            raise InvalidInput(
                "an estimator that averages its own steps can't go on from a model",
                hint="give average=False: the federation averages",
            )
        if self.CLASSIFIES:
            check_classes(estimator, len(coef) if len(coef) > 1 else 2)
        # Training on goes into these arrays in place.
        estimator.coef_, estimator.intercept_ = np.array(coef, order="C"), np.array(intercept)
        estimator.n_features_in_ = coef.shape[-1]
        if "t_" in parameters:
            estimator.t_ = float(parameters["t_"])

    def seed(self, estimator: Any, *, features: int, classes: int, dtype: DType) -> dict[str, Array]:
        rows = (classes if classes > 2 else 1,) if self.CLASSIFIES else ()
        parameters = {"coef_": np.zeros((*rows, features), dtype), "intercept_": np.zeros(rows or 1, dtype)}
        if "BaseSGD" in names_of(estimator):
            parameters["t_"] = np.array(1.0)
        return parameters


class LinearClassifiers(LinearRegressors):
    """The same: two classes share a row of `coef_`, more have one each."""

    NAMES = frozenset({"LogisticRegression", "LinearSVC", "SGDClassifier", "Perceptron", "PassiveAggressiveClassifier"})
    CLASSIFIES = True
