"""The reference table, answers of providers and what they cost."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.features import FEATURE_NAMES

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spotify_reference",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("spotify_id", sa.Text(), nullable=True),
        sa.Column("isrc", sa.Text(), nullable=True),
        sa.Column("artist", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("artist_key", sa.Text(), nullable=False),
        sa.Column("title_key", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("release_year", sa.SmallInteger(), nullable=True),
        sa.Column("popularity", sa.SmallInteger(), nullable=True),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *(sa.Column(name, sa.REAL(), nullable=True) for name in FEATURE_NAMES),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spotify_reference")),
    )
    op.create_index(
        "uq_spotify_reference_spotify_id",
        "spotify_reference",
        ["spotify_id"],
        unique=True,
        postgresql_where=sa.text("spotify_id IS NOT NULL"),
    )
    op.create_index(
        "ix_spotify_reference_isrc", "spotify_reference", ["isrc"], postgresql_where=sa.text("isrc IS NOT NULL")
    )
    op.create_index("ix_spotify_reference_artist_key_title_key", "spotify_reference", ["artist_key", "title_key"])
    for half in ("artist_key", "title_key"):
        op.create_index(f"ix_spotify_reference_{half}_duration_ms", "spotify_reference", [half, "duration_ms"])
    op.create_table(
        "reference_artists",
        sa.Column("artist_key", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("artist_key", "form", name=op.f("pk_reference_artists")),
    )
    op.create_table(
        "reference_loads",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("rows_inserted", sa.Integer(), nullable=False),
        sa.Column("rows_updated", sa.Integer(), nullable=False),
        sa.Column("rows_unchanged", sa.Integer(), nullable=False),
        sa.Column("rows_left_out", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_loads")),
    )
    op.create_table(
        "lookup_cache",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimant", sa.Text(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("provider", "variant", "subject", name=op.f("pk_lookup_cache")),
    )
    op.create_index("ix_lookup_cache_expires_at", "lookup_cache", ["expires_at"])
    counts = ("calls", "failed_calls", "tracks_asked", "tracks_answered", "tracks_from_cache")
    op.create_table(
        "api_usage",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False) for name in counts),
        sa.Column("input_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("searches", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cost_usd", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("provider", "day", name=op.f("pk_api_usage")),
    )


def downgrade() -> None:
    op.drop_table("api_usage")
    op.drop_table("lookup_cache")
    op.drop_table("reference_loads")
    op.drop_table("reference_artists")
    op.drop_table("spotify_reference")
