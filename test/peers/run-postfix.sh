#!/bin/bash
# Runs Postfix in the foreground as an ordinary user, until it is told to end or
# whoever started this is gone.
#
#   run-postfix.sh POSTFIX CONFIGURATION PID-FILE
#
# POSTFIX is where the package was unpacked. Postfix insists on changing users
# between its programs; under fakeroot it believes that it does.
set -u
postfix=$1 configuration=$2 pid_file=$3 starter=$PPID

stop() { [ ! -s "$pid_file" ] || kill "$(tr -d ' ' <"$pid_file")" 2>/dev/null; }

trap stop TERM INT
export LD_LIBRARY_PATH=$postfix/usr/lib/postfix
setsid fakeroot "$postfix/usr/lib/postfix/sbin/master" -c "$configuration" -d &
child=$!
while kill -0 "$child" 2>/dev/null; do
	kill -0 "$starter" 2>/dev/null || stop
	sleep 0.2 &
	wait $!
done
wait "$child"
