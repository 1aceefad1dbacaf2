#!/bin/bash
# The check of twins itself: each kind of violation, planted alone, is caught.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree

plant_clean_tree() {
	rm -rf "$TREE/src"
	mkdir -p "$TREE"/src/{courier,dispatch}
	printf '%s\n' '/* struct GaTask {int a;} GaTask; */' 'typedef struct GaJob' '{' '	int id;' '} GaJob;' \
		'typedef struct GaPool GaPool;' 'typedef int (*GaVisit)(GaJob *job);' 'extern GaJob *ga_job_find(int id);' \
		'typedef unsigned GaNumber;' >"$TREE/src/courier/job.h"
	printf '%s\n' 'typedef struct GaPool GaPool;' 'typedef enum GaTask' '{' '	GA_TASK' '} GaTask;' \
		'extern void ga_jobs_init(void);' >"$TREE/src/dispatch/jobs.h"
	printf '%s\n' 'struct GaPool' '{' '	GaJob *first;' '};' >"$TREE/src/dispatch/pool.c"
}

# caught WHAT TEXT: with what was planted the check fails and says TEXT
caught() {
	caught_by twins "$@"
	plant_clean_tree
}

plant_clean_tree
report "a clean tree passes" "$(bash "$HERE/twins.sh" "$TREE" | grep -A 9 '^not ok')"
printf '%s\n' 'typedef struct GaJob' '{' '	char a;' '} GaJob;' >>"$TREE/src/dispatch/jobs.h"
caught "a type of two headers" 'GaJob: src/courier/job.h src/dispatch/jobs.h'
printf '%s\n' 'typedef enum' '{' '	ONE' '} GaJob;' >>"$TREE/src/dispatch/pool.c"
caught "one without a tag" 'GaJob: src/courier/job.h src/dispatch/pool.c'
printf '%s\n' 'struct GaJob {' '	int a;' '};' >>"$TREE/src/dispatch/pool.c"
caught "one without a typedef" 'GaJob: src/courier/job.h src/dispatch/pool.c'
printf '%s\n' 'typedef void (*GaVisit)(void);' >>"$TREE/src/dispatch/jobs.h"
caught "the type of a function" 'GaVisit: src/courier/job.h src/dispatch/jobs.h'
printf '%s\n' 'typedef int GaNumber;' >>"$TREE/src/dispatch/jobs.h"
caught "another name of a type" 'GaNumber: src/courier/job.h src/dispatch/jobs.h'
printf '%s\n' 'extern int' 'ga_job_find(void);' >>"$TREE/src/dispatch/jobs.h"
caught "a function of two headers" 'ga_job_find: src/courier/job.h src/dispatch/jobs.h'
printf '%s\n' 'static int' 'first_of(int a)' '{' '	int b = a;' '' '	return b; /* why */' '}' >>"$TREE/src/dispatch/pool.c"
printf '%s\n' 'static int' 'other(int a)' '{' '	int b = a;' '	return b;' '}' >"$TREE/src/courier/job.c"
caught "a body of two functions" 'the same body: src/courier/job.c:other src/dispatch/pool.c:first_of'
finish
