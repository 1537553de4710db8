# Checks what Envoy Gateway does itself: the objects in policy/. `make test` does it with the rest.
#
#   VENV          folder of the Python environment
#   PYTHON        Python 3.9 or newer that creates it
#   POLICY_FLAGS  options for test/check_policy.py: --strict fails while something is left to decide

VENV ?= .venv
PYTHON ?= python3

.PHONY: policy-test
test: policy-test

policy-test: $(VENV)/.policy-tools ## Check the objects in policy/
	@"$(VENV)/bin/python" test/check_policy.py $(POLICY_FLAGS)

$(VENV)/.policy-tools: test/requirements-policy.txt
	@[ -x "$(VENV)/bin/python" ] || "$(PYTHON)" -m venv "$(VENV)"
	@"$(VENV)/bin/python" -m pip --quiet --disable-pip-version-check install -r test/requirements-policy.txt
	@touch "$@"
