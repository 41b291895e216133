"""From the queue to the carrier and back: claims, intents, pacing, windows, answers and receipts."""
