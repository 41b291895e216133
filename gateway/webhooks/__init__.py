"""Events to shops: signed HTTP posts from the outbox, retried for days, never into private networks."""
