/* http_flood.c - a light HTTP/1.1 load generator: N requests over C keep-alive connections, one thread, poll.
 *
 * Sends the body of each --post FILE in turn, or GETs when there is none. Every "@N@" in the path and in the bodies
 * becomes the number of the request, padded to --digits. With --lines FILE each request takes the next line: its path
 * and, each after a tab, header lines of its own. Prints one JSON line: answers by kind, rate, latency. Accepted are
 * answers below 400, redirects too; none is followed.
 * A request whose connection is lost is counted and not sent again. It is a measuring tool for a server on
 * this machine; it speaks no TLS and reads only as much HTTP as our own answers need.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_OCTETS (8 << 20) /* a batch of 10,000 is answered item by item */
#define BODY_OCTETS (8 << 20)
#define MAX_BODIES 16
#define MAX_CONNECTIONS 1024
#define RECONNECT_SECONDS 0.2

typedef struct {
    int fd;
    long request; /* the one in flight, or -1 */
    char *in, *out;
    size_t in_octets, out_octets, out_done;
    double started, retry_at;
} connection_t;

static connection_t connections[MAX_CONNECTIONS];
static struct pollfd polled[MAX_CONNECTIONS];
static int port = 8080, connection_count = 64, digits = 8, body_count;
static long request_count = 1000, first_request;
static double give_up_seconds = 10;
static char *path = "/", *header = "", *bodies[MAX_BODIES], **lines;
static long line_count;
static size_t out_capacity = 65536;
static long sent, accepted, refused, lost, connects;
static double *latencies, last_answer;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}
static void *or_die(void *memory) {
    if (!memory) { perror("http_flood: memory"); exit(1); }
    return memory;
}
static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Copies `from` with every "@N@" replaced; returns the length. */
static size_t fill(char *into, const char *from, long number) {
    char *at = into;
    for (const char *mark; (mark = strstr(from, "@N@")); from = mark + 3) {
        memcpy(at, from, mark - from);
        at += mark - from;
        at += sprintf(at, "%0*ld", digits, number);
    }
    size_t rest = strlen(from);
    memcpy(at, from, rest + 1);
    return at + rest - into;
}
static void prepare_request(connection_t *c, double at) {
    static char filled_path[16384], *filled_body;
    if (!filled_body) filled_body = or_die(malloc(out_capacity));
    c->request = first_request + sent++;
    c->started = at;
    c->out_done = 0;
    if (line_count) {
        const char *line = lines[c->request % line_count];
        int octets = (int)strcspn(line, "\t");
        char *at = c->out + sprintf(c->out, "GET %.*s HTTP/1.1\r\nHost: localhost\r\n%s", octets, line, header);
        for (line += octets; *line == '\t'; line += octets) {
            octets = (int)strcspn(++line, "\t");
            at += sprintf(at, "%.*s\r\n", octets, line);
        }
        at += sprintf(at, "\r\n");
        c->out_octets = at - c->out;
        return;
    }
    fill(filled_path, path, c->request);
    if (!body_count) {
        c->out_octets = sprintf(c->out, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", filled_path, header);
        return;
    }
    size_t length = fill(filled_body, bodies[c->request % body_count], c->request);
    c->out_octets = sprintf(c->out,
                            "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: application/json\r\n"
                            "Content-Length: %zu\r\n\r\n",
                            filled_path, header, length);
    memcpy(c->out + c->out_octets, filled_body, length);
    c->out_octets += length;
}
static void connect_to_server(connection_t *c, double at) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (void *)&address, sizeof address)) {
        close(c->fd);
        c->fd = -1;
        c->retry_at = at + RECONNECT_SECONDS;
        return;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->request = -1;
    c->in_octets = c->out_octets = c->out_done = 0;
    connects++;
}
static void write_request(connection_t *c) {
    while (c->out_done < c->out_octets) {
        ssize_t octets = send(c->fd, c->out + c->out_done, c->out_octets - c->out_done, MSG_NOSIGNAL);
        if (octets <= 0) return;
        c->out_done += octets;
    }
}
static int is_whole(const connection_t *c) {
    const char *end = strstr(c->in, "\r\n\r\n");
    if (!end) return 0;
    const char *length = strcasestr(c->in, "\r\nContent-Length:");
    if (length && length < end) return c->in + c->in_octets - (end + 4) >= atol(length + 17);
    const char *chunked = strcasestr(c->in, "\r\nTransfer-Encoding: chunked");
    return chunked && chunked < end && c->in_octets >= 5 && !memcmp(c->in + c->in_octets - 5, "0\r\n\r\n", 5);
}
static void take_answer(connection_t *c) {
    int status = atoi(c->in + 9);
    if (status >= 200 && status < 400) accepted++;
    else if (!refused++) fprintf(stderr, "http_flood: first refusal: %.400s\n", c->in);
    last_answer = now();
    latencies[accepted + refused - 1] = last_answer - c->started;
    c->request = -1;
}
static void read_answer(connection_t *c) {
    ssize_t octets = recv(c->fd, c->in + c->in_octets, ANSWER_OCTETS - 1 - c->in_octets, 0);
    int is_closed = octets == 0 || (octets < 0 && errno != EAGAIN);
    if (octets > 0) c->in_octets += octets;
    c->in[c->in_octets] = 0;
    if (c->request >= 0 && is_whole(c)) {
        take_answer(c);
        is_closed |= strcasestr(c->in, "\r\nConnection: close") != NULL;
        c->in_octets = 0;
    }
    if (!is_closed) return;
    close(c->fd);
    c->fd = -1;
    c->retry_at = c->request >= 0 ? now() + RECONNECT_SECONDS : 0;
    if (c->request >= 0) lost++;
    c->request = -1;
}
static void read_body(const char *name) {
    FILE *file = fopen(name, "r");
    if (!file) { perror(name); exit(1); }
    char *body = or_die(calloc(1, BODY_OCTETS));
    size_t length = fread(body, 1, BODY_OCTETS - 1, file);
    fclose(file);
    if (!length || body_count == MAX_BODIES) { fprintf(stderr, "http_flood: %s is empty or one too many\n", name); exit(1); }
    bodies[body_count++] = body;
    size_t needed = 65536 + 2 * length; /* a number may be longer than its mark */
    if (needed > out_capacity) out_capacity = needed;
}
static void read_lines(const char *name) {
    FILE *file = fopen(name, "r");
    if (!file) { perror(name); exit(1); }
    char *line = NULL;
    size_t room = 0;
    for (ssize_t octets; (octets = getline(&line, &room, file)) > 0;) {
        if (octets > 8192) { fprintf(stderr, "http_flood: a line of %s is longer than 8192\n", name); exit(1); }
        line[strcspn(line, "\r\n")] = 0;
        if (!(line_count & (line_count - 1)))
            lines = or_die(realloc(lines, (line_count ? 2 * line_count : 1) * sizeof *lines));
        lines[line_count++] = or_die(strdup(line));
    }
    free(line);
    fclose(file);
    if (!line_count) { fprintf(stderr, "http_flood: %s is empty\n", name); exit(1); }
}
static void read_options(int argc, char **argv) {
    static struct option options[] = {
        { "port", 1, 0, 'p' }, { "requests", 1, 0, 'n' }, { "connections", 1, 0, 'c' }, { "path", 1, 0, 'u' },
        { "post", 1, 0, 'b' }, { "first", 1, 0, 's' }, { "digits", 1, 0, 'd' }, { "header", 1, 0, 'H' },
        { "give-up-seconds", 1, 0, 'g' }, { "lines", 1, 0, 'l' }, { 0, 0, 0, 0 },
    };
    for (int found; (found = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (found) {
        case 'p': port = atoi(optarg); break;
        case 'n': request_count = atol(optarg); break;
        case 'c': connection_count = atoi(optarg); break;
        case 'u': path = optarg; break;
        case 'b': read_body(optarg); break;
        case 's': first_request = atol(optarg); break;
        case 'd': digits = atoi(optarg); break;
        case 'g': give_up_seconds = atof(optarg); break;
        case 'l': read_lines(optarg); break;
        case 'H': if (asprintf(&header, "%s%s\r\n", header, optarg) < 0) exit(1); break;
        default:
            fprintf(stderr, "usage: http_flood [--port N] [--requests N] [--connections N] [--path PATH] [--post FILE]...\n"
                            "       [--first N] [--digits N] [--header LINE]... [--give-up-seconds N] [--lines FILE]\n");
            exit(2);
    }
    if (connection_count < 1 || connection_count > MAX_CONNECTIONS) { fprintf(stderr, "http_flood: 1 to %d connections\n", MAX_CONNECTIONS); exit(2); }
}
int main(int argc, char **argv) {
    read_options(argc, argv);
    latencies = or_die(calloc(request_count + 1, sizeof *latencies));
    for (int i = 0; i < connection_count; i++)
        connections[i] = (connection_t){ .fd = -1, .request = -1, .in = or_die(malloc(ANSWER_OCTETS)), .out = or_die(malloc(out_capacity)) };
    double started = last_answer = now();
    while (accepted + refused + lost < request_count) {
        double at = now();
        if (at - last_answer > give_up_seconds) { fprintf(stderr, "http_flood: nothing answered for %.0f s\n", give_up_seconds); break; }
        for (int i = 0; i < connection_count; i++) {
            connection_t *c = &connections[i];
            if (c->fd < 0 && at >= c->retry_at && sent < request_count) connect_to_server(c, at);
            if (c->fd >= 0 && c->request < 0 && sent < request_count) prepare_request(c, at);
            if (c->fd >= 0 && c->request >= 0) write_request(c);
            polled[i] = (struct pollfd){ .fd = c->fd, .events = POLLIN | (c->out_done < c->out_octets ? POLLOUT : 0) };
        }
        poll(polled, connection_count, 100);
        for (int i = 0; i < connection_count; i++)
            if (connections[i].fd >= 0 && polled[i].revents & (POLLIN | POLLHUP | POLLERR)) read_answer(&connections[i]);
    }
    double seconds = last_answer - started;
    long answered = accepted + refused;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    qsort(latencies, answered, sizeof *latencies, compare);
    printf("{\"requests\": %ld, \"accepted\": %ld, \"refused\": %ld, \"lost\": %ld, \"connects\": %ld, \"seconds\": %.6f, "
           "\"rate_per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, \"cpu_seconds\": %.3f}\n",
           sent, accepted, refused, lost, connects, seconds, seconds > 0 ? accepted / seconds : 0.0,
           answered ? latencies[answered / 2] * 1e3 : 0.0, answered ? latencies[answered * 99 / 100] * 1e3 : 0.0,
           answered ? latencies[answered - 1] * 1e3 : 0.0,
           usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    return 0;
}
