"""Above the agents: situation, directive, bounds, audit trail."""
