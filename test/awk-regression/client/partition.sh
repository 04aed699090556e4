# Makes data for clients: `partition.sh FOLDER CLIENTS`.
#
# target = 4 + 3 a - 2 b + 0.5 c, and some noise. One of the features never changes at a client: it can't find that
# weight by itself, only with the others.
set -eu
export LC_ALL=C

number=0
while [ "$number" -lt "$2" ]; do
    mkdir -p "$1/$number"
    for part in train validate; do
        awk -v number="$number" -v part="$part" -v seed="${FEDN_SEED:-0}" -f rows.awk >"$1/$number/$part.csv"
    done
    number=$((number + 1))
done
