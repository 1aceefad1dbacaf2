#!/bin/bash
# The check of releases itself: each kind of violation, planted alone, is caught.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree

# A tree whose 1.0 was released, and which is at 1.1.
plant() {
	rm -rf "${TREE:?}"/*
	mkdir -p "$TREE"/{sql/released,src,debian,docs/howto,test/packages}
	cd "$TREE" || exit 2
	echo "default_version = '1.1'" >group_api.control
	printf '%s\n' '"version": "1.1.0",' '"meta-spec": {' '"version": "1.0.0"' '}' >META.json
	echo 'group-api (1.1) unstable; urgency=medium' >debian/changelog
	echo '## 1.1 (unreleased)' >CHANGELOG.md
	echo '  version: "1.1"' >docs/openapi.yaml
	echo 'postgresql-15-group-api_1.1_amd64.deb' | tee README.md Dockerfile docs/howto/install.md docs/howto/upgrade.md >test/packages/install.sh
	echo "CREATE FUNCTION f() RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'group_api_f';" >sql/released/group_api--1.0.sql
	echo 'COPY group_api_private.groups FROM stdin;' >sql/released/1.0.data.sql
	(cd sql/released && sha256sum -- *.sql >SHA256SUMS)
	cp sql/released/group_api--1.0.sql sql/group_api.sql
	printf '%s\n' '-- From 1.0 to 1.1' '\echo Use ALTER \quit' 'SELECT group_api_private.check_library();' \
		>sql/group_api--1.0--1.1.sql
	echo 'PG_FUNCTION_INFO_V1(group_api_f);' >src/f.c
}

# caught WHAT TEXT: with what was planted the check fails and says TEXT
caught() {
	caught_by released "$@"
	plant
}

plant
report "a clean tree passes" "$(bash "$HERE/released.sh" "$TREE" | grep -A 9 '^not ok')"
echo >>sql/released/group_api--1.0.sql
caught "a released script that was changed" 'group_api--1.0.sql: FAILED'
touch sql/released/group_api--0.9.sql
caught "one that was never recorded" 'group_api--0.9.sql has no digest'
sed -i "s/1\.1/1.0/" group_api.control
echo >>sql/group_api.sql
caught "a change of a version that is released" 'sql/group_api.sql changed after 1.0 was released'
rm sql/group_api--1.0--1.1.sql
caught "a version from which no way leads" 'leads from 1.0 to 1.1'
sed -i /check_library/d sql/group_api--1.0--1.1.sql
caught "an upgrade that any library would take" 'does not begin with SELECT group_api_private.check_library'
: >src/f.c
caught "a C function that is gone" 'group_api_f is named by a released script'
sed -i 's/1\.1/1.0/' README.md
caught "a file name of another version" 'README.md:1:group-api_1.0_'
sed -i 's/"1\.0\.0"/"1.1.0"/' META.json
caught "a meta-spec that does not exist" 'META.json: its meta-spec is not 1.0.0'
sed -i 's/1\.1/1.0/' docs/openapi.yaml
caught "an API description of another version" 'docs/openapi.yaml'
sed -i '1s/1\.1/1.0/' META.json
caught "a number of another version for PGXN" 'META.json: "version": "1.0.0"'
finish
