# Gradient descent on the mean squared error, from the model that was read. %.17g keeps every bit of a number.

END {
    for (step = 1; step <= steps; step++) {
        for (i = 1; i <= size; i++) slope[i] = 0
        for (row = 1; row <= rows; row++) {
            off = error(row)
            for (i = 1; i <= size; i++) slope[i] += off * x[row, i]
        }
        for (i = 1; i <= size; i++) weight[i] -= rate * slope[i] / rows
    }
    for (i = 1; i <= size; i++) printf "%.17g\n", weight[i] >ENVIRON["OUT"]
    metadata(sprintf("\"loss\": %.17g", loss()))
}
