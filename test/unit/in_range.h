/*
 * in_range.h
 *		assert_uint_in_range() for cmocka before 2.0, where it is called
 *		assert_in_range(); 2.0 deprecates that name. To be included after cmocka.h.
 */
#ifndef GA_TEST_IN_RANGE_H
#define GA_TEST_IN_RANGE_H

#ifndef assert_uint_in_range
#define assert_uint_in_range(value, minimum, maximum)                          \
	assert_in_range(value, minimum, maximum)
#endif

#endif
