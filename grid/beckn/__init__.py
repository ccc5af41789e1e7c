"""The site on a Beckn network: wire models, signatures, participant, grid operator.

LTS 2.0 is native; rc1 messages are read and given back unchanged. ``SCHEMA_VERSION`` is the one place that says which
schema the models follow: tag ``core-v2.0.0-lts`` of protocol-specifications-v2.
"""

SCHEMA_VERSION = "core-v2.0.0-lts"
PROTOCOL_VERSION = "2.0.0"
