# The scheduler of the dispatcher.

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

HEALTHCHECK --interval=15s --timeout=10s --start-period=60s CMD ["python", "-m", "workers.healthcheck", "beat"]
CMD ["python", "-m", "celery", "--app", "workers.beat", "--quiet", "beat"]
