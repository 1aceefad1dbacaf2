/*
 * token_issuer.h
 *		Whose tokens are believed: the list group_api.token_issuers.
 */
#ifndef GA_BASE_TOKEN_ISSUER_H
#define GA_BASE_TOKEN_ISSUER_H

/* Issuers in a list of the setting's form: separated by commas. */
extern bool ga_issuers_any(const char *list);
/* The issuer's place in the list, the first is 0; -1: it is not in it. */
extern int ga_issuer_place(const char *list, const char *issuer);

#endif /* GA_BASE_TOKEN_ISSUER_H */
