"""Connect a command to the servers: those of the settings, else embedded ones that run while somebody uses them."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.settings import Settings, get_settings, use_settings


@contextmanager
def connected() -> Iterator[Settings]:
    """Settings with both URLs filled in; servers run and the schema is current for the length of the block.

    An embedded database is upgraded without asking. Somebody else's is only checked, which may raise
    `ConfigurationError` (`schema-outdated`). Beside `musicspace up --fake-providers` the fakes are asked here, too.
    """
    from cli.fake_providers import asking_fakes
    from db.engine import get_engine
    from db.migrate import check_database, upgrade
    from integrations.embedded import embedded_servers
    from integrations.embedded.running import running_system

    configured = get_settings()
    with embedded_servers(configured) as urls:
        settings = configured.model_copy(update={"database_url": urls.database_url, "redis_url": urls.redis_url})
        system = running_system(configured.data_dir)
        if system is not None and system.fakes_url is not None:
            settings = asking_fakes(settings, system.fakes_url)
        use_settings(settings)
        if configured.database_url is None:
            upgrade(urls.database_url)
        else:
            check_database(urls.database_url)
        try:
            yield settings
        finally:
            get_engine(urls.database_url).dispose()
            use_settings(configured)
