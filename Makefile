# group_api: the extension (PGXS) and its courier (src/courier/courier.mk).
# The version is written in group_api.control and nowhere else.

EXTENSION  = group_api
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" group_api.control)
MODULE_big = group_api

include src/request/request.mk

OBJS = \
	src/group_api.o \
	src/base/guc.o \
	src/base/link_token.o \
	src/base/wire.o \
	src/base/provider_options.o \
	src/base/sms_text.o \
	src/base/receipt_table.o \
	src/base/locale_tag.o \
	src/base/callback_url.o \
	src/base/secret_file.o \
	src/base/peer_address.o \
	src/base/courier_process.o \
	src/base/courier_call.o \
	src/base/provider_config.o \
	src/base/mail_status.o \
	src/base/mail_words.o \
	src/base/picture_url.o \
	src/base/extension.o \
	src/base/token_issuer.o \
	src/base/fair_queue.o \
	src/base/upgrade_mark.o \
	$(REQUEST_OBJS) \
	src/message/compose.o \
	src/message/template.o \
	src/message/languages.o \
	src/message/html.o \
	src/message/page.o \
	src/message/page_words.o \
	src/store/plan_cache.o \
	src/store/installation_store.o \
	src/store/user_store.o \
	src/store/role_store.o \
	src/store/group_store.o \
	src/store/invitation_store.o \
	src/store/queue_store.o \
	src/store/due_store.o \
	src/store/provider_store.o \
	src/store/idempotency_store.o \
	src/store/suppression_store.o \
	src/store/contact_hash.o \
	src/store/cap_store.o \
	src/store/lifecycle_store.o \
	src/store/poll_store.o \
	src/store/template_store.o \
	src/store/receipt_store.o \
	src/store/group_v2_store.o \
	src/store/search_grams.o \
	src/store/search_store.o \
	src/store/subscription_store.o \
	src/store/picture_store.o \
	src/store/pinned_settings.o \
	src/store/usage_store.o \
	src/store/database_settings.o \
	src/store/set_aside_store.o \
	src/store/trim_store.o \
	src/dispatch/slots.o \
	src/dispatch/wake.o \
	src/dispatch/launcher.o \
	src/dispatch/workers.o \
	src/dispatch/probes.o \
	src/dispatch/turns.o \
	src/dispatch/database_guard.o \
	src/dispatch/dispatcher.o \
	src/dispatch/seat.o \
	src/dispatch/retire.o \
	src/dispatch/signals.o \
	src/dispatch/databases.o \
	src/dispatch/work.o \
	src/dispatch/set_aside.o \
	src/dispatch/one_by_one.o \
	src/dispatch/courier_desk.o \
	src/dispatch/courier_link.o \
	src/dispatch/providers.o \
	src/dispatch/backoff.o \
	src/dispatch/message.o \
	src/dispatch/jobs.o \
	src/dispatch/evidence.o \
	src/dispatch/pauses.o \
	src/dispatch/connections.o \
	src/dispatch/stats.o \
	src/dispatch/records.o \
	src/dispatch/due_rows.o \
	src/dispatch/reading.o \
	src/dispatch/crash_guard.o \
	src/dispatch/screening.o \
	src/dispatch/ownership.o \
	src/dispatch/setting_guard.o \
	src/dispatch/polls.o \
	src/api/caller.o \
	src/api/quota.o \
	src/api/answer.o \
	src/api/disclosure.o \
	src/api/preview.o \
	src/api/creation.o \
	src/api/create_group.o \
	src/api/create_group_v2.o \
	src/api/invitees.o \
	src/api/group_access_v2.o \
	src/api/groups_v2.o \
	src/api/subscriptions_v2.o \
	src/api/paging.o \
	src/api/bodies_v2.o \
	src/api/get_group.o \
	src/api/invitations.o \
	src/api/group_access.o \
	src/api/lifecycle.o \
	src/api/suppressions.o \
	src/api/operators.o \
	src/api/adopt.o \
	src/api/arguments.o \
	src/api/templates.o \
	src/api/users.o \
	src/api/provider_validator.o \
	src/api/receipts.o \
	src/api/bounces.o \
	src/api/busy.o \
	src/api/test_provider.o \
	src/api/answering.o \
	src/api/page.o \
	src/api/picture.o \
	src/api/execute_right.o

DATA_built = sql/group_api--$(EXTVERSION).sql
DATA       = $(filter-out $(DATA_built),$(wildcard sql/group_api--*--*.sql))
DOCS       =

REGRESS      = $(patsubst test/regress/sql/%.sql,%,$(sort $(wildcard test/regress/sql/*.sql)))
REGRESS_OPTS = --inputdir=test/regress --outputdir=. --load-extension=group_api
ISOLATION    = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=group_api

PG_CFLAGS   = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Wno-declaration-after-statement $(WERROR)
PG_CXXFLAGS = -std=gnu++17 -Wall -Wextra $(WERROR)
PG_CPPFLAGS = -I$(srcdir)/src -DGA_VERSION='"$(EXTVERSION)"'
SHLIB_LINK += $(REQUEST_LIBS)
EXTRA_CLEAN = build/courier build/unit build/gcc build/clang group_api_courier sql/group_api--$(EXTVERSION).sql

# Without a bitcode copy the build needs no LLVM; nothing here gains from JIT.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

include src/courier/courier.mk

all: group_api_courier

sql/group_api--$(EXTVERSION).sql: sql/group_api.sql
	cp $< $@

# A header changed: everything is built again; the whole takes seconds.
$(OBJS): $(wildcard src/*/*.h)

install: install-courier
.PHONY: install-courier
install-courier: group_api_courier installdirs
	$(INSTALL_PROGRAM) group_api_courier '$(DESTDIR)$(pkglibdir)/group_api_courier'

uninstall: uninstall-courier
.PHONY: uninstall-courier
uninstall-courier:
	rm -f '$(DESTDIR)$(pkglibdir)/group_api_courier'
