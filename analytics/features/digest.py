"""A fingerprint of how a feature is read, so that a model notices when that changed."""

from hashlib import sha256

from analytics.features.blocks import BLOCKS, REQUIRES
from analytics.features.definition import Feature


def digest_of(feature: Feature) -> str:
    """Return a digest of the feature's SQL and of every join behind it."""
    needed = {name for block in feature.blocks for name in (block, *REQUIRES.get(block, ()))}
    parts = [feature.kind, feature.sql, *(BLOCKS[name] for name in sorted(needed))]
    return sha256("\0".join(parts).encode()).hexdigest()[:16]
