/*
 * peer.h
 *		Which hosts and addresses a provider may be at.
 *
 * A name is looked up by somebody's DNS, so what it resolves to is checked; an
 * address or "localhost" was written by the operator and is meant.
 */
#ifndef GA_COURIER_PEER_H
#define GA_COURIER_PEER_H

#include <stdbool.h>
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

#endif /* GA_COURIER_PEER_H */
