/*
 * peer_address.h
 *		Which hosts and addresses a provider may be at.
 *
 * What a name resolves to is somebody else's choice, and what an operator
 * writes is read by the server's machine: a private address is asked only when
 * allow_private says so, or a superuser wrote the address itself.
 *
 * Pure C: no PostgreSQL header.
 */
#ifndef GA_BASE_SHARED_PEER_ADDRESS_H
#define GA_BASE_SHARED_PEER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* An IP address as in a URL ("127.0.0.1", "[::1]") or "localhost". */
extern bool ga_peer_is_literal(const char *host);
/* A literal, as above, of this machine. */
extern bool ga_peer_is_loopback(const char *host);
/*
 * Loopback, private, link-local, shared (CGNAT), unique local, multicast,
 * unspecified, reserved; also wrapped into IPv6 (mapped, NAT64, 6to4).  An
 * address family that is neither IPv4 nor IPv6 counts as private.
 */
extern bool ga_peer_is_private(const struct sockaddr *address);
/* A cloud's metadata service, which nothing makes a provider; wrapped too. */
extern bool ga_peer_is_metadata(const struct sockaddr *address);

/*
 * The address that a resolver would make of these characters without asking
 * anybody: every numeric form (2130706433, 0x7f.1, [::1%lo], 127.1.) and
 * localhost.  false: a name.
 */
extern bool ga_peer_read(const char *host, size_t length,
						 struct sockaddr_storage *address);

#endif /* GA_BASE_SHARED_PEER_ADDRESS_H */
