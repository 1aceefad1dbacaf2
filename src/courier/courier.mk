# The courier: a program of its own, no PostgreSQL in it.  Included by the top
# Makefile; also works alone: make -f src/courier/courier.mk
#
#   group_api_courier   the program
#   courier-asan        build/group_api_courier.asan
#   courier-tsan        build/group_api_courier.tsan
#
# CPPFLAGS, CFLAGS and LDFLAGS of a packager come last and so win. Alone, make
# itself says what they are; included, the top Makefile knows.

.DEFAULT_GOAL ?= group_api_courier

COURIER_CC       ?= $(CC)
PACKAGER_CPPFLAGS ?= $(CPPFLAGS)
PACKAGER_CFLAGS   ?= $(CFLAGS)
PACKAGER_LDFLAGS  ?= $(LDFLAGS)
COURIER_PACKAGES  = libcurl gmime-3.0 jansson expat
COURIER_VERSION  := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" group_api.control)
COURIER_FLAGS    := -std=gnu11 -D_GNU_SOURCE -DGA_VERSION='"$(COURIER_VERSION)"' \
	-Isrc -Wall -Wextra $(WERROR) -pthread $(shell pkg-config --cflags $(COURIER_PACKAGES))
# A packager who fortifies does it at a level of his own.
COURIER_FORTIFY   = $(if $(findstring _FORTIFY_SOURCE,$(PACKAGER_CPPFLAGS) $(PACKAGER_CFLAGS)),,\
	-D_FORTIFY_SOURCE=2)
COURIER_HARDEN    = -O2 -g -fstack-protector-strong $(COURIER_FORTIFY) -fPIE
COURIER_LIBS     := $(shell pkg-config --libs $(COURIER_PACKAGES))

COURIER_SOURCES := $(wildcard src/courier/*.c src/courier/*/*.c src/base/shared/*.c)
COURIER_OBJS    := $(patsubst src/%.c,build/courier/%.o,$(COURIER_SOURCES))
COURIER_ASAN    := $(patsubst src/%.c,build/courier-asan/%.o,$(COURIER_SOURCES))
COURIER_TSAN    := $(patsubst src/%.c,build/courier-tsan/%.o,$(COURIER_SOURCES))
COURIER_SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined
COURIER_THREADS  = -O1 -g -fno-omit-frame-pointer -fsanitize=thread

group_api_courier: $(COURIER_OBJS)
	$(COURIER_CC) -pie -Wl,-z,relro,-z,now -pthread $(PACKAGER_LDFLAGS) -o $@ $^ $(COURIER_LIBS)

build/courier/%.o: src/%.c
	@mkdir -p $(@D)
	$(COURIER_CC) $(COURIER_FLAGS) $(COURIER_HARDEN) $(PACKAGER_CPPFLAGS) $(PACKAGER_CFLAGS) \
		-MMD -MP -c -o $@ $<

# Those that tell the version.
$(patsubst src/%.c,build/courier/%.o,$(shell grep -l GA_VERSION $(COURIER_SOURCES))): group_api.control

.PHONY: courier-asan courier-tsan courier-clean

courier-asan: build/group_api_courier.asan

build/group_api_courier.asan: $(COURIER_ASAN)
	clang $(COURIER_SANITIZE) -pthread -o $@ $^ $(COURIER_LIBS)

build/courier-asan/%.o: src/%.c
	@mkdir -p $(@D)
	clang $(COURIER_FLAGS) $(COURIER_SANITIZE) -MMD -MP -c -o $@ $<

courier-tsan: build/group_api_courier.tsan

build/group_api_courier.tsan: $(COURIER_TSAN)
	clang $(COURIER_THREADS) -pthread -o $@ $^ $(COURIER_LIBS)

build/courier-tsan/%.o: src/%.c
	@mkdir -p $(@D)
	clang $(COURIER_FLAGS) $(COURIER_THREADS) -MMD -MP -c -o $@ $<

courier-clean:
	rm -rf build/courier build/courier-asan build/courier-tsan build/group_api_courier.asan \
		build/group_api_courier.tsan group_api_courier

-include $(COURIER_OBJS:.o=.d) $(COURIER_ASAN:.o=.d) $(COURIER_TSAN:.o=.d)
