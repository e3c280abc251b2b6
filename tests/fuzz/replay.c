/* A plain main for a fuzz target: each file, or each file of a directory, is one input. So the
 * corpus is a unit test in every build, without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX = 1 << 20, PATH_LEN = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rbe");
	uint8_t *all = f ? malloc(INPUT_MAX) : NULL, *data = NULL;
	size_t n;

	if (!all) {
		fprintf(stderr, "cannot read %s\n", path);
		if (f)
			fclose(f);
		return 1;
	}
	n = fread(all, 1, INPUT_MAX, f);
	fclose(f);
	data = malloc(n ? n : 1); /* exactly as long as the input, so that ASan sees its end */
	if (data) {
		memcpy(data, all, n);
		LLVMFuzzerTestOneInput(data, n);
	}
	free(data);
	free(all);
	return data ? 0 : 1;
}

static int
replay_dir(const char *path, unsigned *count)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char name[PATH_LEN];
	int bad = 0;

	if (!d)
		return 0; /* no corpus yet */
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		bad |= replay_file(name);
		++*count;
	}
	closedir(d);
	return bad;
}

int
main(int argc, char **argv)
{
	unsigned count = 0;
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISREG(st.st_mode)) {
			bad |= replay_file(argv[i]);
			count++;
		} else {
			bad |= replay_dir(argv[i], &count);
		}
	}
	printf("1..1\n%s 1 - corpus of %u inputs\n", bad ? "not ok" : "ok", count);
	return bad;
}
