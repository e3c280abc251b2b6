#include "policy/area.h"

/* Of each country its area codes: three digits and a space each. */
static const struct {
	const char iso[3];
	const char *codes;
} countries[] = {
	{"AG", "268 "},
	{"AI", "264 "},
	{"BB", "246 "},
	{"BM", "441 "},
	{"BS", "242 "},
	/* geographic ones, in use or set aside for relief; 600 to 688: its non-geographic ones */
	{"CA", "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 "
	       "431 437 438 450 468 474 506 514 519 548 579 581 584 587 604 613 639 647 672 683 "
	       "705 709 742 753 778 780 782 807 819 825 851 867 873 879 902 905 942 "
	       "600 622 633 644 655 677 688 "},
	{"DM", "767 "},
	{"DO", "809 829 849 "},
	{"GD", "473 "},
	{"JM", "658 876 "},
	{"KN", "869 "},
	{"KY", "345 "},
	{"LC", "758 "},
	{"MS", "664 "},
	{"SX", "721 "},
	{"TC", "649 "},
	{"TT", "868 "},
	{"VC", "784 "},
	{"VG", "284 "},
};

static bool
in_codes(struct str area, const char *codes)
{
	for (; *codes; codes += 4)
		if (str_eq(area, str_of(codes, 3)))
			return true;
	return false;
}

const char *
area_country(struct str area)
{
	for (size_t i = 0; i < ARRAY_LEN(countries); i++)
		if (in_codes(area, countries[i].codes))
			return countries[i].iso;
	return "US";
}

bool
area_known(struct str iso)
{
	for (size_t i = 0; i < ARRAY_LEN(countries); i++)
		if (str_eqz(iso, countries[i].iso))
			return true;
	return str_eqz(iso, "US");
}
