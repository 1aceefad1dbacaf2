#!/bin/bash
# The documents make a site without a warning: every page is in its list of contents, no link is
# broken. mkdocs reads them as strictly as it can.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/lint/tap.sh

if ! command -v mkdocs >/dev/null; then
	echo "1..0 # SKIP mkdocs not found"
	exit 0
fi
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
said=$(mkdocs build --strict --quiet --site-dir "$site" 2>&1)
found=$(grep -v '^$' <<<"$said")
report "the documents make a site without a warning" "$found"
missing=$(cd docs && find . -name '*.md' | sed 's|^\./||' | sort | while read -r page; do
	grep -q ": $page\$" ../mkdocs.yml || echo "$page is not in mkdocs.yml"
done)
report "every page is in mkdocs.yml" "$missing"
finish
