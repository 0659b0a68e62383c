# The CPU worker. It consumes `enrich`; another command makes it consume another queue.

# Every Python image begins with these lines, kept identical by a test: their layers are built once.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/musicspace && /opt/musicspace/bin/pip install --constraint constraints.txt '.[s3]'

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin musicspace && \
    install --directory --owner=10001 --group=10001 /var/lib/musicspace/models /var/lib/musicspace/data
COPY --from=build /opt/musicspace /opt/musicspace
ENV PATH=/opt/musicspace/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001

# The processes of the worker are its parallelism: BLAS threads would fight over the same cores.
ENV OPENBLAS_NUM_THREADS=1
# SIGTERM asks for a soft shutdown: running tasks get some seconds to finish.
ENV REMAP_SIGTERM=SIGQUIT
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s CMD ["python", "-m", "workers.healthcheck", "enrich"]
CMD ["python", "-m", "celery", "--app", "workers.cpu", "--quiet", "worker", \
    "--queues=enrich", "--concurrency=2", "--hostname=enrich@%h"]
