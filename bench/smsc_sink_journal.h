/* smsc_sink_journal.h - what the sink writes down for others to count, and the latencies that it keeps. */
#ifndef SMSC_SINK_JOURNAL_H
#define SMSC_SINK_JOURNAL_H

#include <stdint.h>

/* Appends to the file `name` from now on; ends the program where that cannot be. */
void open_journal(const char *name);
int has_journal(void);
/* Adds the line "EVENT TIME SESSION REST\n"; SESSION is the session's number since the start. */
__attribute__((format(printf, 4, 5)))
void note(char event, double at, uint32_t session, const char *format, ...);
/* Returns once all lines are in the file: nobody hears what is not written down. */
void flush_journal(void);

void count_latency(double seconds);
void forget_latencies(void);
/* Milliseconds that `share` of the counted latencies do not exceed, to 2 %; 0 where none was counted. */
double latency_ms(double share);

#endif
