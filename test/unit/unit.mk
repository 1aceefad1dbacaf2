# What needs no server.  Included by the top Makefile, after the courier's.
#
#   unit            every test/unit/*_test.c, one program each, linked with the courier
#                   but for its main; then the courier itself against peers, as TAP
#                   and test/unit/dispatch/*_test.c, linked with objects of the extension
#                   that decide without SQL, and with what stands in for the server
#   unit-asan       the first under ASan and UBSan
#   unit-tsan       the courier against peers under TSan: two threads that touch the same
#                   without a lock fail the test in which they do
#   courier-bench   build/unit/courier_bench, messages a second
#
# What is of C++ or fuzzed has a Makefile of its own: test/unit/request.

.PHONY: unit unit-asan unit-tsan courier-bench

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

DISPATCH_SOURCES  := $(wildcard test/unit/dispatch/*_test.c)
DISPATCH_PROGRAMS := $(patsubst test/unit/%.c,build/unit/%,$(DISPATCH_SOURCES))
DISPATCH_OBJS      = $(filter src/dispatch/provider/providers.o \
	src/dispatch/provider/routing.o \
	src/dispatch/provider/backoff.o src/dispatch/provider/evidence.o \
	src/dispatch/courier/jobs.o src/dispatch/courier/suspects.o \
	src/dispatch/reading.o src/base/provider_config.o src/base/shared/%,$(OBJS))

build/unit/dispatch/stand_in.o: test/unit/dispatch/stand_in.c test/unit/dispatch/stand_in.h \
		$(DISPATCH_OBJS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

build/unit/dispatch/%: test/unit/dispatch/%.c build/unit/dispatch/stand_in.o $(DISPATCH_OBJS)
	$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $^ -L$(pkglibdir) -L$(libdir) -lpgcommon -lpgport \
		-lcmocka -lm

courier-bench: group_api_courier build/unit/courier_bench

unit: group_api_courier $(UNIT_PROGRAMS) $(DISPATCH_PROGRAMS)
	set -e; for program in $(UNIT_PROGRAMS) $(DISPATCH_PROGRAMS); do $$program; done
	/usr/bin/python3 test/unit/courier_peers.py ./group_api_courier
	/usr/bin/python3 test/unit/courier_providers.py ./group_api_courier
	/usr/bin/python3 test/unit/courier_specimens.py ./group_api_courier

unit-asan: build/group_api_courier.asan $(UNIT_ASAN)
	set -e; for program in $(UNIT_ASAN); do $$program; done
	/usr/bin/python3 test/unit/courier_peers.py build/group_api_courier.asan
	/usr/bin/python3 test/unit/courier_providers.py build/group_api_courier.asan

# A courier ends by SIGKILL or _exit(), so what is found stands in files. At its end the checker
# lets the other threads go on for a second, were it not told otherwise: there are hundreds of couriers.
unit-tsan: build/group_api_courier.tsan
	rm -rf build/tsan && mkdir -p build/tsan
	TSAN_OPTIONS=log_path=$(CURDIR)/build/tsan/race:atexit_sleep_ms=20 /usr/bin/python3 test/unit/courier_peers.py $<
	@cat build/tsan/race* 2>/dev/null; ! ls build/tsan/race* >/dev/null 2>&1
