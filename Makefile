# SPDX-License-Identifier: GPL-2.0-only
#
# The doors. Each is a thin call of the driver, which can be called without make:
#
#	PYTHONPATH=scripts /usr/bin/python3 -m kmaplocal --help

DEFAULT_KERNEL := build/linux-source-6.1
NEWER_KERNEL   := build/linux-source-6.12
BOOT           := build/boot
# Debian's interpreter by its path: its packages are not in any other python3.
override PYTHON := /usr/bin/python3
KMAPLOCAL      := $(PYTHON) -m kmaplocal

ifeq ($(origin FILES),undefined)
report flag series: FILES = .
endif

KERNEL  ?= $(DEFAULT_KERNEL)
FILES   ?= fs/aio.c
OLD     ?= $(DEFAULT_KERNEL)
NEW     ?= $(NEWER_KERNEL)
FORMAT  ?= text
PREFIX  ?= /usr/local

# make has a CC of its own; only somebody's choice is passed on.
COMPILER := $(if $(filter-out default undefined,$(origin CC)),--cc "$$CC")

# Every setting there is; those without a default above are empty.
NAMES := KERNEL FILES OLD NEW FORMAT OUT DRY_RUN FORCE FAIL_ON SINCE PATCH WHOLE REASON
NAMES += EXPLAIN JOBS V BEFORE DOORS BRANCH SPLIT PREVIOUS SKIP ONLY BASELINE FIXES VERIFY
NAMES += WRITE_BASELINE ALLOW_EMPTY TIME NO_CACHE SHARD BENCH RUNS CC PREFIX DESTDIR
NAMES += SOURCE OLDEST RULES IGNORE QUIET STATS IDIOMS
# The text of a setting is no make code: nothing in it is expanded, or run.
theirs = $(filter command environment,$(origin $1))
$(foreach name,$(NAMES),$(if $(call theirs,$(name)),\
	$(eval override $(name) := $$(value $(name)))))

# A misspelt setting must not pass for one that is not given, nor an empty KERNEL or
# FILES: what a command that failed gave is no leave to take them all.
given   := $(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $v)),$v))
unknown := $(firstword $(filter-out $(NAMES),$(given)))
closest  = $(shell $(PYTHON) -c 'from difflib import get_close_matches as near; \
	from sys import argv; print(*near(argv[1].upper(), argv[2:], 1))' \
	'$(subst ','\'',$(unknown))' $(NAMES))
ifneq ($(unknown),)
$(error no setting $(unknown)=$(addprefix ; did you mean ,$(addsuffix =?,$(closest))))
endif
ifneq ($(filter-out help lint clean clean-cache,$(or $(MAKECMDGOALS),help)),)
$(foreach name,KERNEL OLD NEW,$(if $(value $(name)),,\
	$(error $(name)= is empty: it names a kernel tree)))
$(if $(strip $(value FILES)),,\
	$(error FILES= is empty: it names files or folders below KERNEL, . for all))
endif

# Recipes read these from their environment: no quoting of make's can get in the
# way of blanks, quotes or a leading ~ in them.
export $(filter-out $(if $(COMPILER),,CC),$(NAMES)) WORKERS
export PYTHONPATH := scripts
# Nothing is compiled twice, and nothing written among the sources.
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache

Q := $(if $(filter-out 0,$(V)),,@)


# Words of FILES are split at blanks, but not taken as patterns.
OPTIONS  = set -f; for word in $$FAIL_ON; do set -- "$$@" --fail-on "$$word"; done;
# A page shows several kernels: KERNEL may name more than one there.
SEVERAL  = if [ "$$FORMAT" = html ] && [ ! -d "$$KERNEL" ]; then kernels=$$KERNEL; KERNEL=; \
	for word in $$kernels; do \
	if [ "$$KERNEL" ]; then set -- "$$@" --also "$$word"; else KERNEL=$$word; fi; done; fi;
PRINTING = --format "$$FORMAT" $(if $(OUT),--out "$$OUT")
TARGET   = $(if $(SOURCE),--source "$$SOURCE") $(if $(OLDEST),--oldest "$$OLDEST")
SHARING  = $(if $(SHARD),--shard "$$SHARD")
SETTINGS = --kernel "$$KERNEL" $(if $(JOBS),--jobs "$$JOBS") \
	$(if $(TIME),--time "$$TIME") "$$@" --words "$$FILES"

FLAGGING = $(if $(SINCE),--since "$$SINCE") $(if $(PATCH),--patch "$$PATCH") \
	$(call on,WHOLE,--whole-functions) $(if $(BASELINE),--baseline "$$BASELINE") \
	$(if $(RULES),--rules "$$RULES") $(if $(IGNORE),--ignore "$$IGNORE") \
	$(call on,STATS,--stats) $(call on,ALLOW_EMPTY,--allow-empty) $(call on,WRITE_BASELINE,--write-baseline --reason "$$REASON")

MENDING = $(if $(filter-out 0 no n,$(FIXES)),--fixes $(if $(filter warning,$(FIXES)),warning,error))

on = $(if $(filter-out 0 no n,$($1)),$2)

# Of the tests: a process a processor; a few tests are done before they have started.
WORKERS = $(or $(JOBS),$(if $(ONLY),0,$(shell nproc)))

# The kernels we unpack on demand, of those that are asked for.
unpacked = $(addsuffix /Makefile,$(filter $(DEFAULT_KERNEL) $(NEWER_KERNEL),$1))

SHELL_SCRIPTS := scripts/install scripts/example scripts/pre-push scripts/place scripts/container scripts/debian scripts/debian13 scripts/debian-source .ci/run

.DELETE_ON_ERROR:
.PHONY: help apply verify boot report flag series history check check-container check-debian13 goldens lint bench clean clean-cache
.PHONY: example install uninstall install-kernel uninstall-kernel kernel-given

## help: this list
help:
	@echo 'usage: make DOOR [NAME=value ...]'
	@echo
	@sed -n 's/^## \([a-z0-9-]*\): /    \1\t/p; s/^##   /\t\t/p' Makefile | expand -t 20
	@echo
	@echo 'KERNEL=path   the kernel tree; default $(DEFAULT_KERNEL), unpacked on demand'
	@echo 'FILES="..."   files or folders below KERNEL, . for all of it; default fs/aio.c'
	@echo '              blanks in a name: FILES="a\\ b.c", as in a shell'
	@echo 'SOURCE=path   of a module: its kernel, or headers, to look up what it calls; none'
	@echo 'OLDEST=5.15   the oldest kernel it has to build on: nothing newer is called'
	@echo 'DRY_RUN=1     change nothing: make -s apply DRY_RUN=1 | patch -d KERNEL -p1'
	@echo 'IDIOMS=1      of apply: only offer helpers for mappings that are local already'
	@echo 'FORCE=1       also files with uncommitted changes'
	@echo 'FAIL_ON=kept  status 1 when a function is kept (golden: differs from its golden)'
	@echo 'FORMAT=json   of report, history, verify; default text  OUT=file  write it there'
	@echo 'FORMAT=html   of report: a page in the folder OUT; KERNEL="a b" shows several'
	@echo 'BEFORE=path   of verify, boot: a tree to compare with; default HEAD, or /usr/src'
	@echo 'DOORS="..."   of verify: of identity x86_64 i386 sparse context checkpatch flag;'
	@echo '              of series: also commits, which builds each commit in its turn'
	@echo 'CC="..."      of verify: the compiler, as "ccache gcc", distcc or icecc'
	@echo 'FORMAT=sarif  of flag, or json github checkstyle; FAIL_ON=error warning note never'
	@echo 'SINCE=rev     flag only lines that changed since; PATCH=file, - for stdin: by it'
	@echo 'WHOLE=1       flag whole functions of that       EXPLAIN=rule  only print its page'
	@echo 'RULES="..."   flag: only these rules              IGNORE="..."  but not these'
	@echo 'TIME=seconds  for the whole run: what is not reached is not analysed'
	@echo 'ALLOW_EMPTY=1 flag: be content where there is no C file at all'
	@echo 'BASELINE=file accepted findings; WRITE_BASELINE=1 REASON="..." accepts all'
	@echo 'BRANCH=name   of series, for the commits; none: only mails, default kmaplocal/DATE'
	@echo 'SPLIT=file    of series: one patch each; or subsystem; default driver'
	@echo 'FIXES=1       of series: mend findings instead; VERIFY=1  what make verify passes'
	@echo 'SKIP= ONLY=   of series: files or folders to leave out, or to take alone'
	@echo 'SHARD=K/N     of report, flag: one part of the files; kmaplocal merge joins JSON'
	@echo 'STATS=1       of apply, flag: a table at the end        QUIET=1  no progress'
	@echo 'NO_CACHE=1    keep nothing of this run, and use nothing kept by others'
	@echo 'PREFIX=path   of install; default $(PREFIX), below DESTDIR'
	@echo 'OLD= NEW=     kernel trees; default $(DEFAULT_KERNEL), $(NEWER_KERNEL)'
	@echo 'ONLY="..."    of check, goldens: a fixture or a word, as fixtures/convert/kmap/pair.c'
	@echo 'JOBS=n        files at a time; default: all cores        V=1  show the commands'
	@echo
	@echo 'Driver: $(KMAPLOCAL) --help, with PYTHONPATH=scripts. Its status:'
	@echo '0 all done, 1 FAIL_ON or something against a change, 2 something was not'
	@echo 'analysed or checked, 3 bad use or environment.'
	@echo 'make itself ends with 2 for all of these but 0; "Error N" names the status.'

## apply: convert FILES of KERNEL, show the patch, compare it with the golden
apply: $(call unpacked,$(KERNEL))
	$(Q)scripts/install apply
	$(Q)$(OPTIONS) $(KMAPLOCAL) apply $(call on,DRY_RUN,--dry-run) \
		$(call on,FORCE,--force) $(call on,STATS,--stats) $(call on,IDIOMS,--idioms) \
		$(TARGET) $(SETTINGS)

## verify: what stands against a change of FILES: its code, builds, sparse, style
verify: $(call unpacked,$(KERNEL))
	$(Q)scripts/install verify
	$(Q)$(OPTIONS) for word in $$DOORS; do set -- "$$@" --door "$$word"; done; \
		$(KMAPLOCAL) verify $(if $(BEFORE),--before "$$BEFORE") $(COMPILER) \
		$(PRINTING) $(SETTINGS)

## report: certify every mapping in FILES (default here: .), as text, JSON or a page
report: $(call unpacked,$(KERNEL))
	$(Q)scripts/install apply
	$(Q)$(OPTIONS) $(SEVERAL) $(KMAPLOCAL) report $(PRINTING) $(SHARING) \
		$(TARGET) $(SETTINGS)

## series: write the patch series for FILES (default here: .) as mails, see OUT
series: $(call unpacked,$(KERNEL))
	$(Q)scripts/install apply series $(if $(call on,VERIFY,1)$(call on,FIXES,1)$(DOORS),verify)
	$(Q)$(OPTIONS) for word in $$SKIP; do set -- "$$@" --skip "$$word"; done; \
		for word in $$ONLY; do set -- "$$@" --only "$$word"; done; \
		for word in $$DOORS; do set -- "$$@" --door "$$word"; done; \
		$(KMAPLOCAL) series $(if $(OUT),--out "$$OUT") $(call on,DRY_RUN,--dry-run) \
		$(if $(BRANCH),--branch "$$BRANCH") $(if $(SPLIT),--split "$$SPLIT") \
		$(if $(PREVIOUS),--previous "$$PREVIOUS") $(MENDING) \
		$(call on,VERIFY,--verify) $(COMPILER) $(SETTINGS)

## flag: find wrong use of mappings, old and new, in FILES (default here: .)
flag: $(if $(EXPLAIN),,$(call unpacked,$(KERNEL)))
	$(Q)scripts/install apply </dev/null
	$(Q)$(if $(EXPLAIN),$(KMAPLOCAL) flag --explain "$$EXPLAIN",\
		$(OPTIONS) $(KMAPLOCAL) flag $(PRINTING) $(FLAGGING) $(SHARING) $(TARGET) $(SETTINGS))

## history: what upstream did from OLD to NEW, beside what we do
history: $(call unpacked,$(OLD) $(NEW))
	$(Q)scripts/install apply
	$(Q)$(KMAPLOCAL) history $(PRINTING) $(if $(JOBS),--jobs "$$JOBS") \
		-- "$$OLD" "$$NEW"

## boot: boot a HIGHMEM kernel of KERNEL as it was and as it is, compare the two
boot: $(call unpacked,$(KERNEL))
	$(Q)scripts/install boot
	$(Q)[ -e $(BOOT)/libaio ] || scripts/debian-source libaio $(BOOT)/libaio
	$(Q)$(KMAPLOCAL) boot --kernel "$$KERNEL" --build $(BOOT) --libaio $(BOOT)/libaio \
		$(if $(BEFORE),--before "$$BEFORE") $(if $(JOBS),--jobs "$$JOBS")

## check: run every test, or those ONLY names; the last line counts them
check: $(DEFAULT_KERNEL)/Makefile
	$(Q)scripts/install check
	$(Q)$(PYTHON) -m pytest -q -n "$$WORKERS" --dist loadgroup scripts/tests

## check-container: build scripts/Containerfile in a chroot, and convert a file with it
check-container:
	$(Q)scripts/install container
	$(Q)scripts/container build/container

## check-debian13: run the fixtures on a Debian 13 made for it, with Coccinelle 1.3
check-debian13: $(DEFAULT_KERNEL)/Makefile
	$(Q)scripts/install debian13
	$(Q)scripts/debian13 build/debian13 $(DEFAULT_KERNEL)

## goldens: write expected/ anew from KERNEL and fixtures/, or ONLY some; show changes
goldens: $(if $(ONLY),,$(call unpacked,$(KERNEL)))
	$(Q)scripts/install apply
	$(if $(ONLY),,$(Q)$(OPTIONS) $(KMAPLOCAL) goldens $(SETTINGS))
	$(Q)set -f; $(PYTHON) -m kmaplocal.commands.fixtures $$ONLY

## example: write the series of KERNEL, 6.1 or 7.2, below expected/ anew
example: $(call unpacked,$(KERNEL))
	$(Q)scripts/install apply series
	$(Q)scripts/example "$$KERNEL"

## install: the command kmaplocal and all it needs, below PREFIX=/usr/local
install:
	$(Q)scripts/place install

## install-kernel: the semantic patches in KERNEL, for its own make coccicheck
install-kernel: kernel-given
	$(Q)scripts/place install-kernel

## uninstall: remove what install put below PREFIX (uninstall-kernel: in KERNEL)
uninstall:
	$(Q)scripts/place uninstall

uninstall-kernel: kernel-given
	$(Q)scripts/place uninstall-kernel

kernel-given:
	$(if $(filter file,$(origin KERNEL)),$(error KERNEL=path says in which tree))

## lint: check the shell scripts and the Python code (make check does .cocci files)
lint:
	$(Q)scripts/install lint
	$(Q)shellcheck $(SHELL_SCRIPTS)
	$(Q)black --quiet --check --diff scripts
	$(Q)flake8 --config scripts/setup.cfg scripts
	$(Q)mypy --config-file scripts/setup.cfg --no-error-summary

## bench: what it all costs on KERNEL, or BENCH="cold again ..." of it, RUNS=3 times
bench: $(call unpacked,$(KERNEL))
	$(Q)scripts/install bench
	$(Q)set -f; for word in $$BENCH; do set -- "$$@" --part "$$word"; done; \
		$(KMAPLOCAL) bench --kernel "$$KERNEL" $(if $(RUNS),--runs "$$RUNS") \
		$(PRINTING) "$$@"

## clean-cache: throw away what runs before have found out (NO_CACHE=1: use none)
clean-cache:
	$(Q)$(KMAPLOCAL) clean-cache

## clean: remove build/, with the unpacked kernels in it
clean:
	$(Q)rm -rf --one-file-system build

# Unpacked aside and renamed, so that ^C leaves no half of a tree. No prerequisite:
# an upgraded package must not replace a tree somebody works on.
build/linux-source-%/Makefile:
	$(Q)scripts/install $(if $(filter 6.1,$*),kernel,history)
	@echo 'unpacking /usr/src/linux-source-$*.tar.xz in build/ ...' >&2
	$(Q)mkdir -p build; \
	aside=$$(mktemp -d build/unpack.XXXXXX) || exit 3; \
	trap 'rm -rf "$$aside"' EXIT; \
	trap 'exit 130' HUP INT TERM; \
	tar -xf /usr/src/linux-source-$*.tar.xz -C "$$aside" && \
	mv -T "$$aside/linux-source-$*" build/linux-source-$*
