# The worker that listens to audio: PyTorch for the processor by default, for NVIDIA with another TORCH_INDEX.

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

# The index names the kind of PyTorch, for instance https://download.pytorch.org/whl/cu130 for CUDA 13.
USER 0:0
COPY constraints.txt /opt/musicspace/constraints.txt
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --constraint /opt/musicspace/constraints.txt --index-url ${TORCH_INDEX} torch && \
    pip install --constraint /opt/musicspace/constraints.txt 'musicspace[gpu]' && \
    install --directory --owner=10001 --group=10001 /var/lib/musicspace/huggingface /music
USER 10001:10001

# Weights come from a volume: this container reaches nobody beyond the database and the broker.
ENV HF_HOME=/var/lib/musicspace/huggingface HF_HUB_OFFLINE=1
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=120s CMD ["python", "-m", "workers.healthcheck", "embed"]
CMD ["python", "-m", "celery", "--app", "workers.gpu", "--quiet", "worker", \
    "--queues=embed", "--concurrency=1", "--hostname=embed@%h", "--pool=solo"]
