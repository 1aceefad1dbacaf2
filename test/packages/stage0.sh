#!/bin/bash
# In a fresh Debian, as root: what the Dockerfile's first stage does. Speaks TAP.
. test/lint/tap.sh
. test/packages/manual.sh
report "its first stage builds the package" "$(quiet sh build/stage0)"
finish
