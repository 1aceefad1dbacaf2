#!/bin/bash
# In a Debian of its own, in the sources, as root: builds the packages as an
# ordinary user and asks lintian; leaves them in build/debs. Speaks TAP.
set -u
. test/lint/tap.sh
. test/packages/manual.sh

as_builder() {
	runuser -u builder -- env HOME=/home/builder DEBIAN_FRONTEND=noninteractive \
		sh -c "cd ~/group_api && $1"
}

# build: as the manual says it, in a copy that is the builder's own
build() {
	local line
	apt_get update &&
		apt_get install --no-install-recommends sudo lintian || return 1
	id builder || useradd --create-home builder || return 1
	echo 'builder ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/builder
	rm -rf /home/builder/* && mkdir /home/builder/group_api &&
		tar --exclude=./build -cf - . | tar -xf - -C /home/builder/group_api &&
		chown -R builder: /home/builder || return 1
	while read -r line; do
		as_builder "$line" </dev/null || return 1
	done < <(typed "Building the package")
}

# lost_flags: what a compiler or a linker was not told of dpkg-buildflags
lost_flags() {
	local file
	sed -e ':again' -e '/\\$/{N;s/\\\n//;b again}' /tmp/log >/tmp/lines
	for file in src/group_api.o build/courier/courier/main.o; do
		grep -E -- "-o $file( |$)" /tmp/lines |
			grep -qe '-ffile-prefix-map=/home/builder/group_api=\.' ||
			echo "$file was compiled without -ffile-prefix-map"
	done
	for file in group_api.so group_api_courier; do
		grep -E -- "-o $file " /tmp/lines | grep -q -- '-Wl,-z,relro -Wl,-z,now' ||
			echo "$file was linked without -z relro -z now"
	done
}

report "the manual's commands build the packages, whose own tests pass" "$(quiet build)"
mkdir -p build/debs && rm -f build/debs/* && cp /tmp/log build/build.log
cp /home/builder/*.deb build/debs/
report "there is a package for PostgreSQL and one of the manual" \
	"$(ls build/debs/postgresql-*-group-api_*.deb build/debs/group-api-doc_*.deb 2>&1 >/dev/null)"
report "lintian is silent" \
	"$(cd /home/builder && runuser -u builder -- lintian --fail-on error,warning ./*.changes 2>&1)"
report "the packager's flags reach the library and the courier" "$(lost_flags)"
finish
