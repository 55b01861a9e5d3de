# The lab and its tests on one Python, everything that is locked installed for it; scripts/test-pythons.sh builds it.
ARG PYTHON_IMAGE
FROM ${PYTHON_IMAGE}
ARG PYTHON
WORKDIR /src
# Locked dependencies first: a change of code installs none of them again.
COPY requirements requirements
RUN $PYTHON -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements/dev.txt
COPY . .
RUN .venv/bin/pip install --no-deps --no-build-isolation --editable .
CMD [".venv/bin/python", "scripts/prove_python.py"]
