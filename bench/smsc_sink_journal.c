/* smsc_sink_journal.c - lines are gathered and written at once, before any answer to what they tell leaves. */
#define _GNU_SOURCE
#include "smsc_sink_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smsc_sink_pdu.h"
#include "smsc_sink_ring.h"

#define JOURNAL_OCTETS (1024 * 1024)
#define BUCKETS 1200 /* of 2 % each, from 10 microseconds up: to beyond ten hours */

static int journal_fd = -1;
static char *journal;
static size_t journal_octets;
static uint64_t latencies[BUCKETS], latency_count;

void open_journal(const char *name) {
    journal_fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (journal_fd < 0) { perror(name); exit(1); }
    journal = or_die(malloc(JOURNAL_OCTETS));
}
int has_journal(void) { return journal_fd >= 0; }
void flush_journal(void) {
    for (size_t done = 0; done < journal_octets;) {
        ssize_t written = write(journal_fd, journal + done, journal_octets - done);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) { perror("smsc_sink: journal"); exit(1); }
        done += written;
    }
    journal_octets = 0;
}
void note(char event, double at, uint32_t session, const char *format, ...) {
    if (journal_fd < 0) return;
    if (journal_octets + 512 + MAX_PDU_OCTETS > JOURNAL_OCTETS) flush_journal();
    char *end = journal + journal_octets;
    end += sprintf(end, "%c %.6f %u ", event, at, session);
    va_list values;
    va_start(values, format);
    end += vsprintf(end, format, values);
    va_end(values);
    *end++ = '\n';
    journal_octets = end - journal;
}

void count_latency(double seconds) {
    int bucket = seconds <= 1e-5 ? 0 : (int)(log(seconds / 1e-5) / log(1.02));
    latencies[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    latency_count++;
}
void forget_latencies(void) {
    memset(latencies, 0, sizeof latencies);
    latency_count = 0;
}
double latency_ms(double share) {
    uint64_t below = 0;
    for (int i = 0; i < BUCKETS; i++)
        if ((below += latencies[i]) && below >= share * latency_count) return 1e-2 * pow(1.02, i + 1);
    return 0;
}
