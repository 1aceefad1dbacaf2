#!/bin/bash
# Called by install.sh in a network of its own, where the packages are: starts PostgreSQL,
# makes the database of the page with the extension, and types the commands of the page, its
# arguments.
set -eu
trap 'service postgresql stop' EXIT
service postgresql start
sudo -u postgres createdb app
sudo -u postgres psql -d app -c 'CREATE EXTENSION group_api'
for command in "$@"; do
	echo "\$ $command"
	bash -e -c "$command"
done
sudo -u postgres psql -X -A -t -d app -c "SELECT 'of one version' FROM group_api.library
	WHERE library_version = extension_version" | grep -x 'of one version'
