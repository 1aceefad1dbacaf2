/*
 * peer.c
 *		Which hosts and addresses a provider may be at.
 */
#include "courier/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

typedef struct Block4
{
	uint32_t network;
	int bits;
} Block4;

/* IANA IPv4 Special-Purpose Address Registry (RFC 6890). */
static const Block4 private4[] = {
	{0x00000000, 8},  /* this network */
	{0x0A000000, 8},  /* private */
	{0x64400000, 10}, /* shared: carrier-grade NAT */
	{0x7F000000, 8},  /* loopback */
	{0xA9FE0000, 16}, /* link-local: cloud metadata */
	{0xAC100000, 12}, /* private */
	{0xC0000000, 24}, /* protocol assignments */
	{0xC0A80000, 16}, /* private */
	{0xC6120000, 15}, /* benchmarks */
	{0xE0000000, 4},  /* multicast */
	{0xF0000000, 4},  /* reserved, broadcast */
};

static bool
is_private4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(private4) / sizeof(private4[0]); i++)
		if ((address ^ private4[i].network) >> (32 - private4[i].bits) == 0)
			return true;
	return false;
}

static uint32_t
read4(const uint8_t *bytes)
{
	return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 |
		   (uint32_t) bytes[2] << 8 | bytes[3];
}

/* IANA IPv6 Special-Purpose Address Registry. */
static bool
is_private6(const uint8_t *a)
{
	static const uint8_t zeros[16];
	static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	static const uint8_t nat64[12] = {0, 0x64, 0xFF, 0x9B};

	/* ::, ::1, mapped and the obsolete compatible form */
	if (memcmp(a, zeros, 12) == 0 || memcmp(a, mapped, 12) == 0)
		return true;
	if (memcmp(a, nat64, 12) == 0)
		return is_private4(read4(a + 12));
	if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 */
		return is_private4(read4(a + 2));
	/* NAT64 of local use, Teredo */
	if (memcmp(a, "\0\x64\xFF\x9B\0\1", 6) == 0 ||
		memcmp(a, "\x20\1\0\0", 4) == 0)
		return true;
	/* unique local, link-local and site-local, multicast */
	return (a[0] & 0xFE) == 0xFC || (a[0] == 0xFE && (a[1] & 0x80)) ||
		   a[0] == 0xFF;
}

bool
ga_peer_is_private(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
	{
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		return is_private4(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6)
	{
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		return is_private6(in6.sin6_addr.s6_addr);
	}
	return true;
}

/* Parses a literal; "localhost" is no address and answers false. */
static bool
parse_literal(const char *host, struct in_addr *v4, struct in6_addr *v6,
			  int *family)
{
	char inside[INET6_ADDRSTRLEN];
	size_t length = strlen(host);

	*family = AF_INET;
	if (inet_pton(AF_INET, host, v4) == 1)
		return true;
	*family = AF_INET6;
	if (length < 4 || host[0] != '[' || host[length - 1] != ']' ||
		length - 2 >= sizeof(inside))
		return inet_pton(AF_INET6, host, v6) == 1;
	memcpy(inside, host + 1, length - 2);
	inside[length - 2] = '\0';
	return inet_pton(AF_INET6, inside, v6) == 1;
}

bool
ga_peer_is_literal(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	int family;

	return strcasecmp(host, "localhost") == 0 ||
		   parse_literal(host, &v4, &v6, &family);
}

bool
ga_peer_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	int family;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (!parse_literal(host, &v4, &v6, &family))
		return false;
	if (family == AF_INET)
		return ntohl(v4.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&v6);
}
