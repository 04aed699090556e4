# The mean squared error, and the share of the variance that the model explains.

END {
    for (row = 1; row <= rows; row++) mean += y[row] / rows
    for (row = 1; row <= rows; row++) variance += square(y[row] - mean) / rows
    printf "{\"loss\": %.17g, \"r2\": %.17g}\n", loss(), 1 - loss() / variance >ENVIRON["OUT"]
    metadata("")
}
