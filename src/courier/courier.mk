# The courier: a program of its own, no PostgreSQL in it.  Included by the top
# Makefile; also works alone: make -f src/courier/courier.mk
#
#   group_api_courier   the program
#   unit                its tests (test/unit), as TAP and cmocka output
#   courier-asan        build/group_api_courier.asan
#   unit-asan           the same tests under ASan and UBSan
#   courier-bench       build/unit/courier_bench, messages a second

.DEFAULT_GOAL ?= group_api_courier

COURIER_CC       ?= cc
COURIER_PACKAGES  = libcurl gmime-3.0 jansson
COURIER_VERSION  := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" group_api.control)
COURIER_FLAGS    := -std=gnu11 -D_GNU_SOURCE -DGA_VERSION='"$(COURIER_VERSION)"' \
	-Isrc -Wall -Wextra -Werror -pthread $(shell pkg-config --cflags $(COURIER_PACKAGES))
COURIER_HARDEN    = -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
COURIER_LIBS     := $(shell pkg-config --libs $(COURIER_PACKAGES))

COURIER_SOURCES := $(wildcard src/courier/*.c src/courier/*/*.c src/base/shared/*.c)
COURIER_OBJS    := $(patsubst src/%.c,build/courier/%.o,$(COURIER_SOURCES))
COURIER_ASAN    := $(patsubst src/%.c,build/courier-asan/%.o,$(COURIER_SOURCES))
COURIER_SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined

group_api_courier: $(COURIER_OBJS)
	$(COURIER_CC) -pie -Wl,-z,relro,-z,now -pthread -o $@ $^ $(COURIER_LIBS)

build/courier/%.o: src/%.c
	@mkdir -p $(@D)
	$(COURIER_CC) $(COURIER_FLAGS) $(COURIER_HARDEN) -MMD -MP -c -o $@ $<

.PHONY: courier-asan unit unit-asan courier-bench courier-clean

courier-asan: build/group_api_courier.asan

build/group_api_courier.asan: $(COURIER_ASAN)
	clang $(COURIER_SANITIZE) -pthread -o $@ $^ $(COURIER_LIBS)

build/courier-asan/%.o: src/%.c
	@mkdir -p $(@D)
	clang $(COURIER_FLAGS) $(COURIER_SANITIZE) -MMD -MP -c -o $@ $<

# Unit tests: every test/unit/*_test.c is one program, linked with the courier
# but for its main.
UNIT_SOURCES  := $(wildcard test/unit/*_test.c)
UNIT_PROGRAMS := $(patsubst test/unit/%.c,build/unit/%,$(UNIT_SOURCES))
UNIT_ASAN     := $(patsubst test/unit/%.c,build/unit-asan/%,$(UNIT_SOURCES))
UNIT_LIBS      = -lcmocka $(COURIER_LIBS)

build/unit/%: test/unit/%.c $(filter-out %/main.o,$(COURIER_OBJS))
	@mkdir -p $(@D)
	$(COURIER_CC) $(COURIER_FLAGS) -O1 -g -o $@ $^ $(UNIT_LIBS)

build/unit-asan/%: test/unit/%.c $(filter-out %/main.o,$(COURIER_ASAN))
	@mkdir -p $(@D)
	clang $(COURIER_FLAGS) $(COURIER_SANITIZE) -o $@ $^ $(UNIT_LIBS)

courier-bench: group_api_courier build/unit/courier_bench

unit: group_api_courier $(UNIT_PROGRAMS)
	set -e; for program in $(UNIT_PROGRAMS); do $$program; done
	/usr/bin/python3 test/unit/courier_peers.py ./group_api_courier
	/usr/bin/python3 test/unit/courier_providers.py ./group_api_courier
	/usr/bin/python3 test/unit/courier_specimens.py ./group_api_courier

unit-asan: build/group_api_courier.asan $(UNIT_ASAN)
	set -e; for program in $(UNIT_ASAN); do $$program; done
	/usr/bin/python3 test/unit/courier_peers.py build/group_api_courier.asan
	/usr/bin/python3 test/unit/courier_providers.py build/group_api_courier.asan

courier-clean:
	rm -rf build/courier build/courier-asan build/unit build/unit-asan \
		build/group_api_courier.asan group_api_courier

-include $(COURIER_OBJS:.o=.d) $(COURIER_ASAN:.o=.d)
