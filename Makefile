# What is built and how it is tested. `make help` lists the targets.
#
# Beside Go, everything comes from Debian packages. As root, `make setup`
# installs what is missing; an ordinary user is told. CI runs `make lint test`.

SHELL := /bin/sh
# Not every machine that builds has a home directory.
ifeq ($(if $(HOME),$(wildcard $(HOME)/.)),)
export HOME := $(CURDIR)/bin/home
$(shell mkdir -p $(HOME))
export GOFLAGS := -buildvcs=false -modcacherw
else
export GOFLAGS := -buildvcs=false
endif

GO     ?= go
MODULE := github.com/selfcontain/runtime
ARCH    = $(shell $(GO) env GOHOSTARCH)

# The test bed's kernels as Debian suite/architecture: Linux 6.1, 6.12, 6.1.
KERNELS ?= bookworm/amd64 trixie/amd64 bookworm/arm64
# Flags of the test binaries there. QEMU emulates every instruction, which
# takes about 25 times as long: the tests run in their short form.
VMTESTFLAGS ?= -test.short -test.timeout=15m
# Flags of go test on this machine.
TESTFLAGS ?=
# The command begins at an entry point of its own: cmd/selfcontain/entry.go says why.
LINKFLAGS := -s -w -E selfcontain_entry
# In packages of which a command does everything once, what is inlined makes the binary larger, by 135 kB
# of which most are tables for the stack's traces, and no faster. (All of ours without: 390 kB, and an
# "exec" takes 1 per cent longer.)
COLD    := mounts cgroupv2 oci rtnl cmd/selfcontain
GCFLAGS := $(COLD:%=-gcflags=$(MODULE)/%=-l)
# Flags of test/bench.
BENCHFLAGS ?=
FUZZTIME   ?= 1m

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

# Integration tests are those of the packages that use nstest; the others are
# unit tests. $(UNIT) and $(INTEGRATION) may be set to less.
imports_nstest := {{$$p := .ImportPath}}{{range .TestImports}}{{if eq . "$(MODULE)/internal/nstest"}}{{$$p}} {{end}}{{end}}{{range .XTestImports}}{{if eq . "$(MODULE)/internal/nstest"}}{{$$p}} {{end}}{{end}}
INTEGRATION ?= $(sort $(MODULE)/internal/nstest $(shell $(GO) list -f '$(imports_nstest)' ./...))
UNIT        ?= $(filter-out $(INTEGRATION),$(shell $(GO) list ./...))

.PHONY: all build demo lint test test-unit test-integration test-vm bench soak clean setup help
all: build ## what `make` does: build

build: ## bin/selfcontain, static and stripped
	CGO_ENABLED=0 $(GO) build -trimpath $(GCFLAGS) -ldflags='$(LINKFLAGS)' -o bin/linked/selfcontain ./cmd/selfcontain
	@# The linker writes through a mapping, a page at a time, and so it lies in the page cache.
	@# That of a copy lies there in large pieces, which are mapped faster: a tenth of a "run".
	install -m 755 bin/linked/selfcontain bin/selfcontain

demo: build ## show the plan of a box and run it, as any user
	test/setup/demo $(CURDIR)/bin/selfcontain

lint: ## gofmt, go vet for both architectures, staticcheck
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	CGO_ENABLED=0 GOARCH=amd64 $(GO) vet ./...
	CGO_ENABLED=0 GOARCH=arm64 $(GO) vet ./...
	CGO_ENABLED=0 $(GO) run $(STATICCHECK) ./...

test: test-unit test-integration test-vm ## all tests, with their set-up: unit, integration, integration in VMs

test-unit: ## tests that need nothing
	$(GO) test -count=1 $(TESTFLAGS) $(UNIT)

# One package at a time: mounts and cgroups are everybody's.
test-integration: setup ## tests in namespaces, on this kernel
	$(GO) test -count=1 -p 1 $(TESTFLAGS) $(INTEGRATION)

# What is about the command and the tests themselves runs on the first kernel alone.
ONCE ?= $(MODULE)/cmd/selfcontain $(MODULE)/internal/nstest $(MODULE)/internal/selfpipe

# A guest has one processor, so there are as many at a time as this machine has. Half of
# the tests are those of one package: each kernel has a guest for it and one for the others.
HALF   := $(MODULE)/container
GUESTS  = $(KERNELS:%=guest/%/half) $(KERNELS:%=guest/%/rest)
on      = $(filter $(if $(filter $(firstword $(KERNELS)),$(1)),%,$(filter-out $(ONCE),$(INTEGRATION))),$(INTEGRATION))

# What is the same on every processor runs in the first of them alone (nstest.AnyProcessor).
turn    = $(if $(filter $(firstword $(KERNELS)),$(1)),first,again)

.PHONY: $(GUESTS)
$(KERNELS:%=guest/%/half): guest/%/half:
	@NSTEST_GUEST=$(call turn,$*) VMTESTFLAGS='$(VMTESTFLAGS)' test/setup/vmtest $* $(CURDIR)/bin/test $(filter $(HALF),$(INTEGRATION))
$(KERNELS:%=guest/%/rest): guest/%/rest:
	@NSTEST_GUEST=$(call turn,$*) VMTESTFLAGS='$(VMTESTFLAGS)' test/setup/vmtest $* $(CURDIR)/bin/test $(filter-out $(HALF),$(call on,$*))

test-vm: setup bin/vmrun test-binaries-amd64 test-binaries-arm64 ## the same tests, and vmrun's own, on the kernels of the test bed
	@$(MAKE) --no-print-directory --keep-going --output-sync=target --jobs="$$(nproc)" $(GUESTS)
	VMRUN_BOOT=1 $(GO) test -count=1 -v -run Boot ./test/vmrun ./test

bench: build ## the table of the README: against crun, runc, bwrap, unshare, and the library
	test/setup/host crun runc bubblewrap util-linux tini catatonit
	$(GO) run ./test/bench -selfcontain bin/selfcontain $(BENCHFLAGS)
	$(GO) test -count=1 -v -run TestReaperSizeBesideOthers ./nsexec

soak: setup ## long runs: every fuzz target for FUZZTIME, the tests in their long form and under -race
	test/setup/fuzz $(FUZZTIME)
	NSTEST_SOAK=1 $(GO) test -count=1 -p 1 -timeout=2h $(INTEGRATION)
	NSTEST_SOAK=1 $(GO) test -count=1 -p 1 -timeout=4h -race $(INTEGRATION)

setup: test-binaries-$(ARCH) ## install what the tests need
	@test/setup/host
	@test/setup/host $$(test/setup/needs packages $(CURDIR)/bin/test/$(ARCH) $(INTEGRATION))

.PHONY: bin/vmrun
bin/vmrun:
	CGO_ENABLED=0 $(GO) build -o $@ ./test/vmrun

.PHONY: test-binaries-amd64 test-binaries-arm64
test-binaries-amd64 test-binaries-arm64: test-binaries-%:
	@mkdir -p $(addprefix bin/test/$*/,$(INTEGRATION))
	@# By their paths: two packages are called selfcontain.
	@for p in $(INTEGRATION); do \
		case $$p in */cmd/selfcontain) flags='$(LINKFLAGS)' ;; *) flags='-s -w' ;; esac; \
		GOARCH=$* CGO_ENABLED=0 $(GO) test -c -ldflags="$$flags" -o bin/test/$*/$$p/test $$p || exit 1; \
	done

clean: ## remove bin
	rm -rf bin

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 20
