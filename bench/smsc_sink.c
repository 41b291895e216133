/* smsc_sink.c - a very light SMSC for benchmarks: one thread, epoll, no storage.
 *
 * Answers binds of every kind (any credentials), submit_sm, enquire_link and unbind. A submit_sm that asks for a
 * final receipt (registered_delivery 1 or 3) is followed by a deliver_sm with the customary text and the TLVs
 * receipted_message_id and message_state. Receipts go to the session that submitted if it may receive, else to
 * any receiving session of the same system_id; while there is none they are held, and those unanswered when a
 * session drops are sent again, as a real SMSC would; so are, after a pause, those that were refused.
 *
 * --journal FILE appends one line for each bind, submit, receipt, answer of a receipt and end of a session, so that
 * others can count what this SMSC knows. Lines reach the file before any answer to what they tell leaves.
 *
 * It owns the clock of a measurement: rates and times are taken here, outside the gateway. Once a second it
 * prints one JSON line of counters; SIGUSR1 prints the summary line, SIGINT and SIGTERM print it and end. SIGUSR2 says
 * that a measurement begins: latencies and first times are forgotten, and --mo-rate starts where --mo-waits held it.
 * The first line says where it listens (--port 0 takes a free port). SMPP 3.4, sections 4 and 5.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "smsc_sink_journal.h"
#include "smsc_sink_pdu.h"
#include "smsc_sink_ring.h"

#define MAX_SESSIONS 1024
#define READ_BUFFER_OCTETS (256 * 1024)
#define MAX_UNANSWERED 100000 /* deliver_sm of one session, answered ones behind an unanswered one included */
#define REFUSED_PAUSE 2.0     /* seconds before a refused receipt is sent again; carriers take minutes */

typedef struct {
    addresses_t addresses;
    char system_id[16], text[20];
    uint64_t id;
    time_t submitted_on, delivered_on; /* whole seconds, for the receipt's text: the same at every repeat */
    double submitted_at; /* for the latency */
} receipt_t;

typedef struct { double due; int session; uint32_t generation; receipt_t receipt; } due_receipt_t;
typedef struct { double due; int session; uint32_t generation, sequence; uint64_t id; } due_answer_t;
typedef struct { double due; receipt_t receipt; } refused_receipt_t;
typedef struct { receipt_t receipt; uint32_t sequence; uint8_t is_done; uint64_t inbound_serial; double sent_at; } unanswered_t;

typedef struct {
    int fd;
    uint32_t generation;
    int may_submit, may_receive, waits_to_write, is_dead;
    char system_id[16];
    uint8_t *in, *out;
    size_t in_octets, out_octets, out_done, out_capacity;
    uint32_t sequence;
    ring_t waiting;    /* receipt_t not yet sent: the receipt window is full */
    ring_t unanswered; /* unanswered_t in sequence order */
    size_t open_count;
    long answers_due;
} session_t;

static session_t sessions[MAX_SESSIONS];
static int epoll_fd, port = 2775, no_receipts, quick_ack, hex_ids, is_quiet;
static size_t receipt_window = 1000;
static double receipt_delay, latency; /* seconds */
static double inbound_rate;           /* MO a second over all receiving sessions */
static uint64_t inbound_limit = UINT64_MAX;
static int inbound_waits; /* for SIGUSR2 */
static const char *inbound_address = "36105";
static FILE *log_file;
static const char *log_prefix = ""; /* of the texts that are logged */
static ring_t due_receipts, due_answers, refused_receipts, held, inbound_again;
static uint32_t generations = 1;
static uint64_t next_id = 1;
static double now, inbound_from;
static uint64_t binds, submits, receipts_asked, receipts, receipts_answered, receipts_refused, receipts_repeated,
    inbound_sent, inbound_answered, other_pdus;
static long most_in_window;
static double first_submit, last_submit, last_answer;
static volatile sig_atomic_t stop_wanted, summary_wanted, begin_wanted;

static void read_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    now = time.tv_sec + time.tv_nsec / 1e9;
}
static int print_id(char *into, uint64_t id) {
    return sprintf(into, hex_ids ? "%llX" : "%llu", (unsigned long long)id);
}
static void note_receipt(char event, const session_t *s, uint64_t id, uint32_t status) {
    if (!has_journal()) return;
    char text[24];
    print_id(text, id);
    note(event, now, s->generation, "%s %u", text, status);
}

/* ── Writing ─────────────────────────────────────────────────────────────────────────────────────────── */

static void write_pdu(session_t *s, uint32_t command_id, uint32_t status, uint32_t sequence, const void *body,
                      size_t octets) {
    size_t needed = 16 + octets;
    if (s->out_octets + needed > s->out_capacity && s->out_done) {
        memmove(s->out, s->out + s->out_done, s->out_octets - s->out_done);
        s->out_octets -= s->out_done;
        s->out_done = 0;
    }
    if (s->out_octets + needed > s->out_capacity) {
        s->out_capacity = (s->out_capacity ? s->out_capacity * 2 : 65536) + needed;
        s->out = or_die(realloc(s->out, s->out_capacity));
    }
    uint8_t *at = s->out + s->out_octets;
    at = put32(at, needed); at = put32(at, command_id); at = put32(at, status); at = put32(at, sequence);
    if (octets) memcpy(at, body, octets);
    s->out_octets += needed;
}
static void watch(session_t *s, int for_writing) {
    if (s->waits_to_write == for_writing) return;
    struct epoll_event event = { .events = EPOLLIN | (for_writing ? EPOLLOUT : 0), .data.u32 = s - sessions };
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, s->fd, &event);
    s->waits_to_write = for_writing;
}
static void flush_session(session_t *s) {
    flush_journal(); /* nobody hears what is not written down */
    while (s->out_done < s->out_octets) {
        ssize_t sent = send(s->fd, s->out + s->out_done, s->out_octets - s->out_done, MSG_NOSIGNAL);
        if (sent > 0) { s->out_done += sent; continue; }
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) watch(s, 1); else s->is_dead = 1;
        return;
    }
    s->out_octets = s->out_done = 0;
    watch(s, 0);
}
static void answer_submit(session_t *s, uint32_t sequence, uint64_t id) {
    char text[24];
    int length = print_id(text, id);
    write_pdu(s, SUBMIT_SM | RESPONSE, 0, sequence, text, length + 1);
}

/* ── Receipts and MO ─────────────────────────────────────────────────────────────────────────────────── */

static const char *minute_of(time_t when) {
    static time_t last = -1;
    static char text[16];
    if (when != last) { struct tm fields; gmtime_r(&when, &fields); strftime(text, sizeof text, "%y%m%d%H%M", &fields); }
    last = when;
    return text;
}
static void write_deliver(session_t *s, uint8_t *body, size_t octets, const receipt_t *receipt, uint64_t serial) {
    unanswered_t *entry = ring_push(&s->unanswered, sizeof *entry);
    memset(entry, 0, sizeof *entry);
    if (receipt) entry->receipt = *receipt;
    entry->inbound_serial = serial;
    entry->sent_at = now;
    entry->sequence = ++s->sequence;
    s->open_count++;
    write_pdu(s, DELIVER_SM, 0, entry->sequence, body, octets);
}
static void send_receipt(session_t *s, const receipt_t *receipt) {
    const addresses_t *to = &receipt->addresses;
    uint8_t body[512], *at = body;
    char text[256], id[24];
    int id_length = print_id(id, receipt->id);
    uint8_t *end = (uint8_t *)text;
    end = put_text(end, "id:"); end = put_text(end, id);
    end = put_text(end, " sub:001 dlvrd:001 submit date:"); end = put_text(end, minute_of(receipt->submitted_on));
    end = put_text(end, " done date:"); end = put_text(end, minute_of(receipt->delivered_on));
    end = put_text(end, " stat:DELIVRD err:000 text:"); end = put_text(end, receipt->text);
    size_t length = end - (uint8_t *)text;
    *at++ = 0; /* service_type */
    at = put_address(at, to->destination_ton, to->destination_npi, to->destination);
    at = put_address(at, to->source_ton, to->source_npi, to->source);
    *at++ = 0x04;               /* esm_class: delivery receipt */
    memset(at, 0, 8); at += 8;  /* protocol_id to sm_default_msg_id */
    *at++ = length; memcpy(at, text, length); at += length;
    *at++ = 0x00; *at++ = 0x1E; *at++ = 0; *at++ = id_length + 1; memcpy(at, id, id_length + 1); at += id_length + 1;
    *at++ = 0x04; *at++ = 0x27; *at++ = 0; *at++ = 1; *at++ = 2; /* message_state: delivered */
    receipts++;
    note_receipt('R', s, receipt->id, 0);
    write_deliver(s, body, at - body, receipt, 0);
}
static void send_inbound(session_t *s, uint64_t serial) {
    uint8_t body[256], *at = body;
    /* Valid mobile numbers of four countries, as those that the benchmarks write to. */
    static const char *const prefixes[] = { "336", "39347", "4072", "22177" };
    static const int digits[] = { 8, 7, 7, 7 };
    char number[24], text[32];
    snprintf(number, sizeof number, "%s%0*llu", prefixes[serial % 4], digits[serial % 4],
             (unsigned long long)(serial / 4 % 10000000));
    int length = snprintf(text, sizeof text, "MO %08llu", (unsigned long long)serial);
    *at++ = 0;
    at = put_address(at, 1, 1, number);
    at = put_address(at, 3, 0, inbound_address);
    memset(at, 0, 9); at += 9;
    *at++ = length; memcpy(at, text, length); at += length;
    write_deliver(s, body, at - body, NULL, serial);
}
static int has_room(session_t *s) { return s->open_count < receipt_window && s->unanswered.count < MAX_UNANSWERED; }
static void pump(session_t *s) {
    while (s->waiting.count && has_room(s)) {
        receipt_t receipt = *(receipt_t *)ring_head(&s->waiting);
        ring_pop(&s->waiting);
        send_receipt(s, &receipt);
    }
}
static void route(const receipt_t *receipt, int number, uint32_t generation) {
    session_t *target = NULL, *own = number >= 0 ? &sessions[number] : NULL;
    if (own && own->fd >= 0 && own->generation == generation && own->may_receive && !own->is_dead) target = own;
    for (int i = 0; !target && i < MAX_SESSIONS; i++) {
        session_t *s = &sessions[i];
        if (s->fd >= 0 && s->may_receive && !s->is_dead && !strcmp(s->system_id, receipt->system_id)) target = s;
    }
    if (!target) { *(receipt_t *)ring_push(&held, sizeof *receipt) = *receipt; return; }
    *(receipt_t *)ring_push(&target->waiting, sizeof *receipt) = *receipt;
    pump(target);
}
static void send_due_inbound(void) {
    static int turn;
    if (!inbound_from) return;
    uint64_t due = (now - inbound_from) * inbound_rate;
    if (due > inbound_limit) due = inbound_limit;
    for (int tried = 0; (inbound_sent < due || inbound_again.count) && tried < MAX_SESSIONS; turn++) {
        session_t *s = &sessions[turn % MAX_SESSIONS];
        if (s->fd < 0 || !s->may_receive || s->is_dead || !has_room(s)) { tried++; continue; }
        tried = 0;
        uint64_t serial;
        if (inbound_again.count) { serial = *(uint64_t *)ring_head(&inbound_again); ring_pop(&inbound_again); }
        else serial = ++inbound_sent;
        send_inbound(s, serial);
    }
}

/* ── Reading ─────────────────────────────────────────────────────────────────────────────────────────── */

static void take_submit(session_t *s, uint32_t sequence, const uint8_t *at, const uint8_t *end) {
    receipt_t receipt;
    const uint8_t *message;
    int length, registered_delivery = parse_submit(at, end, &receipt.addresses, &message, &length);
    if (registered_delivery < 0) { write_pdu(s, SUBMIT_SM | RESPONSE, ESME_RINVCMDLEN, sequence, "", 1); return; }
    int shown = length < 19 ? length : 19;
    for (int i = 0; i < shown; i++) receipt.text[i] = message[i] >= 32 && message[i] < 127 ? message[i] : '.';
    receipt.text[shown] = 0;
    receipt.id = next_id++;
    receipt.submitted_at = now;
    receipt.submitted_on = (time_t)now;
    receipt.delivered_on = (time_t)(now + latency + receipt_delay);
    memcpy(receipt.system_id, s->system_id, sizeof receipt.system_id);
    submits++;
    if (!first_submit) first_submit = now;
    last_submit = now;
    if (log_file && (size_t)length >= strlen(log_prefix) && !memcmp(message, log_prefix, strlen(log_prefix)))
        fprintf(log_file, "%.6f %s %.*s\n", now, receipt.addresses.destination, length, message);
    if (has_journal()) {
        char id[24], text[256];
        int kept = length < 255 ? length : 255;
        print_id(id, receipt.id);
        for (int i = 0; i < kept; i++) text[i] = message[i] >= 32 && message[i] < 127 ? message[i] : '.';
        note('S', now, s->generation, "%s %s %.*s", id, receipt.addresses.destination, kept, text);
    }
    if (latency > 0) {
        due_answer_t *answer = ring_push(&due_answers, sizeof *answer);
        *answer = (due_answer_t){ now + latency, s - sessions, s->generation, sequence, receipt.id };
        if (++s->answers_due > most_in_window) most_in_window = s->answers_due;
    } else answer_submit(s, sequence, receipt.id);
    if (registered_delivery != 1 && registered_delivery != 3) return;
    receipts_asked++;
    if (no_receipts) return;
    due_receipt_t *due = ring_push(&due_receipts, sizeof *due); /* never overtakes its submit_sm_resp */
    *due = (due_receipt_t){ now + latency + receipt_delay, s - sessions, s->generation, receipt };
}
static void take_deliver_answer(session_t *s, uint32_t status, uint32_t sequence) {
    unanswered_t *first = ring_head(&s->unanswered);
    uint32_t offset = first ? sequence - first->sequence : 0;
    if (first && offset < s->unanswered.count) {
        unanswered_t *entry = ring_at(&s->unanswered, offset);
        if (!entry->is_done) {
            entry->is_done = 1;
            s->open_count--;
            last_answer = now;
            if (entry->inbound_serial) { inbound_answered++; count_latency(now - entry->sent_at); }
            else if (status) {
                receipts_refused++;
                note_receipt('A', s, entry->receipt.id, status);
                refused_receipt_t *again = ring_push(&refused_receipts, sizeof *again);
                *again = (refused_receipt_t){ now + REFUSED_PAUSE, entry->receipt };
            } else { note_receipt('A', s, entry->receipt.id, 0); receipts_answered++; count_latency(now - entry->receipt.submitted_at); }
        }
    }
    while (s->unanswered.count && ((unanswered_t *)ring_head(&s->unanswered))->is_done) ring_pop(&s->unanswered);
    pump(s);
}
static void take_bind(session_t *s, uint32_t command_id, uint32_t sequence, const uint8_t *at, const uint8_t *end) {
    get_text(at, end, s->system_id, sizeof s->system_id);
    binds++;
    note('B', now, s->generation, "%s", s->system_id);
    s->may_submit = command_id != BIND_RECEIVER;
    s->may_receive = command_id != BIND_TRANSMITTER;
    write_pdu(s, command_id | RESPONSE, 0, sequence, "sink", 5);
    if (!s->may_receive) return;
    if (inbound_rate > 0 && !inbound_from && !inbound_waits) inbound_from = now;
    for (size_t left = held.count; left; left--) {
        receipt_t receipt = *(receipt_t *)ring_head(&held);
        ring_pop(&held);
        route(&receipt, -1, 0);
    }
}
static void take_pdu(session_t *s, const uint8_t *pdu, uint32_t octets) {
    uint32_t command_id = get32(pdu + 4), status = get32(pdu + 8), sequence = get32(pdu + 12);
    const uint8_t *at = pdu + 16, *end = pdu + octets;
    switch (command_id) {
    case SUBMIT_SM:
        if (s->may_submit) take_submit(s, sequence, at, end);
        else write_pdu(s, SUBMIT_SM | RESPONSE, ESME_RINVBNDSTS, sequence, "", 1);
        break;
    case DELIVER_SM | RESPONSE: take_deliver_answer(s, status, sequence); break;
    case BIND_RECEIVER: case BIND_TRANSMITTER: case BIND_TRANSCEIVER:
        take_bind(s, command_id, sequence, at, end);
        break;
    case ENQUIRE_LINK: write_pdu(s, ENQUIRE_LINK | RESPONSE, 0, sequence, NULL, 0); break;
    case UNBIND:
        write_pdu(s, UNBIND | RESPONSE, 0, sequence, NULL, 0);
        flush_session(s);
        s->is_dead = 1;
        break;
    default:
        other_pdus++;
        if (!(command_id & RESPONSE)) write_pdu(s, GENERIC_NACK, ESME_RINVCMDID, sequence, NULL, 0);
    }
}
static void read_session(session_t *s) {
    for (;;) {
        ssize_t octets = recv(s->fd, s->in + s->in_octets, READ_BUFFER_OCTETS - s->in_octets, 0);
        if (octets == 0 || (octets < 0 && errno != EAGAIN && errno != EINTR)) s->is_dead = 1;
        if (octets <= 0) return;
        int one = 1;
        if (quick_ack) setsockopt(s->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
        s->in_octets += octets;
        int was_full = s->in_octets == READ_BUFFER_OCTETS;
        size_t done = 0;
        while (s->in_octets - done >= 16) {
            uint32_t length = get32(s->in + done);
            if (length < 16 || length > MAX_PDU_OCTETS) { s->is_dead = 1; break; }
            if (s->in_octets - done < length) break;
            take_pdu(s, s->in + done, length);
            done += length;
        }
        memmove(s->in, s->in + done, s->in_octets - done);
        s->in_octets -= done;
        if (s->is_dead || !was_full) return;
    }
}

/* ── Sessions and the loop ───────────────────────────────────────────────────────────────────────────── */

static void accept_sessions(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        int free_place = 0;
        while (free_place < MAX_SESSIONS && sessions[free_place].fd >= 0) free_place++;
        if (free_place == MAX_SESSIONS) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        sessions[free_place] = (session_t){ .fd = fd, .generation = generations++, .in = or_die(malloc(READ_BUFFER_OCTETS)) };
        struct epoll_event event = { .events = EPOLLIN, .data.u32 = free_place };
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}
static void drop_session(session_t *s) {
    if (*s->system_id) note('C', now, s->generation, "%s", s->system_id);
    close(s->fd);
    free(s->in);
    free(s->out);
    ring_t unanswered = s->unanswered, waiting = s->waiting;
    *s = (session_t){ .fd = -1, .generation = s->generation };
    for (; unanswered.count; ring_pop(&unanswered)) {
        unanswered_t *entry = ring_head(&unanswered);
        if (entry->is_done) continue;
        if (entry->inbound_serial) *(uint64_t *)ring_push(&inbound_again, sizeof(uint64_t)) = entry->inbound_serial;
        else { receipts_repeated++; route(&entry->receipt, -1, 0); }
    }
    for (; waiting.count; ring_pop(&waiting)) route(ring_head(&waiting), -1, 0);
    ring_free(&unanswered);
    ring_free(&waiting);
}
static void send_due(void) {
    due_answer_t *answer;
    while ((answer = ring_head(&due_answers)) && answer->due <= now) {
        session_t *s = &sessions[answer->session];
        if (s->fd >= 0 && s->generation == answer->generation) { answer_submit(s, answer->sequence, answer->id); s->answers_due--; }
        ring_pop(&due_answers);
    }
    due_receipt_t *due;
    while ((due = ring_head(&due_receipts)) && due->due <= now) {
        due_receipt_t copy = *due;
        ring_pop(&due_receipts);
        route(&copy.receipt, copy.session, copy.generation);
    }
    refused_receipt_t *refused;
    while ((refused = ring_head(&refused_receipts)) && refused->due <= now) {
        receipt_t receipt = refused->receipt;
        ring_pop(&refused_receipts);
        receipts_repeated++;
        route(&receipt, -1, 0);
    }
    send_due_inbound();
    for (int i = 0; i < MAX_SESSIONS && sessions[i].generation; i++) {
        session_t *s = &sessions[i];
        if (s->fd < 0) continue;
        if (s->out_octets > s->out_done && !s->is_dead) flush_session(s);
        if (s->is_dead) drop_session(s);
    }
    flush_journal();
}
static void print_counters(const char *kind) {
    printf("{\"kind\": \"%s\", \"at\": %.3f, \"binds\": %llu, \"submits\": %llu, \"receipts_asked\": %llu, "
           "\"receipts\": %llu, \"receipts_answered\": %llu, \"receipts_refused\": %llu, \"receipts_repeated\": %llu, "
           "\"receipts_held\": %zu, \"inbound\": %llu, \"inbound_answered\": %llu, \"other_pdus\": %llu, "
           "\"most_in_window\": %ld, \"first_submit\": %.6f, \"last_submit\": %.6f, \"last_answer\": %.6f, "
           "\"p50_ms\": %.2f, \"p99_ms\": %.2f}\n",
           kind, now, (unsigned long long)binds, (unsigned long long)submits, (unsigned long long)receipts_asked,
           (unsigned long long)receipts, (unsigned long long)receipts_answered, (unsigned long long)receipts_refused,
           (unsigned long long)receipts_repeated, held.count, (unsigned long long)inbound_sent,
           (unsigned long long)inbound_answered, (unsigned long long)other_pdus, most_in_window, first_submit,
           last_submit, last_answer, latency_ms(0.5), latency_ms(0.99));
    fflush(stdout);
    if (log_file) fflush(log_file);
}
/* Seconds until there is something to do, at most until `until`. */
static double wait_seconds(double until) {
    due_answer_t *answer = ring_head(&due_answers);
    due_receipt_t *due = ring_head(&due_receipts);
    if (answer && answer->due < until) until = answer->due;
    if (due && due->due < until) until = due->due;
    refused_receipt_t *refused = ring_head(&refused_receipts);
    if (refused && refused->due < until) until = refused->due;
    if (inbound_from && inbound_sent < inbound_limit && now + 0.002 < until) until = now + 0.002;
    return until <= now ? 0 : until - now;
}
static void on_stop(int signal_number) { (void)signal_number; stop_wanted = 1; }
static void on_summary(int signal_number) { (void)signal_number; summary_wanted = 1; }
static void on_begin(int signal_number) { (void)signal_number; begin_wanted = 1; }
static void begin(void) {
    begin_wanted = 0;
    forget_latencies();
    first_submit = last_submit = last_answer = most_in_window = 0;
    if (inbound_rate > 0 && inbound_waits) { inbound_waits = 0; inbound_from = now; }
}

static int listen_on_loopback(void) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    if (bind(listener, (void *)&address, size) || listen(listener, 511) || getsockname(listener, (void *)&address, &size)) {
        perror("smsc_sink: listen");
        exit(1);
    }
    printf("{\"kind\": \"listening\", \"port\": %d}\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}
static void read_options(int argc, char **argv) {
    static struct option options[] = {
        { "port", 1, 0, 'p' }, { "no-receipts", 0, 0, 'n' }, { "receipt-delay-ms", 1, 0, 'd' }, { "latency-ms", 1, 0, 'l' },
        { "hex-ids", 0, 0, 'x' }, { "quick-ack", 0, 0, 'Q' }, { "receipt-window", 1, 0, 'w' }, { "mo-rate", 1, 0, 'm' },
        { "mo-count", 1, 0, 'M' }, { "mo-to", 1, 0, 't' }, { "mo-waits", 0, 0, 'W' }, { "log", 1, 0, 'L' },
        { "log-prefix", 1, 0, 'P' }, { "journal", 1, 0, 'J' }, { "quiet", 0, 0, 'q' }, { 0, 0, 0, 0 },
    };
    for (int found; (found = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (found) {
        case 'p': port = atoi(optarg); break;
        case 'n': no_receipts = 1; break;
        case 'd': receipt_delay = atof(optarg) / 1000; break;
        case 'l': latency = atof(optarg) / 1000; break;
        case 'x': hex_ids = 1; break;
        case 'Q': quick_ack = 1; break;
        case 'w': receipt_window = atol(optarg); break;
        case 'm': inbound_rate = atof(optarg); break;
        case 'M': inbound_limit = atol(optarg); break;
        case 't': inbound_address = optarg; break;
        case 'W': inbound_waits = 1; break;
        case 'P': log_prefix = optarg; break;
        case 'q': is_quiet = 1; break;
        case 'L':
            log_file = fopen(optarg, "w");
            if (log_file) break;
            perror(optarg);
            exit(1);
        case 'J':
            open_journal(optarg);
            break;
        default:
            fprintf(stderr, "usage: smsc_sink [--port N] [--no-receipts] [--receipt-delay-ms N] [--latency-ms N] [--hex-ids]\n"
                            "       [--quick-ack] [--receipt-window N] [--mo-rate N] [--mo-count N] [--mo-to ADDRESS]\n"
                            "       [--mo-waits] [--log FILE] [--log-prefix TEXT] [--journal FILE] [--quiet]\n");
            exit(2);
    }
}
int main(int argc, char **argv) {
    read_options(argc, argv);
    for (int i = 0; i < MAX_SESSIONS; i++) sessions[i].fd = -1;
    sigset_t masked, unmasked;
    sigemptyset(&unmasked);
    sigemptyset(&masked);
    sigaddset(&masked, SIGINT); sigaddset(&masked, SIGTERM); sigaddset(&masked, SIGUSR1); sigaddset(&masked, SIGUSR2);
    sigprocmask(SIG_SETMASK, &masked, NULL);
    signal(SIGINT, on_stop); signal(SIGTERM, on_stop); signal(SIGUSR1, on_summary); signal(SIGUSR2, on_begin); signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1); /* a latency of 20 ms is not one of 20.06 */
    int listener = listen_on_loopback();
    epoll_fd = epoll_create1(0);
    struct epoll_event events[64], event = { .events = EPOLLIN, .data.u32 = UINT32_MAX };
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    read_clock();
    next_id = ((uint64_t)now % 100000000ULL) * 1000000ULL + 1; /* unique over restarts */
    double next_print = now + 1;
    uint64_t printed = 0;
    while (!stop_wanted) {
        /* ppoll: epoll_wait would lengthen a latency of 20 ms by up to one. Signals come only in here. */
        double seconds = wait_seconds(next_print);
        struct pollfd ready = { .fd = epoll_fd, .events = POLLIN };
        struct timespec wait = { (time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9) };
        ppoll(&ready, 1, &wait, &unmasked);
        int count = epoll_wait(epoll_fd, events, 64, 0);
        read_clock();
        for (int i = 0; i < count; i++) {
            if (events[i].data.u32 == UINT32_MAX) { accept_sessions(listener); continue; }
            session_t *s = &sessions[events[i].data.u32];
            if (s->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_session(s);
        }
        read_clock();
        send_due();
        if (begin_wanted) begin();
        if (summary_wanted) { summary_wanted = 0; print_counters("summary"); }
        if (now < next_print) continue;
        next_print = now + 1;
        uint64_t progress = submits + receipts_answered + inbound_answered;
        if (!is_quiet && progress != printed) print_counters("second");
        printed = progress;
    }
    print_counters("summary");
    return 0;
}
