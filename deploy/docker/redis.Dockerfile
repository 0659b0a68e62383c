# The broker: Valkey, which speaks the protocol of Redis. It keeps messages on disk and never evicts one.
FROM valkey/valkey:9.1-trixie
USER valkey
# -e: an error, such as LOADING, is a failure.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["valkey-cli", "-e", "ping"]
CMD ["valkey-server", "--appendonly", "yes", "--save", "", "--maxmemory", "512mb", "--maxmemory-policy", "noeviction"]
