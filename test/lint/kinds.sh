#!/bin/bash
# A kind of provider is named where its rows are, and nowhere else: whoever adds one
# has to look at these places alone (CONTRIBUTING.md tells them).
#
#   test/lint/kinds.sh [DIRECTORY that holds src/ and sql/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

TABLE=src/base/shared/provider_table.c
# its request; options of its own; its receipts; what their words and codes mean
PLACES="$TABLE src/base/shared/provider_options.c src/request/callback/callback_kind.c
	src/base/shared/receipt_table.c"

kinds() { sed -n 's/^\t\t\.kind = "\(.*\)",$/\1/p' "$TABLE"; }

# The kinds that stand for no vendor are words of everyday, too.
vendors() { kinds | grep -vxE 'smtp|http|capture|webhook'; }

# named KINDS: FILE:LINE of a string that is one of them
named() {
	grep -rnE --include='*.[ch]' --include='*.cpp' "\"($1)\"" src
}

elsewhere() {
	local pattern=$(vendors | paste -sd '|')
	named "$pattern" | grep -vE "^($(echo $PLACES | tr ' ' '|')):" | grep -v '\.aws_service = '
}

# listed: the kinds of the SQL script's list
listed() { sed -n "/^    FOR kind IN/,/AS k (name/s/^        ('\([a-z_]*\)', .*/\1/p" sql/group_api.sql; }

again() {
	local pattern=$(vendors | paste -sd '|')
	sed '/^    FOR kind IN/,/AS k (name/d' sql/group_api.sql | grep -nE "(group_api_|')($pattern)\b" |
		grep -v "WHEN 'EMAIL' THEN 'smtp'" |
		# What operators do with many invitations has the name of a vendor.
		grep -vE "'resend', 'cancel'|(WHEN|action =|every_batch\\() ?'resend'"
}

report "there is a table of kinds" "$([ "$(kinds | wc -l)" -ge 15 ] || echo "$TABLE has $(kinds | wc -l)")"
report "no other source names a kind" "$(elsewhere)"
report "the SQL script's list has the same kinds" "$(diff <(kinds | sort) <(listed | sort))"
report "and names none a second time" "$(again)"
finish
