/*
 * connection.c
 *		One connection to a provider.
 *
 * Two rules of libcurl shape this file.  A request on a reused connection that dies
 * is silently sent again: so it is looked at before each request leaves, and refused
 * if one has left before.  And after an error a connection may still deliver a late
 * reply to the wrong message: so the handle is thrown away with its connection, which
 * is shut down first because libcurl would wait for the answer to its QUIT.
 *
 * Handles that are run together would share their connections; each has a cache of
 * its own (a CURLSH), so that what is known of a connection stands beside it.
 */
#include "courier/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/shared/peer_address.h"
#include "courier/smtp/reply.h"
#include "courier/descriptors.h"

/* Puts one in the place of another, 0 for none; what is standard input is no socket. */
static void
note_socket(GaConnection *connection, int old, int new)
{
	for (int i = 0; i < GA_CONNECTION_SOCKETS; i++)
		if (connection->fds[i] == old)
		{
			connection->fds[i] = new;
			return;
		}
}

static void
shut_down(const GaConnection *connection, int how)
{
	for (int i = 0; i < GA_CONNECTION_SOCKETS; i++)
		if (connection->fds[i] > 0)
			shutdown(connection->fds[i], how);
}

/* Refuses to connect where a name must not lead. */
static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	GaConnection *connection = context;
	const GaCourierProvider *provider = connection->provider;
	bool is_meant = provider->allow_private ||
					(provider->host_is_literal && provider->literal_is_meant);
	int fd;

	(void) purpose;
	if (!ga_connection_may_send(connection))
		return CURL_SOCKET_BAD;
	connection->refused_metadata = ga_peer_is_metadata(&address->addr);
	if (connection->refused_metadata ||
		(!is_meant && ga_peer_is_private(&address->addr)))
	{
		if (getnameinfo(
				&address->addr, address->addrlen, connection->refused_peer,
				sizeof(connection->refused_peer), NULL, 0, NI_NUMERICHOST) != 0)
			snprintf(connection->refused_peer, sizeof(connection->refused_peer),
					 "?");
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
				address->protocol);
	if (fd < 0)
	{
		connection->no_descriptors |= ga_descriptors_note_errno();
		return CURL_SOCKET_BAD;
	}
	connection->sockets++;
	note_socket(connection, 0, fd);
	if (connection->transfers)
		ga_transfers_note_opened(connection->transfers, fd);
	return fd;
}

static int
close_socket(void *context, curl_socket_t fd)
{
	GaConnection *connection = context;

	note_socket(connection, fd, 0);
	if (connection->transfers)
		ga_transfers_note_closed(connection->transfers, fd);
	return close(fd);
}

static void
prepare_handle(GaConnection *connection, CURL *curl)
{
	const GaCourierProvider *provider = connection->provider;
	const char *ca_file = ga_provider_option(provider, "ca_file");

	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (ca_file)
	{
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, provider->connect_timeout);
	curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, (long) GA_CONNECTION_IDLE_S);
	curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 1L);
	curl_easy_setopt(curl, CURLOPT_DNS_CACHE_TIMEOUT, 300L);
	/* A lookup that hangs is left behind, not waited for. */
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, connection->error);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, connection);
	curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, connection);
	curl_easy_setopt(curl, CURLOPT_SHARE, connection->share);
	connection->prepare(curl, connection->context);
}

CURL *
ga_connection_handle(GaConnection *connection)
{
	if (connection->curl)
		return connection->curl;
	connection->share = curl_share_init();
	if (connection->share == NULL)
		return NULL;
	curl_share_setopt(connection->share, CURLSHOPT_SHARE,
					  CURL_LOCK_DATA_CONNECT);
	connection->curl = curl_easy_init();
	if (connection->curl)
		prepare_handle(connection, connection->curl);
	else
		ga_connection_close(connection);
	return connection->curl;
}

/* How many sockets are open; -1: the peer has closed one of them. */
static int
count_open(const GaConnection *connection)
{
	int count = 0;

	for (int i = 0; i < GA_CONNECTION_SOCKETS; i++)
	{
		struct pollfd wait = {connection->fds[i], POLLRDHUP, 0};

		if (wait.fd > 0 && poll(&wait, 1, 0) > 0)
			return -1;
		count += wait.fd > 0;
	}
	return count;
}

void
ga_connection_drop_closed(GaConnection *connection)
{
	if (count_open(connection) < 0)
		ga_connection_abandon(connection);
}

bool
ga_connection_is_open(const GaConnection *connection)
{
	GaMonotonic idle_us = ga_monotonic_now() - connection->used_at;

	return connection->warm && idle_us <= GA_CONNECTION_IDLE_S * 1000000L &&
		   count_open(connection) > 0;
}

void
ga_connection_begin(GaConnection *connection)
{
	connection->refused_again = false;
	connection->sockets = 0;
	connection->no_descriptors = false;
	connection->refused_peer[0] = '\0';
	connection->refused_metadata = false;
	connection->error[0] = '\0';
}

void
ga_connection_end(GaConnection *connection, CURLcode result)
{
	connection->warm = connection->warm || result == CURLE_OK;
	connection->used_at = ga_monotonic_now();
}

bool
ga_connection_has_sent(const GaConnection *connection)
{
	long sent = 0;

	if (connection->curl)
		curl_easy_getinfo(connection->curl, CURLINFO_REQUEST_SIZE, &sent);
	return sent > 0;
}

bool
ga_connection_may_send(GaConnection *connection)
{
	if (connection->sends_once && ga_connection_has_sent(connection))
		connection->refused_again = true;
	return !connection->refused_again;
}

bool
ga_connection_was_stale(const GaConnection *connection, CURLcode result)
{
	long connects = 1;

	if (!connection->warm || connection->sockets > 0 ||
		connection->refused_peer[0])
		return false;
	if (result != CURLE_SEND_ERROR && result != CURLE_RECV_ERROR &&
		result != CURLE_GOT_NOTHING && result != CURLE_WEIRD_SERVER_REPLY)
		return false;
	curl_easy_getinfo(connection->curl, CURLINFO_NUM_CONNECTS, &connects);
	return connects == 0;
}

void
ga_connection_stop_listening(const GaConnection *connection)
{
	shut_down(connection, SHUT_RD);
}

void
ga_connection_abandon(GaConnection *connection)
{
	shut_down(connection, SHUT_RDWR);
	ga_connection_close(connection);
}

void
ga_connection_close(GaConnection *connection)
{
	ga_connection_stop_listening(connection);
	curl_easy_cleanup(connection->curl);
	curl_share_cleanup(connection->share);
	connection->curl = NULL;
	connection->share = NULL;
	connection->warm = false;
}

/* libcurl's words for an end of file are about its own reading. */
static const char *
words_of(const GaConnection *connection, CURLcode result)
{
	if (strncmp(connection->error, "response reading failed", 23) == 0 ||
		(connection->error[0] == '\0' && result == CURLE_GOT_NOTHING))
		return "the server closed the connection without an answer";
	return connection->error[0] ? connection->error
								: curl_easy_strerror(result);
}

static void
explain_refusal(const GaConnection *connection, GaOutcome *outcome)
{
	const char *how = connection->provider->host_is_literal
						  ? "is"
						  : "has a name that resolves to";

	if (connection->refused_metadata)
		ga_outcome_setf(outcome, GA_OUTCOME_MISCONFIGURED, "metadata address",
						"the host %s %s, where a cloud tells the machine's "
						"credentials; no provider is there",
						how, connection->refused_peer);
	else
		ga_outcome_setf(outcome, GA_OUTCOME_MISCONFIGURED, "private address",
						"the host %s the private address %s; if that is meant, "
						"set option allow_private to true",
						how, connection->refused_peer);
}

/*
 * Whether the transfer failed since the courier has too few file descriptors.  A
 * library that cannot open a file of certificates, or ask for a name, gives another
 * reason.
 */
static bool
lacked_descriptors(const GaConnection *connection, CURLcode result)
{
	if (connection->no_descriptors)
		return true;
	switch (result)
	{
		case CURLE_COULDNT_CONNECT:
			return connection->sockets == 0 && ga_descriptors_ran_out();
		case CURLE_FAILED_INIT:
		case CURLE_OUT_OF_MEMORY:
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_READ_ERROR:
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CRL_BADFILE:
		case CURLE_PEER_FAILED_VERIFICATION:
			return ga_descriptors_ran_out();
		default:
			return false;
	}
}

void
ga_connection_explain(const GaConnection *connection, CURLcode result,
					  bool handed_over, GaOutcome *outcome)
{
	char code[32];
	char detail[GA_OUTCOME_DETAIL_SIZE];
	long os_errno = 0;

	if (connection->curl)
		curl_easy_getinfo(connection->curl, CURLINFO_OS_ERRNO, &os_errno);
	if (connection->refused_peer[0] && connection->sockets == 0)
	{
		explain_refusal(connection, outcome);
		return;
	}
	if (!handed_over && lacked_descriptors(connection, result))
	{
		ga_outcome_set(outcome,
					   (GaVerdict){GA_OUTCOME_RETRY, GA_OUTCOME_NO_TRY, -1},
					   "courier", "the courier has too few file descriptors");
		return;
	}
	snprintf(code, sizeof(code), "curl %d", (int) result);
	snprintf(detail, sizeof(detail), "%s", words_of(connection, result));
	ga_outcome_set(outcome, ga_reply_judge_curl(result, os_errno, handed_over),
				   code, detail);
}
