# private.sh: a copy of the checkout, and of PostgreSQL's programs to install it into, so
# that what is installed on the machine stays as it is. Sourced after common.sh.

# private_checkout TREE: what the checkout is made of, and the peers that it fetched
private_checkout() {
	mkdir -p "$1/build" && (cd "$ROOT" &&
		git ls-files -z --cached --others --exclude-standard |
		tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$1") || return 1
	if [ -e "$PEERS" ] && [ ! -e "$1/build/peers" ]; then
		ln -s "$PEERS" "$1/build/peers" || return 1
	fi
	# The servers' user has to reach it.
	chmod 755 "$1"
}

# private_postgres DIRECTORY: PG_CONFIG becomes that of a copy there; PostgreSQL finds its
# directories from where its programs are, so a copy with the same layout is another
# installation
private_postgres() {
	local copied=$1 what from
	find_postgres || { warn "no PostgreSQL found; set PG_CONFIG"; return 1; }
	rm -rf "$copied"
	for what in bindir pkglibdir sharedir; do
		from=$("$PG_CONFIG" --$what)
		[ ! -e "$copied$from" ] || continue
		mkdir -p "$copied$from" && cp -aL "$from/." "$copied$from" || return 1
	done
	for from in "$("$PG_CONFIG" --includedir)" /usr/share/postgresql-common; do
		[ -e "$from" ] && [ ! -e "$copied$from" ] || continue
		mkdir -p "$(dirname "$copied$from")" && ln -s "$from" "$copied$from" || return 1
	done
	chmod 755 "$copied"
	PG_CONFIG=$copied$PG_BIN/pg_config
	find_postgres
}
