/*
 * peer_address.c
 *		Which hosts and addresses a provider may be at.
 *
 * Pure and without a look at any name service: the validator of CREATE SERVER
 * asks it of what was written, the courier of what it is about to connect to.
 */
#include "base/shared/peer_address.h"

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

/*
 * Where the clouds tell a machine's credentials to whoever asks from it.  None of
 * them is ever a relay or a gateway.  Sources: AWS "Instance metadata", "Task
 * metadata endpoint" and "EKS Pod Identity" (169.254.169.254, 169.254.170.2 and
 * .23, fd00:ec2::254 and ::23), which Azure, Google, Oracle, OpenStack and others
 * share; Alibaba Cloud (100.100.100.200), Azure's wire server (168.63.129.16),
 * Tencent Cloud (169.254.0.23), Oracle Classic (192.0.0.192), Scaleway
 * (169.254.42.42, fd00:42::42), Google over IPv6 (fd20:ce::254).
 */
static bool
is_metadata4(uint32_t address)
{
	static const uint32_t known[] = {0xA9FEA9FE, 0xA9FEAA02, 0xA9FEAA17,
									 0x646464C8, 0xA83F8110, 0xA9FE0017,
									 0xC00000C0, 0xA9FE2A2A};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (address == known[i])
			return true;
	return false;
}

/* The IPv4 address inside: mapped, compatible, NAT64 or 6to4. */
static bool
unwrap4(const uint8_t *a, uint32_t *inside)
{
	static const uint8_t zeros[12];
	static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	static const uint8_t nat64[12] = {0, 0x64, 0xFF, 0x9B};

	*inside = read4(a + 12);
	if (memcmp(a, zeros, 12) == 0 || memcmp(a, mapped, 12) == 0 ||
		memcmp(a, nat64, 12) == 0)
		return true;
	*inside = read4(a + 2);
	return a[0] == 0x20 && a[1] == 0x02;
}

static bool
is_metadata6(const uint8_t *a)
{
	static const uint8_t known[][16] = {
		{0xFD, 0, 0x0E, 0xC2, [14] = 0x02, [15] = 0x54},
		{0xFD, 0, 0x0E, 0xC2, [14] = 0x00, [15] = 0x23},
		{0xFD, 0x20, 0x00, 0xCE, [14] = 0x02, [15] = 0x54},
		{0xFD, 0, 0x00, 0x42, [14] = 0x00, [15] = 0x42}};
	uint32_t inside;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (memcmp(a, known[i], sizeof(known[i])) == 0)
			return true;
	/* NAT64 of local use carries it at the end as well (RFC 8215, /96). */
	if (memcmp(a, "\0\x64\xFF\x9B\0\1", 6) == 0)
		return is_metadata4(read4(a + 12));
	return unwrap4(a, &inside) && is_metadata4(inside);
}

bool
ga_peer_is_metadata(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
	{
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		return is_metadata4(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6)
	{
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		return is_metadata6(in6.sin6_addr.s6_addr);
	}
	return false;
}

/* "localhost" and the names below it (RFC 6761 6.3). */
static bool
is_localhost(const char *host)
{
	size_t length = strlen(host);

	return strcasecmp(host, "localhost") == 0 ||
		   (length > 10 && strcasecmp(host + length - 10, ".localhost") == 0);
}

static bool
set_peer(struct sockaddr_storage *address, int family, const void *bytes)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	memset(address, 0, sizeof(*address));
	if (family == AF_INET)
	{
		memcpy(&in.sin_addr, bytes, sizeof(in.sin_addr));
		memcpy(address, &in, sizeof(in));
	}
	else
	{
		memcpy(&in6.sin6_addr, bytes, sizeof(in6.sin6_addr));
		memcpy(address, &in6, sizeof(in6));
	}
	return true;
}

bool
ga_peer_read(const char *host, size_t length, struct sockaddr_storage *address)
{
	char text[256];
	struct in_addr v4;
	struct in6_addr v6;

	if (length >= 2 && host[0] == '[' && host[length - 1] == ']')
		host++, length -= 2;
	while (length > 0 && host[length - 1] == '.')
		length--;
	if (length == 0 || length >= sizeof(text))
		return false;
	memcpy(text, host, length);
	text[length] = '\0';
	if (is_localhost(text))
	{
		v4.s_addr = htonl(INADDR_LOOPBACK);
		return set_peer(address, AF_INET, &v4);
	}
	/* It takes what the resolver takes: fewer parts, octal, hexadecimal. */
	if (strspn(text, "0123456789abcdefABCDEFxX.") == length &&
		inet_aton(text, &v4) != 0)
		return set_peer(address, AF_INET, &v4);
	/* A zone tells by which interface, not which address. */
	text[strcspn(text, "%")] = '\0';
	return inet_pton(AF_INET6, text, &v6) == 1 &&
		   set_peer(address, AF_INET6, &v6);
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
