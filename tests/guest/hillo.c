/*
 * The man page's program: write a greeting, map the file, change two bytes through memory, read it back. It leaves
 * $TESTDIR/hello.txt behind, so that the host can look for "Hillo, mmap world!" on the disk with debugfs.
 */
#include "test.h"

int main(void)
{
	const char *directory = getenv("TESTDIR") ? getenv("TESTDIR") : "/tmp";
	char path[600], have[64];
	char *memory;
	int file;

	test_name = "hillo";
	test_pid = getpid();
	if (setjmp(test_end)) {
		printf("0 passed, 1 failed\n");
		return 1;
	}
	mkdir(directory, 0777);
	snprintf(path, sizeof(path), "%s/hello.txt", directory);
	put_text(path, "Hello, mmap world!\n");

	file = open(path, O_RDWR);
	CHECK(file >= 0);
	memory = map_file(file, 19, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	CHECK(!memcmp(memory, "Hello, mmap world!\n", 19));
	memcpy(memory, "Hi", 2);
	CHECK(msync(memory, 19, MS_SYNC) == 0);
	CHECK(munmap(memory, 19) == 0);
	CHECK(close(file) == 0);

	CHECK_EQUAL(get_bytes(path, have, sizeof(have)), 19);
	CHECK(!memcmp(have, "Hillo, mmap world!\n", 19));
	printf("%.18s\n1 passed, 0 failed\n", have);
	return 0;
}
