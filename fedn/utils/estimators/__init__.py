"""What of an estimator of scikit-learn can be averaged, one module a family. None imports scikit-learn."""
