#!/bin/bash
# What was released stays as it is, and can be upgraded: digests of sql/released, a way from
# every version there to the present one, and no C function gone that one of them names.
# A version is written once and read alike wherever people and tools look for it.
#
#   test/lint/released.sh [DIRECTORY that holds sql/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

VERSION=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" group_api.control)

released() { ls sql/released/group_api--*.sql 2>/dev/null | sed 's|.*--\(.*\)\.sql|\1|' | sort -V; }

# changed: files that are not what was recorded, or never were
changed() {
	local file
	[ -e sql/released/SHA256SUMS ] || { echo "sql/released/SHA256SUMS is not there"; return; }
	(cd sql/released && [ ! -s SHA256SUMS ] || sha256sum --quiet --check SHA256SUMS 2>&1)
	for file in sql/released/*.sql; do
		[ ! -e "$file" ] || grep -q " ${file##*/}\$" sql/released/SHA256SUMS || echo "$file has no digest"
	done
}

# not_the_same: once the present version is released, so is its script
not_the_same() {
	[ ! -e "sql/released/group_api--$VERSION.sql" ] ||
		cmp -s sql/group_api.sql "sql/released/group_api--$VERSION.sql" ||
		echo "sql/group_api.sql changed after $VERSION was released: script/release next VERSION"
}

# reaches FROM: by scripts that lead from one version to the next
reaches() {
	local step seen=${2:-}
	[ "$1" != "$VERSION" ] || return 0
	[[ " $seen " != *" $1 "* ]] || return 1
	for step in sql/group_api--"$1"--*.sql; do
		[ -e "$step" ] || continue
		step=${step##*--}
		reaches "${step%.sql}" "$seen $1" && return 0
	done
	return 1
}

without_way() {
	local version
	for version in $(released); do
		reaches "$version" || echo "no sql/group_api--$version--….sql leads from $version to $VERSION"
	done
}

# unchecked: scripts of upgrades that do not ask first whether the library can take them
unchecked() {
	local file
	for file in sql/group_api--*--*.sql; do
		[ ! -e "$file" ] || sed -e 's/--.*//' -e '/^\\echo/d' -e '/^[[:space:]]*$/d' "$file" | head -n 1 |
			grep -qx 'SELECT group_api_private\.check_library();' ||
			echo "$file does not begin with SELECT group_api_private.check_library();"
	done
}

# gone: C functions that a database of an older version names until it is upgraded
gone() {
	local symbol
	cat sql/released/group_api--*.sql sql/group_api--*--*.sql 2>/dev/null |
		grep -oE "'MODULE_PATHNAME', *'\w+'" | grep -oE "\w+'\$" | tr -d "'" | sort -u |
		while read -r symbol; do
			grep -rqE "PG_FUNCTION_INFO_V1\($symbol\)" src || echo "$symbol is named by a released script"
		done
}

# otherwise: places that name another version
otherwise() {
	sed '/"meta-spec"/,/}/d' META.json | grep '"version":' | grep -v "\"$VERSION\.0\"" | sed 's/^ */META.json: /'
	# https://pgxn.org/spec/: there is only this one.
	sed -n '/"meta-spec"/,/}/p' META.json | grep -q '"version": "1\.0\.0"' || echo "META.json: its meta-spec is not 1.0.0"
	head -n 1 debian/changelog | grep -q "($VERSION)" || echo "debian/changelog"
	grep -m 1 '^## ' CHANGELOG.md | grep -q "^## $VERSION " || echo "CHANGELOG.md"
	grep -m 1 '^  version:' docs/openapi.yaml | grep -qF "\"$VERSION\"" || echo "docs/openapi.yaml"
	grep -noE 'group-api_[0-9.]+_' README.md Dockerfile docs/howto/install.md docs/howto/upgrade.md test/packages/install.sh |
		grep -v "group-api_${VERSION}_"
}

report "what was released is as it was" "$(changed)"
report "the script of a version that was released is the one that was" "$(not_the_same)"
report "every version that was released can be upgraded" "$(without_way)"
report "every script of an upgrade looks at the library first" "$(unchecked)"
report "no C function is gone that a released script names" "$(gone)"
report "the version is $VERSION everywhere" "$(otherwise)"
finish
