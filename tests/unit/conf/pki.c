#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/pki.h"
#include "base/mem.h"

static struct conf conf;
static int files[16], n_files;
static char why[PKI_WHY_MAX];

/* A file with this text that is gone when the test ends; its path into path. */
static void
put_file(char path[CONF_PATH_MAX], const char *text)
{
	int fd = memfd_create("pem", MFD_CLOEXEC);

	assert_true(fd >= 0 && n_files < (int)ARRAY_LEN(files));
	files[n_files++] = fd;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	snprintf(path, CONF_PATH_MAX, "/proc/self/fd/%d", fd);
}

static int
clear_conf(void **state)
{
	(void)state;
	memset(&conf, 0, sizeof(conf));
	why[0] = 0;
	n_files = 0;
	return 0;
}

static int
close_files(void **state)
{
	(void)state;
	while (n_files)
		close(files[--n_files]);
	return 0;
}

static void
two_zones(void)
{
	conf.n_zones = 2;
	put_file(conf.zone[0].certificate, "chain one\n");
	put_file(conf.zone[0].key, "key one\n");
	put_file(conf.zone[0].trust[0], "root A\n");
	put_file(conf.zone[0].trust[1], "root B"); /* no line end: B must not run into C */
	put_file(conf.zone[0].trust[2], "root C\n");
	conf.zone[0].n_trust = 3;
	put_file(conf.zone[1].certificate, "chain two\n");
	put_file(conf.zone[1].key, "key two");
}

/* The block of conf, as bytes of the heap; free with mem_free. */
static struct str
block_of(void)
{
	int fd = memfd_create("block", MFD_CLOEXEC);
	off_t len;
	char *p;

	assert_true(fd >= 0);
	assert_int_equal(pki_write(&conf, fd, why), ERR_OK);
	len = lseek(fd, 0, SEEK_END);
	assert_true(len > 0);
	p = mem_zalloc((size_t)len, 1);
	if (!p)
		close(fd);
	assert_non_null(p);
	assert_int_equal(pread(fd, p, (size_t)len, 0), len);
	close(fd);
	return str_of(p, (size_t)len);
}

/* Behind the zones; a place that none has is empty, one that none can have is an error. */
static void
test_passwords(void **state)
{
	struct str block, got;

	(void)state;
	two_zones();
	put_file(conf.credential[0].password_file, "first\n");
	put_file(conf.credential[1].password_file, "second");
	conf.n_credentials = 2;
	block = block_of();
	assert_int_equal(pki_password(block, 0, &got), ERR_OK);
	assert_true(str_eqz(got, "first\n"));
	assert_int_equal(pki_password(block, 1, &got), ERR_OK);
	assert_true(str_eqz(got, "second\n"));
	assert_int_equal(pki_password(block, 2, &got), ERR_OK);
	assert_int_equal(got.len, 0);
	assert_int_equal(pki_password(block, CREDENTIALS_MAX, &got), ERR_SYNTAX);
	assert_int_equal(pki_password(str_sub(block, 0, 20), 0, &got), ERR_SYNTAX);
	assert_int_equal(pki_get(block, 1, PKI_KEY, &got), ERR_OK);
	assert_true(str_eqz(got, "key two\n"));
	mem_free((void *)(uintptr_t)block.p);
	snprintf(conf.credential[1].password_file, CONF_PATH_MAX, "/no/such/file");
	{
		int fd = memfd_create("block", MFD_CLOEXEC);

		assert_int_equal(pki_write(&conf, fd, why), ERR_IO);
		assert_non_null(strstr(why, "/no/such/file"));
		close(fd);
	}
}

static void
test_two_zones(void **state)
{
	static const struct {
		const char *name;
		uint32_t zone;
		enum pki_part part;
		const char *want;
	} rows[] = {
		{"chain of the first", 0, PKI_CHAIN, "chain one\n"},
		{"key of the first", 0, PKI_KEY, "key one\n"},
		{"trust of the first", 0, PKI_TRUST, "root A\nroot B\nroot C\n"},
		{"chain of the second", 1, PKI_CHAIN, "chain two\n"},
		{"key of the second", 1, PKI_KEY, "key two\n"},
		{"no trust", 1, PKI_TRUST, ""},
		{"no such zone in it", 2, PKI_CHAIN, ""},
		{"last zone", CONF_ZONES_MAX - 1, PKI_KEY, ""},
	};
	struct str block, got;
	int bad = 0;

	(void)state;
	two_zones();
	block = block_of();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (pki_get(block, rows[i].zone, rows[i].part, &got) == ERR_OK &&
		    str_eqz(got, rows[i].want))
			continue;
		print_message("# %s: \"%.*s\"\n", rows[i].name, STR_ARG(got));
		bad++;
	}
	assert_int_equal(pki_get(block, CONF_ZONES_MAX, PKI_KEY, &got), ERR_SYNTAX);
	assert_int_equal(pki_get(block, UINT32_MAX, PKI_KEY, &got), ERR_SYNTAX);
	assert_int_equal(pki_get(block, 0, PKI_PARTS, &got), ERR_SYNTAX);
	mem_free((void *)(uintptr_t)block.p);
	assert_int_equal(bad, 0);
}

/* One file is not as it should be: IO, and why names it. */
static void
test_bad_files(void **state)
{
	static const struct {
		const char *name, *path, *says;
	} rows[] = {
		{"missing", "/nonexistent/x.pem", "/nonexistent/x.pem: No such file"},
		{"empty path", "", "No such file"},
		{"a folder", "/proc/self", "/proc/self: it is no regular file"},
		{"a device", "/dev/zero", "/dev/zero: it is no regular file"},
		{"no octet in it", "/proc/version", "/proc/version: it is empty"},
	};

	(void)state;
	two_zones();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int which = 0; which < 4; which++) {
			char *path = which == 0   ? conf.zone[0].certificate
				     : which == 1 ? conf.zone[1].certificate
				     : which == 2 ? conf.zone[1].key
						  : conf.zone[0].trust[1];
			char kept[CONF_PATH_MAX];
			int fd = memfd_create("block", MFD_CLOEXEC);

			memcpy(kept, path, sizeof(kept));
			snprintf(path, CONF_PATH_MAX, "%s", rows[i].path);
			why[0] = 0;
			assert_int_equal(pki_write(&conf, fd, why), ERR_IO);
			if (!strstr(why, rows[i].says))
				fail_msg("%s: why is \"%s\"", rows[i].name, why);
			memcpy(path, kept, sizeof(kept));
			close(fd);
		}
}

static void
test_too_large(void **state)
{
	static const struct {
		const char *name;
		off_t a, b; /* sizes of two authorities */
		enum err want;
	} rows[] = {
		{"one at the limit", PKI_FILE_MAX, 0, ERR_OK},
		{"one above", PKI_FILE_MAX + 1, 0, ERR_IO},
		{"endless", (off_t)1 << 40, 0, ERR_IO},
		{"two above together", PKI_FILE_MAX / 2, PKI_FILE_MAX / 2 + 1, ERR_IO},
	};

	(void)state;
	two_zones();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int fd = memfd_create("block", MFD_CLOEXEC);
		enum err e;

		conf.zone[0].n_trust = rows[i].b ? 2 : 1;
		assert_int_equal(ftruncate(files[2], rows[i].a), 0);
		assert_int_equal(ftruncate(files[3], rows[i].b), 0);
		why[0] = 0;
		e = pki_write(&conf, fd, why);
		assert_true(lseek(fd, 0, SEEK_END) < 2 * PKI_FILE_MAX);
		close(fd);
		if (e != rows[i].want || (e != ERR_OK && !strstr(why, "File too large")))
			fail_msg("%s: %s \"%s\"", rows[i].name, err_name(e), why);
	}
}

/* Where the block cannot be written: IO, and why says something. */
static void
test_bad_target(void **state)
{
	int p[2], sealed = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)state;
	two_zones();
	assert_int_equal(pipe(p), 0);
	assert_int_equal(pki_write(&conf, p[1], why), ERR_IO);
	assert_true(why[0]);
	why[0] = 0;
	assert_int_equal(pki_write(&conf, -1, why), ERR_IO);
	assert_true(why[0]);
	why[0] = 0;
	conf.n_zones = 0; /* nothing but the head */
	assert_int_equal(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE), 0);
	assert_int_equal(pki_write(&conf, sealed, why), ERR_IO);
	assert_true(why[0]);
	close(sealed);
	close(p[0]);
	close(p[1]);
}

/* Each byte of the head another one, each shorter block: SYNTAX or a part inside the block. */
static void
test_broken(void **state)
{
	struct str block, got, first;
	unsigned refused = 0;
	char *bytes, *part;

	(void)state;
	two_zones();
	block = block_of();
	bytes = (char *)(uintptr_t)block.p;
	assert_int_equal(pki_get(block, 0, PKI_CHAIN, &first), ERR_OK);
	for (size_t at = 0; at < 8 + 2 * PKI_PARTS * 8; at++)
		for (unsigned flip = 1; flip < 256; flip = 2 * flip + 1) {
			bytes[at] = (char)(bytes[at] ^ flip);
			for (uint32_t z = 0; z < 3; z++)
				for (int p = 0; p < PKI_PARTS; p++) {
					enum err e = pki_get(block, z, (enum pki_part)p, &got);

					refused += e == ERR_SYNTAX;
					assert_true(e == ERR_SYNTAX || (e == ERR_OK && at >= 8));
					assert_true(e != ERR_OK || got.len == 0 ||
						    (got.p >= first.p && got.len < block.len &&
						     got.p + got.len <= block.p + block.len));
				}
			bytes[at] = (char)(bytes[at] ^ flip);
		}
	assert_true(refused > 500);
	for (size_t len = 0; len < block.len; len++) {
		enum err e = pki_get(str_of(block.p, len), 1, PKI_KEY, &got);

		assert_int_equal(e, ERR_SYNTAX); /* it is the last part */
	}
	assert_int_equal(pki_get(block, 1, PKI_KEY, &got), ERR_OK);
	part = mem_zalloc(100, 1); /* half of the head, and nothing behind it */
	if (part) {
		memcpy(part, bytes, 100);
		assert_int_equal(pki_get(str_of(part, 100), 1, PKI_KEY, &got), ERR_SYNTAX);
	}
	mem_free(part);
	mem_free(bytes);
	assert_non_null(part);
}

/* A list in DER ends with its last byte; each file is a part of its own. */
static void
test_crls(void **state)
{
	int fd = memfd_create("pki", MFD_CLOEXEC);
	struct str part, bytes;
	off_t size;

	(void)state;
	two_zones();
	put_file(conf.zone[1].crls[0], "der without a line end");
	put_file(conf.zone[1].crls[1], "second\n");
	conf.zone[1].n_crls = 2;
	assert_int_equal(pki_write(&conf, fd, why), ERR_OK);
	size = lseek(fd, 0, SEEK_END);
	bytes = str_of(mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0), (size_t)size);
	assert_int_equal(pki_get(bytes, 0, PKI_CRL, &part), ERR_OK);
	assert_int_equal(part.len, 0);
	assert_int_equal(pki_get(bytes, 1, PKI_CRL, &part), ERR_OK);
	assert_true(str_eqz(part, "der without a line end"));
	assert_int_equal(pki_get(bytes, 1, PKI_CRL + 1, &part), ERR_OK);
	assert_true(str_eqz(part, "second\n"));
	munmap((void *)(uintptr_t)bytes.p, bytes.len);
	close(fd);
}

#define BLOCK(label, body) "-----BEGIN " label "-----\n" body "\n-----END " label "-----\n"

/* What admin may see: the certificates and lists of each file, whatever else stands in it. */
static void
test_public(void **state)
{
	static const struct {
		const char *name, *file, *want;
	} rows[] = {
		{"a certificate", BLOCK("CERTIFICATE", "aa"), BLOCK("CERTIFICATE", "aa")},
		{"words around it", "leaf\n" BLOCK("CERTIFICATE", "aa") "end",
		 BLOCK("CERTIFICATE", "aa")},
		{"the key behind it", BLOCK("CERTIFICATE", "aa") BLOCK("PRIVATE KEY", "SECRET"),
		 BLOCK("CERTIFICATE", "aa")},
		{"the key before the chain",
		 BLOCK("RSA PRIVATE KEY", "SECRET") BLOCK("CERTIFICATE", "aa")
			 BLOCK("CERTIFICATE", "bb"),
		 BLOCK("CERTIFICATE", "aa") BLOCK("CERTIFICATE", "bb")},
		{"keys between and parameters",
		 BLOCK("EC PARAMETERS", "SECRET") BLOCK("TRUSTED CERTIFICATE", "aa")
			 BLOCK("EC PRIVATE KEY", "SECRET") BLOCK("X509 CERTIFICATE", "bb")
				 BLOCK("ENCRYPTED PRIVATE KEY", "SECRET"),
		 BLOCK("TRUSTED CERTIFICATE", "aa") BLOCK("X509 CERTIFICATE", "bb")},
		{"a certificate that begins and does not end",
		 "-----BEGIN CERTIFICATE-----\n" BLOCK("PRIVATE KEY", "SECRET")
			 BLOCK("CERTIFICATE", "aa"),
		 BLOCK("CERTIFICATE", "aa")},
		{"a key inside", BLOCK("CERTIFICATE", BLOCK("PRIVATE KEY", "SECRET")), ""},
		{"cut off", "-----BEGIN CERTIFICATE-----\nSECRET", ""},
		{"cut off in the label", BLOCK("CERTIFICATE", "aa") "-----BEGIN CERT",
		 BLOCK("CERTIFICATE", "aa")},
		{"no block at all", "SECRET", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int from = memfd_create("pki", MFD_CLOEXEC), to = memfd_create("pub", MFD_CLOEXEC);
		struct str part = STR_NULL, bytes;
		off_t size;
		enum err e;

		clear_conf(NULL);
		two_zones();
		put_file(conf.zone[0].certificate, rows[i].file);
		put_file(conf.zone[0].key, rows[i].file);
		put_file(conf.zone[0].trust[2], rows[i].file);
		put_file(conf.zone[1].crls[0], "der \x30\x82");
		put_file(conf.zone[1].crls[1], BLOCK("X509 CRL", "cc") "SECRET");
		conf.zone[1].n_crls = 2;
		put_file(conf.credential[0].password_file, "SECRET of a user");
		conf.n_credentials = 1;
		assert_int_equal(pki_write(&conf, from, why), ERR_OK);
		e = pki_write_public(from, to);
		close(from);
		if (e != ERR_OK)
			close(to);
		assert_int_equal(e, ERR_OK);
		size = lseek(to, 0, SEEK_END);
		bytes = str_of(mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, to, 0),
			       (size_t)size);
		for (enum pki_part p = PKI_CHAIN; p <= PKI_TRUST; p++) {
			const char *want = p == PKI_KEY ? "" : rows[i].want;

			assert_int_equal(pki_get(bytes, 0, p, &part), ERR_OK);
			if (!str_eqz(part, want))
				fail_msg("%s: part %d is \"%.*s\"", rows[i].name, (int)p,
					 STR_ARG(part));
		}
		assert_int_equal(pki_get(bytes, 1, PKI_CRL, &part), ERR_OK);
		assert_true(str_eqz(part, "der \x30\x82"));
		assert_int_equal(pki_get(bytes, 1, PKI_CRL + 1, &part), ERR_OK);
		assert_true(str_eqz(part, BLOCK("X509 CRL", "cc")));
		assert_int_equal(str_find(bytes, STR("SECRET")), bytes.len);
		munmap((void *)(uintptr_t)bytes.p, bytes.len);
		close(to);
		close_files(NULL);
	}
}

int
main(void)
{
#define PKI_TEST(f) cmocka_unit_test_setup_teardown(f, clear_conf, close_files)
	const struct CMUnitTest tests[] = {
		PKI_TEST(test_two_zones),  PKI_TEST(test_bad_files), PKI_TEST(test_too_large),
		PKI_TEST(test_bad_target), PKI_TEST(test_broken),    PKI_TEST(test_crls),
		PKI_TEST(test_public),     PKI_TEST(test_passwords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
