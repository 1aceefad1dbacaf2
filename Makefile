# group_api: the extension (PGXS) and its courier (src/courier/courier.mk).
# The version is written in group_api.control and nowhere else.

EXTENSION  = group_api
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" group_api.control)
MODULE_big = group_api

# Every source below src is one of the extension but for the courier's, which is a
# program; a new file needs no line here.
SOURCES = $(filter-out src/courier/%,$(wildcard src/*.c src/*/*.c src/*/*/*.c \
	src/*/*.cpp src/*/*/*.cpp))
OBJS    = $(addsuffix .o,$(basename $(SOURCES)))

REQUEST_LIBS = -lidn2 -luriparser -lphonenumber -lprotobuf -lstdc++ -lcrypto

DATA_built = sql/group_api--$(EXTVERSION).sql
# The scripts of upgrades, and those of older versions, from which they lead (sql/released).
DATA       = $(wildcard sql/group_api--*--*.sql) $(filter-out \
	%/group_api--$(EXTVERSION).sql,$(wildcard sql/released/group_api--*.sql))
DOCS       =

REGRESS      = $(patsubst test/regress/sql/%.sql,%,$(sort $(wildcard test/regress/sql/*.sql)))
REGRESS_OPTS = --inputdir=test/regress --outputdir=. --load-extension=group_api
ISOLATION    = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=group_api

# What a packager sets, in the environment or behind `make`, comes last and so wins; asked
# before PGXS, which gives these names PostgreSQL's own values.
PACKAGER_CPPFLAGS := $(CPPFLAGS)
PACKAGER_CFLAGS   := $(CFLAGS)
PACKAGER_CXXFLAGS := $(if $(CXXFLAGS),$(CXXFLAGS),$(CFLAGS))
PACKAGER_LDFLAGS  := $(LDFLAGS)

# PostgreSQL's headers want the first two, which CFLAGS= behind `make` would take away.
PG_CFLAGS   = -fno-strict-aliasing -fwrapv -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Wno-declaration-after-statement $(WERROR)
PG_CXXFLAGS = -std=gnu++17 -Wall -Wextra $(WERROR)
PG_CPPFLAGS = -I$(srcdir)/src -Ibuild/generated -DGA_VERSION='"$(EXTVERSION)"'
SHLIB_LINK += $(REQUEST_LIBS)
EXTRA_CLEAN = build/generated build/courier build/unit build/unit-asan build/request build/gcc build/clang group_api_courier sql/group_api--$(EXTVERSION).sql

# Without a bitcode copy the build needs no LLVM; nothing here gains from JIT.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

override CPPFLAGS += $(PACKAGER_CPPFLAGS)
override CFLAGS   += $(PACKAGER_CFLAGS)
override CXXFLAGS += $(PACKAGER_CXXFLAGS)
override LDFLAGS  += $(PACKAGER_LDFLAGS)

include src/courier/courier.mk
include test/unit/unit.mk

all: group_api_courier

sql/group_api--$(EXTVERSION).sql: sql/group_api.sql
	cp $< $@

# A page, or a mail, is a constant of the library: its lines as strings of C, without indentation and
# without comments that have their lines for themselves.
PAGES = $(patsubst src/%,build/generated/%.inc,$(wildcard src/message/*.html src/message/page/*.html))

build/generated/%.html.inc: src/%.html
	@mkdir -p $(@D)
	sed -e 's/^[[:blank:]]*//' -e '/^<!--.*-->$$/d' -e '/^<!--/,/-->$$/d' -e '/^\/\*.*\*\/$$/d' \
		-e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $< >$@

src/message/languages.o src/message/page/page.o: $(PAGES)

# A header changed: everything is built again; the whole takes seconds.
$(OBJS): $(wildcard src/*/*.h src/*/*/*.h)

# Those that tell the version.
$(addsuffix .o,$(basename $(shell grep -l GA_VERSION $(SOURCES)))) src/group_api.o: group_api.control

install: install-courier
.PHONY: install-courier
install-courier: group_api_courier installdirs
	$(INSTALL_PROGRAM) group_api_courier '$(DESTDIR)$(pkglibdir)/group_api_courier'

uninstall: uninstall-courier
.PHONY: uninstall-courier
uninstall-courier:
	rm -f '$(DESTDIR)$(pkglibdir)/group_api_courier'
