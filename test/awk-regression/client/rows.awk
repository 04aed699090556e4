# Writes a client's rows. Each awk has a rand() of its own; this one (Park and Miller, 1988) is the same in all.

function random() {
    state = state * 16807 % 2147483647
    return state / 2147483647
}

function noise(    i, sum) { # nearly normal, with a standard deviation of 0.1
    for (i = 1; i <= 12; i++) sum += random()
    return (sum - 6) / 10
}

BEGIN {
    rows = part == "train" ? 100 + 50 * number : 50
    state = 1 + (seed * 1000003 + number * 2003 + (part == "train")) % 2147483645
    for (i = 1; i <= 100; i++) random() # small beginnings make small numbers at first
    print "a,b,c,target"
    for (row = 1; row <= rows; row++) {
        for (i = 0; i < 3; i++) x[i] = i == number % 3 ? 0 : 2 * random() - 1
        printf "%.6f,%.6f,%.6f,%.6f\n", x[0], x[1], x[2], 4 + 3 * x[0] - 2 * x[1] + 0.5 * x[2] + noise()
    }
}
