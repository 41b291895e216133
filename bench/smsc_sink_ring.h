/* smsc_sink_ring.h - a growable ring of records of one size, and memory that is there or ends the program. */
#ifndef SMSC_SINK_RING_H
#define SMSC_SINK_RING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { char *records; size_t size, capacity, head, count; } ring_t;

static inline void *or_die(void *memory) {
    if (!memory) { perror("smsc_sink: memory"); exit(1); }
    return memory;
}
/* Room for one more record of `size` at the end; its octets are not set. */
static inline void *ring_push(ring_t *ring, size_t size) {
    ring->size = size;
    if (ring->count == ring->capacity) {
        size_t capacity = ring->capacity ? ring->capacity * 2 : 64;
        char *records = or_die(malloc(capacity * size));
        for (size_t i = 0; i < ring->count; i++)
            memcpy(records + i * size, ring->records + ((ring->head + i) & (ring->capacity - 1)) * size, size);
        free(ring->records);
        *ring = (ring_t){ records, size, capacity, 0, ring->count };
    }
    return ring->records + ((ring->head + ring->count++) & (ring->capacity - 1)) * size;
}
static inline void *ring_at(ring_t *ring, size_t i) {
    return ring->records + ((ring->head + i) & (ring->capacity - 1)) * ring->size;
}
static inline void *ring_head(ring_t *ring) { return ring->count ? ring_at(ring, 0) : NULL; }
static inline void ring_pop(ring_t *ring) { ring->head = (ring->head + 1) & (ring->capacity - 1); ring->count--; }
static inline void ring_free(ring_t *ring) { free(ring->records); memset(ring, 0, sizeof *ring); }

#endif
