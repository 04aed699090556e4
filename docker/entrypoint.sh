#!/bin/sh
# `docker run fedn run reducer` means `fedn run reducer`. What names a program that there is runs as it stands.
command -v -- "$1" > /dev/null 2>&1 || set -- fedn "$@"
exec "$@"
