# The operator image:        docker build -t anomalyops:0.1.0 .
# With the embedded engine:  docker build -t anomalyops-engine:0.1.0 --target engine .
FROM python:3.11-slim AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN pip wheel --no-deps --wheel-dir /wheels .

# Dependencies and the wheel in a folder of its own; bytecode is compiled here, the root file system is read-only.
FROM build AS operator-venv
RUN python -m venv /opt/anomalyops && /opt/anomalyops/bin/pip install /wheels/*.whl

FROM build AS engine-venv
RUN python -m venv /opt/anomalyops \
    && /opt/anomalyops/bin/pip install "$(ls /wheels/*.whl)[engine]"

FROM python:3.11-slim AS runtime
ENV PATH=/opt/anomalyops/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["anomalyops"]

# It listens for others, so that it needs a password (ELASTIC_PASSWORD, or --password-file) and a certificate
# (--tls-cert, --tls-key); see docs/engine.md.
# numba keeps its compiled functions beside the data: mount a volume for both.
FROM runtime AS engine
COPY --from=engine-venv /opt/anomalyops /opt/anomalyops
ENV NUMBA_CACHE_DIR=/data/.numba
VOLUME /data
EXPOSE 9200
CMD ["engine", "--data", "/data", "--host", "0.0.0.0", "--port", "9200"]

# Last, so that it is what a plain build gives.
FROM runtime AS operator
COPY --from=operator-venv /opt/anomalyops /opt/anomalyops
EXPOSE 8080 8081
CMD ["run", "--log-format=json"]
