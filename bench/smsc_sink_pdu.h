/* smsc_sink_pdu.h - as much of the PDUs of SMPP 3.4 as the sink reads and writes: numbers and strings of octets. */
#ifndef SMSC_SINK_PDU_H
#define SMSC_SINK_PDU_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_PDU_OCTETS 65536
enum {
    BIND_RECEIVER = 0x01, BIND_TRANSMITTER = 0x02, SUBMIT_SM = 0x04, DELIVER_SM = 0x05, UNBIND = 0x06,
    BIND_TRANSCEIVER = 0x09, ENQUIRE_LINK = 0x15,
};
#define RESPONSE 0x80000000u
#define GENERIC_NACK 0x80000000u
#define ESME_RINVCMDLEN 0x02
#define ESME_RINVCMDID 0x03
#define ESME_RINVBNDSTS 0x04

typedef struct { char source[21], destination[21]; uint8_t source_ton, source_npi, destination_ton, destination_npi; } addresses_t;

static inline uint32_t get32(const uint8_t *at) { uint32_t value; memcpy(&value, at, 4); return ntohl(value); }
static inline uint8_t *put32(uint8_t *at, uint32_t value) { value = htonl(value); memcpy(at, &value, 4); return at + 4; }
static inline uint8_t *put_text(uint8_t *at, const char *text) { while (*text) *at++ = *text++; return at; }
static inline uint8_t *put_address(uint8_t *at, uint8_t ton, uint8_t npi, const char *address) {
    *at++ = ton; *at++ = npi; at = put_text(at, address); *at++ = 0;
    return at;
}
/* Where the string at `at` ends; `into` gets as much of it as fits, or is NULL. */
static inline const uint8_t *get_text(const uint8_t *at, const uint8_t *end, char *into, size_t size) {
    size_t length = 0;
    for (; at < end && *at; at++)
        if (into && length + 1 < size) into[length++] = *at;
    if (into) into[length] = 0;
    return at < end ? at + 1 : end;
}
/* Reads the body of a submit_sm; gives the receipt that it asks for (registered_delivery, bits 0 and 1), or -1. */
static inline int parse_submit(const uint8_t *at, const uint8_t *end, addresses_t *addresses, const uint8_t **message,
                               int *length) {
    at = get_text(at, end, NULL, 0);
    if (end - at < 4) return -1;
    addresses->source_ton = *at++; addresses->source_npi = *at++;
    at = get_text(at, end, addresses->source, sizeof addresses->source);
    if (end - at < 3) return -1;
    addresses->destination_ton = *at++; addresses->destination_npi = *at++;
    at = get_text(at, end, addresses->destination, sizeof addresses->destination);
    if (end - at < 5) return -1;
    at += 3;
    at = get_text(at, end, NULL, 0);
    at = get_text(at, end, NULL, 0);
    if (end - at < 5) return -1;
    int registered_delivery = at[0] & 3;
    *length = at[4];
    *message = at + 5;
    if (*length > end - *message) *length = end - *message;
    return registered_delivery;
}

#endif
