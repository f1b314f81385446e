# Bakehouse in a container: all of it in one process, or one part of it by another command.
#   docker build --tag bakehouse:local .
# What runs has no compiler, no pip and no shell to sign in with; it needs /data, and /tmp for a moment.
# docs/deployment.md says how to run it.

FROM python:3.13.7-slim-bookworm AS build
WORKDIR /source
RUN python -m venv /opt/build && python -m venv /opt/bakehouse
# What changes seldom comes first, so that it is built seldom.
COPY requirements/build.lock requirements/runtime.lock requirements/
RUN /opt/build/bin/pip install --no-cache-dir --require-hashes --requirement requirements/build.lock \
    && /opt/bakehouse/bin/pip install --no-cache-dir --require-hashes --requirement requirements/runtime.lock
COPY pyproject.toml hatch_build.py README.md LICENSE THIRD-PARTY.md ./
COPY frontend frontend
COPY src src
# The build of the wheel takes the front-end files out of their packages, by the hashes of their lock.
ENV PATH=/opt/build/bin:$PATH
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/bakehouse/bin/pip install --no-cache-dir --no-deps --no-index /wheels/bakehouse-*.whl \
    && /opt/bakehouse/bin/pip check \
    && /opt/bakehouse/bin/pip uninstall --yes pip

FROM python:3.13.7-slim-bookworm
LABEL org.opencontainers.image.title="Bakehouse" \
      org.opencontainers.image.description="Pays the delegators and bond-pool members of Tezos bakers" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 bakehouse \
    && useradd --uid 10001 --gid bakehouse --no-create-home --home-dir /data --shell /usr/sbin/nologin bakehouse \
    && install --directory --owner=bakehouse --group=bakehouse --mode=0700 /data
COPY --from=build /opt/bakehouse /opt/bakehouse
ENV PATH=/opt/bakehouse/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BAKEHOUSE_DATA_DIR=/data \
    BAKEHOUSE_HOST=0.0.0.0 \
    BAKEHOUSE_LOG_FORMAT=json
# A number, so that whoever runs it can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# Commands without pages answer on BAKEHOUSE_HEALTH_PORT.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; e = os.environ.get; c = http.client.HTTPConnection('127.0.0.1', int(e('BAKEHOUSE_HEALTH_PORT') or e('BAKEHOUSE_PORT') or 3000), timeout=4); c.request('GET', '/health/live'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["bakehouse"]
CMD ["run"]
