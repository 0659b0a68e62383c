# The HTTP API. It refuses to start without MUSICSPACE_API__KEY, because others can reach it here.

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

ENV MUSICSPACE_API__HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=3); c.request('GET', '/healthz'); exit(c.getresponse().status != 200)"]
CMD ["python", "-m", "api.server"]
