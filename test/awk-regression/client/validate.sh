# Measures the model on rows that it was not trained on: `validate.sh IN OUT`.
set -eu
export LC_ALL=C

OUT=$2 awk -f model.awk -f validate.awk "$1" ../data/validate.csv
