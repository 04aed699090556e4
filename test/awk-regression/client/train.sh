# Trains on the client's own rows: `train.sh IN OUT`.
set -eu
export LC_ALL=C # a point in numbers, whatever the language of this machine

# The session's parameters are a JSON object; for one number in it, sed will do.
parameter() {
    found=$(sed -n "s/.*\"$1\": *\([-+.0-9e]*\).*/\1/p" "${FEDN_PARAMETERS:-/dev/null}")
    echo "${found:-$2}"
}

OUT=$2 awk -v steps="$(parameter steps 50)" -v rate="$(parameter rate 0.5)" \
    -f model.awk -f train.awk "$1" ../data/train.csv
