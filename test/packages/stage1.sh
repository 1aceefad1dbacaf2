#!/bin/bash
# In a fresh Debian, as root: what the Dockerfile's last stage does. Speaks TAP.
. test/lint/tap.sh
. test/packages/manual.sh
report "its last stage installs it" "$(quiet sh build/stage1)"
report "no compiler is in the image" "$(compilers)"
report "no cluster of Debian's is in the image" "$(ls /etc/postgresql/*/main 2>/dev/null)"
finish
