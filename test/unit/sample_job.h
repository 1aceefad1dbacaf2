/*
 * sample_job.h
 *		A message with signs that a template has to escape, for tests without a server.
 */
#ifndef GA_TEST_SAMPLE_JOB_H
#define GA_TEST_SAMPLE_JOB_H

#include "courier/job.h"

static const GaCourierJob sample_job = {.to = "+27701231234",
										.to_name = "",
										.subject = "A \"b\" & c",
										.text = "x=\xC3\xA9\n\\",
										.html = "",
										.message_key = "inv-1",
										.reply_to = "",
										.unsubscribe_url = "",
										.callback_url = "",
										.locale = "en",
										.poll = "",
										.expires_in_s = 86400};

#endif /* GA_TEST_SAMPLE_JOB_H */
