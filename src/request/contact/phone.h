/*
 * phone.h
 *		Mobile numbers in international form.
 *
 * The C face of libphonenumber.  No PostgreSQL header on either side: nothing
 * here throws, neither a C++ exception nor an ereport crosses this line.
 */
#ifndef GA_REQUEST_CONTACT_PHONE_H
#define GA_REQUEST_CONTACT_PHONE_H

#include <stddef.h>

#ifdef __cplusplus
#define GA_PHONE_NOEXCEPT noexcept
extern "C"
{
#else
#define GA_PHONE_NOEXCEPT
#endif

/* ITU-T E.164: "+" and 15 digits; libphonenumber knows numbers of 17 */
#define GA_PHONE_E164_SIZE 24

	typedef enum GaPhoneFault
	{
		GA_PHONE_OK = 0,
		GA_PHONE_NO_PLUS,	  /* national form: no country code */
		GA_PHONE_DOUBLE_ZERO, /* 00 instead of + */
		GA_PHONE_NOT_A_NUMBER,
		GA_PHONE_EXTENSION,	   /* letters or an extension in it */
		GA_PHONE_COUNTRY_CODE, /* no country has this code */
		GA_PHONE_TOO_SHORT,
		GA_PHONE_TOO_LONG,
		GA_PHONE_LENGTH,		  /* between two possible lengths */
		GA_PHONE_LOCAL_ONLY,	  /* the area code is missing */
		GA_PHONE_NOT_SMS_CAPABLE, /* see the kind */
		GA_PHONE_FAILED			  /* out of memory */
	} GaPhoneFault;

	/*
 * Loads the tables; call once, before any fork that should inherit them.  Starts
 * no thread, opens no file.  Harmless when called again.
 */
	extern void ga_phone_init(void) GA_PHONE_NOEXCEPT;

	/*
 * Reads `text` and writes its E.164 form to `e164` (GA_PHONE_E164_SIZE bytes).
 * After GA_PHONE_NOT_SMS_CAPABLE `*kind` is what it is, in words ("a
 * landline"); a constant.  Any number of possible length passes unless its
 * range is known to be of a kind that gets no SMS: new mobile ranges are in use
 * before they are in any table.
 */
	extern GaPhoneFault ga_phone_normalize(const char *text, size_t length,
										   char *e164,
										   const char **kind) GA_PHONE_NOEXCEPT;

	/*
 * The same for a country code that is known and 7 to 15 digits, whatever the tables
 * say of its length and kind: where they are old, the provider knows better.
 */
	extern GaPhoneFault
	ga_phone_normalize_unchecked(const char *text, size_t length,
								 char *e164) GA_PHONE_NOEXCEPT;
	/* The month of the tables: of the library's file, or of what is newer here. */
	extern void ga_phone_tables_date(int *year, int *month) GA_PHONE_NOEXCEPT;

	/* The same as ga_phone_normalize() without the quick table, for tests to compare the two. */
	extern GaPhoneFault
	ga_phone_normalize_slowly(const char *text, size_t length, char *e164,
							  const char **kind) GA_PHONE_NOEXCEPT;

	/*
 * Whether a number in E.164 form is of one of these countries: codes of ISO 3166
 * ("ZA") and calling codes ("+27"), separated by commas or spaces.  Satellite and
 * other numbers of no country are named by their calling code alone.  When in doubt
 * (no memory), no.
 */
	extern int ga_phone_is_of(const char *e164,
							  const char *countries) GA_PHONE_NOEXCEPT;
	/* Whether such a list is well formed; else `wrong` (GA_PHONE_CODE_SIZE bytes) is
 * the first code that is none. */
#define GA_PHONE_CODE_SIZE 16
	extern int ga_phone_countries_are_known(const char *countries,
											char *wrong) GA_PHONE_NOEXCEPT;

	/* completes "is no mobile number: ..." */
	extern const char *
	ga_phone_fault_text(GaPhoneFault fault) GA_PHONE_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* GA_REQUEST_CONTACT_PHONE_H */
