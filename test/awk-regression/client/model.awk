# The model is a column of numbers, as numpy.savetxt writes an array of one dimension: the constant, then a weight for
# each feature. Every program reads it first, and then the client's rows: a heading, then `feature,…,target` a line.

BEGIN { FS = "," }

FNR == NR { weight[++size] = $1 + 0; next } # still the first file

FNR > 1 {
    if (NF != size) fail(FILENAME ":" FNR " has " NF " numbers, the model " size)
    x[++rows, 1] = 1
    for (i = 2; i <= size; i++) x[rows, i] = $(i - 1)
    y[rows] = $NF
}

# How far the model is off in a row.
function error(row,    i, sum) {
    for (i = 1; i <= size; i++) sum += weight[i] * x[row, i]
    return sum - y[row]
}

function square(number) { return number * number }

# The mean squared error over all rows.
function loss(    row, sum) {
    for (row = 1; row <= rows; row++) sum += square(error(row))
    return sum / rows
}

# The side file that says how many rows there were, and what was measured.
function metadata(metrics) {
    printf "{\"num_examples\": %d, \"metrics\": {%s}}\n", rows, metrics >(ENVIRON["OUT"] "-metadata")
}

function fail(why) {
    print why
    failed = 1
    exit 1
}

END {
    if (!failed && !rows) fail("there are no rows in " FILENAME)
    if (failed) exit 1
}
