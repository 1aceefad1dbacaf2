/*
 * phone_table.cpp
 *		libphonenumber's own patterns, compiled to automata over digits.
 *
 * The library takes 20 to 30 microseconds a number, most of it in regular
 * expressions, and a request may name ten thousand people.  Its metadata is
 * public in form (phonemetadata.proto) and compiled into the library; here the
 * same patterns are run by a DFA that is built as numbers come: well under a
 * microsecond each, and never wrong, because it only says yes where every rule
 * of the library that could change or refuse the number is known not to apply:
 *
 *	 - the national prefix of the country does not match at the number's start
 *	   (the library would perhaps strip it);
 *	 - the length is possible for the country;
 *	 - no region of the calling code counts it as toll free, premium rate,
 *	   shared cost, VoIP, pager, UAN or voicemail, nor as a landline only.
 *
 * A pattern this parser does not know switches its calling code off, and a
 * library without the metadata symbols switches off the whole table.  Memory is
 * bounded by MAX_STATES for each calling code in use.  Not for threads.
 */
#include "request/contact/phone_table.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <phonenumbers/phonemetadata.pb.h>

namespace i18n
{
namespace phonenumbers
{
/* Exported by the library though in none of its headers, hence weak. */
extern int metadata_size() __attribute__((weak));
extern const void *metadata_get() __attribute__((weak));
} // namespace phonenumbers
} // namespace i18n

namespace ga
{
namespace
{

using i18n::phonenumbers::PhoneMetadata;
using i18n::phonenumbers::PhoneMetadataCollection;
using i18n::phonenumbers::PhoneNumberDesc;

/* What a pattern that matched means; the regions' pairs share one word. */
constexpr uint64_t TAG_REFUSED = 1;
constexpr uint64_t TAG_PREFIX = 2;
constexpr int MAX_REGIONS = 31;

constexpr size_t MAX_STATES = 20000;
constexpr int MAX_CALLING_CODE = 999;
constexpr int MAX_REPEAT = 20;

uint64_t
fixed_tag(int region)
{
	return uint64_t{1} << (2 + region);
}

uint64_t
mobile_tag(int region)
{
	return uint64_t{1} << (2 + MAX_REGIONS + region);
}

bool
is_refused(uint64_t tags)
{
	constexpr uint64_t regions = (uint64_t{1} << MAX_REGIONS) - 1;
	uint64_t fixed = tags >> 2 & regions;
	uint64_t mobile = tags >> (2 + MAX_REGIONS) & regions;

	return (tags & TAG_REFUSED) != 0 || (fixed & ~mobile) != 0;
}

struct NfaState
{
	uint16_t digits = 0; /* which ones lead to `next` */
	int next = -1;
	int epsilon[2] = {-1, -1};
	uint64_t tags = 0;
};

/* A piece of pattern: one way in, one way out. */
struct Fragment
{
	int in;
	int out;
};

class Nfa
{
  public:
	std::vector<NfaState> states;

	int
	add()
	{
		states.emplace_back();
		return static_cast<int>(states.size()) - 1;
	}

	void
	link(int from, int to)
	{
		int *slot = states[from].epsilon;

		if (slot[0] >= 0 && slot[1] >= 0)
		{
			int relay = add();

			/* add() may have moved the states */
			states[relay].epsilon[0] = states[from].epsilon[1];
			states[relay].epsilon[1] = to;
			states[from].epsilon[1] = relay;
			return;
		}
		slot[slot[0] >= 0 ? 1 : 0] = to;
	}
};

/*
 * The regular expressions of the metadata: digits, \d, classes, groups,
 * alternatives, and ? {n} {n,m}.  Anything else throws.
 */
class PatternParser
{
  public:
	PatternParser(Nfa &nfa, const std::string &pattern)
		: nfa_(nfa), text_(pattern)
	{
	}

	Fragment
	parse()
	{
		Fragment whole = alternatives();

		if (at_ != text_.size())
			unknown();
		return whole;
	}

  private:
	Nfa &nfa_;
	const std::string &text_;
	size_t at_ = 0;

	[[noreturn]] static void
	unknown()
	{
		throw std::invalid_argument("pattern");
	}

	bool
	take(char c)
	{
		if (at_ >= text_.size() || text_[at_] != c)
			return false;
		at_++;
		return true;
	}

	char
	next()
	{
		if (at_ >= text_.size())
			unknown();
		return text_[at_++];
	}

	Fragment
	alternatives()
	{
		Fragment all = {nfa_.add(), nfa_.add()};

		do
		{
			Fragment one = sequence();

			nfa_.link(all.in, one.in);
			nfa_.link(one.out, all.out);
		} while (take('|'));
		return all;
	}

	Fragment
	sequence()
	{
		int in = nfa_.add();
		Fragment all = {in, in};

		while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')')
		{
			Fragment piece = repeated();

			nfa_.link(all.out, piece.in);
			all.out = piece.out;
		}
		return all;
	}

	/* Parses the atom again for each repetition: no copying of states. */
	Fragment
	repeated()
	{
		size_t from = at_;
		Fragment all = atom();
		size_t quantifier = at_;
		int least = 1;
		int most = 1;

		read_quantifier(&least, &most);
		size_t after = at_;

		if (quantifier == after)
			return all;
		if (most < 1 || most < least || most > MAX_REPEAT)
			unknown();
		int in = nfa_.add();
		int out = nfa_.add();

		nfa_.link(in, all.in);
		if (least == 0)
			nfa_.link(in, out);
		for (int i = 2; i <= most; i++)
		{
			at_ = from;
			Fragment again = atom();

			if (i > least)
				nfa_.link(all.out, out);
			nfa_.link(all.out, again.in);
			all.out = again.out;
		}
		nfa_.link(all.out, out);
		at_ = after;
		return {in, out};
	}

	void
	read_quantifier(int *least, int *most)
	{
		if (take('?'))
			*least = 0;
		else if (take('{'))
		{
			*least = *most = number();
			if (take(','))
				*most = number();
			if (!take('}'))
				unknown();
		}
		if (at_ < text_.size() && strchr("?*+{", text_[at_]) != nullptr)
			unknown();
	}

	int
	number()
	{
		int value = 0;
		size_t from = at_;

		while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' &&
			   at_ - from < 3)
			value = value * 10 + (text_[at_++] - '0');
		if (at_ == from)
			unknown();
		return value;
	}

	Fragment
	atom()
	{
		char c = next();

		if (c == '(')
		{
			if (take('?') && !take(':'))
				unknown();
			Fragment group = alternatives();

			if (!take(')'))
				unknown();
			return group;
		}
		if (c == '[')
			return digits(read_class());
		if (c == '\\' && next() == 'd')
			return digits(0x3FF);
		return digits(bit(c));
	}

	static uint16_t
	bit(char c)
	{
		if (c < '0' || c > '9')
			unknown();
		return static_cast<uint16_t>(1 << (c - '0'));
	}

	uint16_t
	read_class()
	{
		uint16_t set = 0;

		while (!take(']'))
		{
			char first = next();
			char last = take('-') ? next() : first;

			bit(first);
			bit(last);
			for (char c = first; c <= last; c++)
				set = static_cast<uint16_t>(set | bit(c));
		}
		return set;
	}

	Fragment
	digits(uint16_t set)
	{
		Fragment piece = {nfa_.add(), nfa_.add()};

		nfa_.states[piece.in].digits = set;
		nfa_.states[piece.in].next = piece.out;
		return piece;
	}
};

/* One calling code: its patterns side by side, made deterministic on demand. */
class CallingCode
{
  public:
	explicit CallingCode(const std::vector<const PhoneMetadata *> &regions)
	{
		if (regions.size() > MAX_REGIONS)
			throw std::invalid_argument("regions");
		root_ = nfa_.add();
		for (size_t i = 0; i < regions.size(); i++)
			add_region(*regions[i], static_cast<int>(i));
		add_main(*main_region(regions));
		dead_ = state_of({});
		start_ = state_of(closure({root_}));
	}

	bool
	accepts(const char *digits, size_t length)
	{
		int state = start_;

		/* a leading zero may be one of Italy's or a prefix: not for here */
		if (length == 0 || length >= 32 || (lengths_ >> length & 1) == 0 ||
			digits[0] == '0')
			return false;
		for (size_t i = 0; i < length; i++)
		{
			state = step(state, digits[i] - '0');
			if (state < 0 || (dfa_[state].tags & TAG_PREFIX) != 0)
				return false;
		}
		return !is_refused(dfa_[state].tags);
	}

  private:
	struct DfaState
	{
		std::vector<int> members;
		int next[10];
		uint64_t tags;
	};

	Nfa nfa_;
	int root_ = 0;
	int start_ = 0;
	int dead_ = 0;
	uint32_t lengths_ = 0;
	std::vector<DfaState> dfa_;
	std::map<std::vector<int>, int> known_;

	static const PhoneMetadata *
	main_region(const std::vector<const PhoneMetadata *> &regions)
	{
		for (const PhoneMetadata *region : regions)
			if (region->main_country_for_code())
				return region;
		if (regions.size() != 1)
			throw std::invalid_argument("main region");
		return regions[0];
	}

	void
	add_pattern(const std::string &pattern, uint64_t tags)
	{
		if (pattern.empty() || pattern == "NA")
			return;
		Fragment piece = PatternParser(nfa_, pattern).parse();

		nfa_.link(root_, piece.in);
		nfa_.states[piece.out].tags |= tags;
	}

	void
	add_kind(const PhoneNumberDesc &kind, uint64_t tags)
	{
		add_pattern(kind.national_number_pattern(), tags);
	}

	void
	add_region(const PhoneMetadata &region, int index)
	{
		const std::string &fixed =
			region.fixed_line().national_number_pattern();
		const std::string &mobile = region.mobile().national_number_pattern();

		add_kind(region.toll_free(), TAG_REFUSED);
		add_kind(region.premium_rate(), TAG_REFUSED);
		add_kind(region.shared_cost(), TAG_REFUSED);
		add_kind(region.voip(), TAG_REFUSED);
		add_kind(region.pager(), TAG_REFUSED);
		add_kind(region.uan(), TAG_REFUSED);
		add_kind(region.voicemail(), TAG_REFUSED);
		/* the same range for both: fixed line or mobile, never fixed alone */
		if (fixed == mobile || region.same_mobile_and_fixed_line_pattern())
			return;
		add_pattern(fixed, fixed_tag(index));
		add_pattern(mobile, mobile_tag(index));
	}

	void
	add_main(const PhoneMetadata &region)
	{
		for (int length : region.general_desc().possible_length())
			if (length > 1 && length < 18)
				lengths_ |= uint32_t{1} << length;
		add_pattern(region.national_prefix_for_parsing(), TAG_PREFIX);
	}

	std::vector<int>
	closure(std::vector<int> open) const
	{
		std::vector<int> all;
		std::vector<bool> seen(nfa_.states.size());

		while (!open.empty())
		{
			int state = open.back();

			open.pop_back();
			if (seen[state])
				continue;
			seen[state] = true;
			/* only what reads a digit or ends a pattern tells sets apart */
			if (nfa_.states[state].next >= 0 || nfa_.states[state].tags != 0)
				all.push_back(state);
			for (int target : nfa_.states[state].epsilon)
				if (target >= 0)
					open.push_back(target);
		}
		std::sort(all.begin(), all.end());
		return all;
	}

	int
	state_of(std::vector<int> members)
	{
		auto found = known_.find(members);

		if (found != known_.end())
			return found->second;
		DfaState state;

		state.tags = 0;
		for (int member : members)
			state.tags |= nfa_.states[member].tags;
		std::fill(std::begin(state.next), std::end(state.next), -1);
		state.members = members;
		dfa_.push_back(std::move(state));
		int number = static_cast<int>(dfa_.size()) - 1;

		known_.emplace(std::move(members), number);
		return number;
	}

	/* -1 when the table has grown to its bound */
	int
	step(int from, int digit)
	{
		if (dfa_[from].next[digit] >= 0)
			return dfa_[from].next[digit];
		if (dfa_.size() >= MAX_STATES)
			return -1;
		std::vector<int> open;

		for (int member : dfa_[from].members)
			if ((nfa_.states[member].digits >> digit & 1) != 0)
				open.push_back(nfa_.states[member].next);
		int to = open.empty() ? dead_ : state_of(closure(open));

		dfa_[from].next[digit] = to;
		return to;
	}
};

/* The metadata of all countries, and an automaton for each one seen. */
struct Table
{
	PhoneMetadataCollection metadata;
	std::vector<const PhoneMetadata *> regions[MAX_CALLING_CODE + 1];
	std::unique_ptr<CallingCode> codes[MAX_CALLING_CODE + 1];
	bool is_off[MAX_CALLING_CODE + 1] = {};
};

Table *table = nullptr;

CallingCode *
calling_code(int code)
{
	if (table->codes[code] == nullptr && !table->is_off[code])
	{
		try
		{
			table->codes[code] =
				std::make_unique<CallingCode>(table->regions[code]);
		}
		catch (const std::invalid_argument &)
		{
			table->is_off[code] = true;
		}
	}
	return table->codes[code].get();
}

} // namespace

void
phone_table_load()
{
	using i18n::phonenumbers::metadata_get;
	using i18n::phonenumbers::metadata_size;

	if (table != nullptr || metadata_get == nullptr || metadata_size == nullptr)
		return;
	auto loaded = std::make_unique<Table>();

	if (!loaded->metadata.ParseFromArray(metadata_get(), metadata_size()))
		return;
	for (const PhoneMetadata &region : loaded->metadata.metadata())
		if (region.country_code() > 0 &&
			region.country_code() <= MAX_CALLING_CODE)
			loaded->regions[region.country_code()].push_back(&region);
	table = loaded.release();
}

bool
phone_table_accepts(const char *digits, size_t length)
{
	int code = 0;

	if (table == nullptr || length < 4 || digits[0] == '0')
		return false;
	for (size_t i = 0; i < 3; i++)
	{
		code = code * 10 + (digits[i] - '0');
		if (table->regions[code].empty())
			continue;
		CallingCode *automaton = calling_code(code);

		return automaton != nullptr &&
			   automaton->accepts(digits + i + 1, length - i - 1);
	}
	return false;
}

} // namespace ga
