# The worker that trains predictors: the CPU worker with the libraries that only training needs.

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

# LightGBM and implicit need the OpenMP library of the system; PyTorch comes without CUDA.
USER 0:0
COPY constraints.txt /opt/musicspace/constraints.txt
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --constraint /opt/musicspace/constraints.txt --index-url https://download.pytorch.org/whl/cpu torch && \
    pip install --constraint /opt/musicspace/constraints.txt 'musicspace[train]'
USER 10001:10001

# SIGTERM asks for a soft shutdown: running tasks get some seconds to finish.
ENV REMAP_SIGTERM=SIGQUIT
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s CMD ["python", "-m", "workers.healthcheck", "train"]
CMD ["python", "-m", "celery", "--app", "workers.cpu", "--quiet", "worker", \
    "--queues=train", "--concurrency=1", "--hostname=train@%h"]
