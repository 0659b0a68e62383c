# The database: the official image, as its ordinary user, with settings for bulk writes.
FROM postgres:18-bookworm
USER postgres
# The same text comparison as the embedded server's: byte by byte, on every machine.
ENV POSTGRES_INITDB_ARGS="--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8"
# Over TCP: the temporary server of the first start listens on its socket alone.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s CMD ["pg_isready", "--quiet", "--host=127.0.0.1"]
CMD ["postgres", "-c", "shared_buffers=256MB", "-c", "max_wal_size=2GB", "-c", "jit=off"]
