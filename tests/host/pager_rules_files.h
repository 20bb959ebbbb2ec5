/*
 * Tests of pager_core.c: files: write-back, blocks and lengths, transfers, the life of objects.
 */
#ifndef PAGER_RULES_FILES_H
#define PAGER_RULES_FILES_H

/* ---- write-back */

static void only_dirty_pages_are_written(void)
{
	struct object *object = open_file(1, make_file(0, 20 * PAGE));

	MUST(map_file(object, A, 20 * PAGE, RW, MAP_SHARED, 0) > 0);
	for (unsigned i = 0; i < 20; i++)
		MUST(load(A + i * PAGE) == (int)i + 1);
	MUST(store(A + 3 * PAGE, 1) == 0 && store(A + 4 * PAGE, 1) == 0 && store(A + 11 * PAGE, 1) == 0);
	MUST(RUN(core_object_sync(object, w)) == 0 && writes == 3 && core_counters.page_outs == 3);
	MUST(RUN(core_object_sync(object, w)) == 0 && writes == 3);
	MUST(store(A + 4 * PAGE, 2) == 0 && RUN(do_munmap(space, A, 20 * PAGE, w)) == 0);
	MUST(RUN(core_object_sync(object, w)) == 0 && writes == 4 && on_disk(1, 4 * PAGE) == 2);
}

static void msync_writes_its_range(void)
{
	struct object *object = open_file(1, make_file(0, 8 * PAGE));
	uint64_t number, length, modified;

	MUST(map_file(object, A, 8 * PAGE, RW, MAP_SHARED, 0) > 0);
	for (unsigned i = 0; i < 8; i++)
		MUST(store(A + i * PAGE, 99) == 0);
	MUST(RUN(core_msync(space, A + 2 * PAGE, 3 * PAGE, MS_SYNC, w, &number, &length, &modified)) == 0);
	MUST(writes == 3 && number == 1 && length == 8 * PAGE && !modified && written_at && on_disk(1, 2 * PAGE) == 99 && on_disk(1, 0) == 1);
	MUST(RUN(core_msync(space, A, 8 * PAGE, MS_ASYNC, w, &number, &length, &modified)) == 0 && writes == 3);
	MUST(RUN(core_msync(space, A, 9 * PAGE, MS_SYNC, w, &number, &length, &modified)) == -ENOMEM && writes == 8);
	MUST(RUN(core_msync(space, A + 1, 1, MS_SYNC, w, &number, &length, &modified)) == -EINVAL);
	MUST(RUN(core_msync(space, A, 1, MS_SYNC | MS_ASYNC, w, &number, &length, &modified)) == -EINVAL);
}

/* Who does not wait for writes still waits if more is behind them, and hears of errors. */
static void writes_are_passed_on(void)
{
	struct object *object = open_file(1, make_file(0, 8 * PAGE));
	struct task task = { .waiter.passes_on = true }, hole = task, failed = task;
	uint64_t number, length, modified;

	MUST(map_file(object, A, 8 * PAGE, RW, MAP_SHARED, 0) > 0 && store(A + 2 * PAGE, 99) == 0);
	MUST(core_msync(space, A, 8 * PAGE, MS_SYNC, &task.waiter, &number, &length, &modified) == CORE_WRITES && queued == 1);
	MUST(number == 1 && length == 8 * PAGE && !modified && !task.waiter.object && !task.waiter.link);
	task.waiter.passes_on = false;	/* they could not be: it is repeated, and waits itself */
	MUST(core_msync(space, A, 8 * PAGE, MS_SYNC, &task.waiter, &number, &length, &modified) == CORE_WAIT);
	core_cancel(&task.waiter);
	task = hole;
	MUST(core_msync(space, A, 2 * PAGE, MS_SYNC, &task.waiter, &number, &length, &modified) == 0);
	MUST(core_msync(space, A, 9 * PAGE, MS_SYNC, &hole.waiter, &number, &length, &modified) == CORE_WAIT);
	drain();
	MUST(hole.woken && core_msync(space, A, 9 * PAGE, MS_SYNC, &hole.waiter, &number, &length, &modified) == -ENOMEM && on_disk(1, 2 * PAGE) == 99);
	MUST(store(A, 98) == 0 && core_object_sync(object, &task.waiter) == CORE_WRITES && queued == 1 && !task.waiter.object);
	error_rate = 1;
	drain();
	error_rate = 0;
	MUST(core_object_sync(object, &failed.waiter) == CORE_WAIT);
	drain();
	MUST(failed.woken && core_object_sync(object, &failed.waiter) == -EIO && on_disk(1, 0) == 98);
}

static void written_again_meanwhile(void)
{
	struct object *object = open_file(1, make_file(0, PAGE));
	struct task task = { 0 };

	MUST(map_file(object, A, PAGE, RW, MAP_SHARED, 0) > 0 && store(A, 50) == 0);
	MUST(core_object_sync(object, &task.waiter) == CORE_WAIT && queued == 1);
	MUST(store(A, 51) == 0);
	drain();
	MUST(task.woken && core_object_sync(object, &task.waiter) == 0);
	MUST(RUN(core_object_sync(object, w)) == 0 && on_disk(1, 0) == 51);
}

static void background_writes_old_pages(void)
{
	make_buffer(4);
	open_file(1, make_file(0, 4 * PAGE));
	MUST(pwrite_byte(1, 0, 2 * PAGE, 66) == 2 * PAGE && !core_write_back_step() && !queued);
	MUST(core_write_back_step() && queued);
	drain();
	MUST(writes == 2 && !core_counters.cache_dirty_pages && on_disk(1, PAGE) == 66);
}

static void write_errors_are_told_once(void)
{
	struct object *object = open_file(1, make_file(0, PAGE));

	make_buffer(1);
	MUST(pwrite_byte(1, 0, 1, 42) == 1);
	error_rate = 1;
	MUST(RUN(core_object_sync(object, w)) == -EIO && core_counters.cache_dirty_pages == 1);
	error_rate = 0;
	MUST(RUN(core_object_sync(object, w)) == 0 && on_disk(1, 0) == 42);
}

static void read_errors_are_sigbus(void)
{
	struct object *object = open_file(1, make_file(0, PAGE));

	make_buffer(1);
	MUST(map_file(object, A, PAGE, RW, MAP_SHARED, 0) > 0);
	error_rate = 1;
	MUST(load(A) == -EIO && RUN(do_read(space, 1, BUFFER, 1, 0, 0, w)) == -EIO);
	MUST(RUN(do_read(space, 1, A, 1, 0, 0, w)) == -EFAULT);
	error_rate = 0;
	MUST(load(A) == 1 && pread_byte(1, 5) == 1);
}

/* ---- blocks and lengths */

static void a_full_disk_is_told_at_the_store(void)
{
	struct object *object = open_file(1, make_hole_file(0, 10 * PAGE));

	make_buffer(4);
	blocks_free = 1;
	MUST(map_file(object, A, 10 * PAGE, RW, MAP_SHARED, 0) > 0);
	MUST(load(A + PAGE) == 0 && store(A, 5) == 0 && store(A + PAGE, 6) == -ENOSPC && load(A + PAGE) == 0);
	MUST(pwrite_byte(1, 0, 2 * PAGE, 7) == PAGE && pwrite_byte(1, PAGE, 1, 7) == -ENOSPC);
	blocks_free = 1;
	MUST(store(A + PAGE, 6) == 0 && RUN(core_object_sync(object, w)) == 0 && on_disk(1, PAGE) == 6);
}

static void fresh_blocks_show_no_old_bytes(void)
{
	struct object *object = open_file(1, make_hole_file(0, 3 * PAGE));

	make_buffer(4);
	MUST(map_file(object, A, 3 * PAGE, RW, MAP_SHARED, 0) > 0 && store(A + 5, 1) == 0);
	MUST(pwrite_byte(1, PAGE + 100, 1, 2) == 1 && pwrite_byte(1, 3 * PAGE + 10, 1, 3) == 1);
	MUST(RUN(core_object_sync(object, w)) == 0);
	for (uint64_t i = 0; i < 4 * PAGE; i++)
		MUST(on_disk(1, i) == (i == 5 ? 1 : i == PAGE + 100 ? 2 : i == 3 * PAGE + 10 ? 3 : 0));
}

static void truncate_takes_everything_back(void)
{
	struct object *object = open_file(1, make_file(0, 6 * PAGE));

	make_buffer(1);
	MUST(map_file(object, A, 6 * PAGE, RW, MAP_SHARED, 0) > 0 && map_file(object, A + 8 * PAGE, 6 * PAGE, RW, MAP_PRIVATE, 0) > 0);
	for (unsigned i = 0; i < 6; i++)
		MUST(store(A + i * PAGE, 90) == 0 && store(A + (8 + i) * PAGE, 91) == 0);
	MUST(truncate_file(object, PAGE + 10) == 0 && load(A + 2 * PAGE) == -EIO && load(A + 10 * PAGE) == -EIO && load(A + 9 * PAGE) == 91);
	MUST(truncate_file(object, 6 * PAGE) == 0 && load(A + 2 * PAGE) == 0 && load(A + 10 * PAGE) == 0 && load(A + PAGE) == 90 && load(A + PAGE + 10) == 0);
	MUST(RUN(core_object_sync(object, w)) == 0 && !disk[0].block[3] && on_disk(1, PAGE) == 90 && on_disk(1, PAGE + 10) == 0);
}

static void truncate_waits_for_writes(void)
{
	struct object *object = open_file(1, make_file(0, 6 * PAGE));
	struct task task = { 0 }, sync = { 0 };

	make_buffer(8);
	MUST(pwrite_byte(1, 0, 6 * PAGE, 60) == 6 * PAGE && core_object_sync(object, &sync.waiter) == CORE_WAIT && queued);
	MUST(TRY(core_object_truncate(object, 0, &task.waiter)) == CORE_WAIT && object->length == 0);
	MUST(RUN(do_read(space, 1, BUFFER, 10, 0, TRANSFER_AT, w)) == 0);
	while (!task.woken || TRY(core_object_truncate(object, 0, &task.waiter)) != 0)
		MUST(world_answer());
	disk_truncated(1, 0);
	drain();
	while (core_object_sync(object, &sync.waiter) != 0)
		drain();
	MUST(!disk[0].block[0] && !core_counters.cache_dirty_pages);
}

static void growing_zeroes_the_old_tail(void)
{
	struct object *object = open_file(1, make_file(0, 100));

	make_buffer(4);
	MUST(map_file(object, A, PAGE, RW, MAP_SHARED, 0) > 0 && store(A + 200, 13) == 0 && load(A + 200) == 13);	/* past the end: nobody's */
	MUST(RUN(core_object_sync(object, w)) == 0 && on_disk(1, 200) == 0);
	MUST(pwrite_byte(1, 3 * PAGE, 1, 5) == 1 && load(A + 200) == 0 && pread_byte(1, 200) == 0 && pread_byte(1, 2 * PAGE) == 0);
	MUST(RUN(core_object_sync(object, w)) == 0 && on_disk(1, 200) == 0 && on_disk(1, 99) == 1 && !disk[0].block[1]);
	MUST(core_object_length(object) == 3 * PAGE + 1 && disk[0].length == 3 * PAGE + 1);
}

static void no_file_grows_too_large(void)
{
	struct object *object = open_file(1, make_hole_file(0, 0));

	make_buffer(4);
	MUST(pwrite_byte(1, CORE_FILE_MAX, 1, 1) == -EFBIG && pwrite_byte(1, -5, 1, 1) == -EINVAL);
	MUST(truncate_file(object, CORE_FILE_MAX + 1) == -EFBIG && truncate_file(object, CORE_FILE_MAX) == 0);
	MUST(pread_byte(1, CORE_FILE_MAX - 1) == 0 && core_seek(1, 0, 2) == CORE_FILE_MAX && core_seek(1, 1, 2) == -EINVAL);
}

/* ---- read, write */

static void read_write_and_memory_are_one(void)
{
	struct object *object = open_file(1, make_file(0, 4 * PAGE));

	make_buffer(4);
	MUST(map_file(object, A, 4 * PAGE, RW, MAP_SHARED, 0) > 0);
	MUST(store(A + 10, 123) == 0 && pread_byte(1, 10) == 123);
	MUST(pwrite_byte(1, 2 * PAGE - 2, 4, 45) == 4 && load(A + 2 * PAGE - 1) == 45 && load(A + 2 * PAGE + 1) == 45 && load(A + 2 * PAGE + 2) == 3);
}

static void offsets_move(void)
{
	open_file(1, make_file(0, 2 * PAGE + 10));
	make_buffer(4);
	MUST(RUN(do_read(space, 1, BUFFER, 2 * PAGE, 0, 0, w)) == 2 * PAGE && RUN(do_read(space, 1, BUFFER, 2 * PAGE, 0, 0, w)) == 10);
	MUST(RUN(do_read(space, 1, BUFFER, 1, 0, 0, w)) == 0 && core_seek(1, -4, 1) == 2 * PAGE + 6 && core_seek(1, -1, 0) == -EINVAL);
	MUST(core_seek(1, 5, 3) == 5 && core_seek(1, 5, 4) == 2 * PAGE + 10 && core_seek(1, 3 * PAGE, 3) == -ENXIO && core_seek(1, 0, 5) == -EINVAL);
	MUST(core_set_append(1, true) == 0 && RUN(do_write(space, 1, BUFFER, 5, 0, 0, w)) == 5 && core_seek(1, 0, 1) == 2 * PAGE + 15);
	MUST(core_seek(2, 0, 0) == -EBADF && core_set_append(2, true) == -EBADF && core_close(2) == -EBADF && !core_open_object(2));
}

static void appends_stay_together(void)
{
	struct object *object = open_file(1, make_file(0, 10));
	struct task first = { 0 }, second = { 0 };
	bool first_done = false, second_done = false;

	make_buffer(8);
	open_file(2, 1);
	core_set_append(1, true);
	core_set_append(2, true);
	fill_buffer(BUFFER, 3 * PAGE, 11);
	fill_buffer(BUFFER + 4 * PAGE, 3 * PAGE, 22);
	while (!first_done || !second_done) {
		if (!first_done && (!first.waiter.link || first.woken))
			first.woken = false, first_done = do_write(space, 1, BUFFER, 3 * PAGE, 0, 0, &first.waiter) == 3 * PAGE;
		if (!second_done && (!second.waiter.link || second.woken))
			second.woken = false, second_done = do_write(space, 2, BUFFER + 4 * PAGE, 3 * PAGE, 0, 0, &second.waiter) == 3 * PAGE;
		world_answer();
	}
	MUST(core_object_length(object) == 6 * PAGE + 10 && pread_byte(1, 9) == 1);
	for (uint64_t i = 0; i < 6 * PAGE; i += 512)
		MUST(pread_byte(1, 10 + i) == (i < 3 * PAGE ? 11 : 22));
}

static void vectors(void)
{
	struct iovec vector[3] = { { (void *)(BUFFER + 100), 5000 }, { NULL, 0 }, { (void *)(BUFFER + 2 * PAGE), 4000 } };

	open_file(1, make_file(0, 4 * PAGE));
	make_buffer(8);
	fill_buffer(BUFFER, 3 * PAGE, 33);
	MUST(RUN(core_copy_out(space, BUFFER + 5 * PAGE - 20, vector, sizeof vector, w)) == sizeof vector);
	MUST(RUN(do_write(space, 1, BUFFER + 5 * PAGE - 20, 3, 50, TRANSFER_AT | TRANSFER_VECTOR, w)) == 9000);
	MUST(pread_byte(1, 49) == 1 && pread_byte(1, 50) == 33 && pread_byte(1, 9049) == 33 && pread_byte(1, 9050) == 3);
	MUST(RUN(do_read(space, 1, BUFFER + 5 * PAGE - 20, 3, 0, TRANSFER_VECTOR, w)) == 9000 && core_seek(1, 0, 1) == 9000);
	vector[1].iov_len = -1;
	MUST(RUN(core_copy_out(space, BUFFER, vector, sizeof vector, w)) == sizeof vector);
	MUST(RUN(do_read(space, 1, BUFFER, 3, 0, TRANSFER_VECTOR, w)) == -EINVAL && RUN(do_read(space, 1, BUFFER, 1025, 0, TRANSFER_VECTOR, w)) == -EINVAL);
	vector[1] = (struct iovec){ (void *)A, 10 };
	MUST(RUN(core_copy_out(space, BUFFER, vector, sizeof vector, w)) == sizeof vector);
	MUST(RUN(do_write(space, 1, BUFFER, 3, 0, TRANSFER_AT | TRANSFER_VECTOR, w)) == 5000);	/* up to the bad one */
}

static void bad_buffers_give_partial_counts(void)
{
	open_file(1, make_file(0, 4 * PAGE));
	MUST(map_memory(A, PAGE, RW, MAP_PRIVATE) > 0 && map_memory(A + PAGE, PAGE, PROT_READ, MAP_PRIVATE) > 0);
	MUST(RUN(do_read(space, 1, A + 96, 2 * PAGE, 0, 0, w)) == 4000 && core_seek(1, 0, 1) == 4000);
	MUST(RUN(do_read(space, 1, A + PAGE, 1, 0, 0, w)) == -EFAULT && RUN(do_write(space, 1, A + PAGE, 2 * PAGE, 0, TRANSFER_AT, w)) == PAGE);
	MUST(RUN(do_read(space, 1, CORE_USER_END, 1, 0, 0, w)) == -EFAULT && RUN(do_read(space, 1, -1UL, 2, 0, 0, w)) == -EFAULT);
	MUST(RUN(do_read(space, 1, A, -1UL, 0, 0, w)) == -EINVAL && RUN(do_read(space, 9, A, 1, 0, 0, w)) == -EBADF);
	MUST(RUN(do_read(space, 1UL << 40, A, 1, 0, 0, w)) == -EBADF && RUN(do_read(space, 1, 0, 0, 0, 0, w)) == 0);
	MUST(RUN(core_copy_in(space, A + PAGE, (char[2 * PAGE]){ 0 }, 2 * PAGE, w)) == PAGE && RUN(core_copy_in(space, 0, (char[1]){ 0 }, 1, w)) == -EFAULT);
}

static void long_transfers_give_way(void)
{
	struct task reader = { 0 }, writer = { 0 }, other = { 0 };
	struct object *object = open_file(1, make_file(0, 8 * PAGE));

	open_file(2, 1);
	make_buffer(8);
	fill_buffer(BUFFER, 8 * PAGE, 44);
	MUST(RUN(do_write(space, 1, BUFFER, 8 * PAGE, 0, TRANSFER_AT, w)) == 8 * PAGE);
	core_slice_pages = 4;
	MUST(do_read(space, 1, BUFFER, 8 * PAGE, 0, 0, &reader.waiter) == CORE_AGAIN && reader.waiter.done == PAGE);
	MUST(do_read(space, 1, BUFFER, 1, 0, 0, &other.waiter) == CORE_WAIT);	/* its offset is the first one's until that is through */
	MUST(pread_byte(2, 7 * PAGE) == 44 && TRY(do_read(space, 1, BUFFER, 8 * PAGE, 0, 0, &reader.waiter)) == 8 * PAGE);
	MUST(other.woken && do_read(space, 1, BUFFER, 1, 0, 0, &other.waiter) == 0);
	other = (struct task){ 0 };
	MUST(do_write(space, 1, BUFFER, 4 * PAGE, 0, TRANSFER_AT, &writer.waiter) == CORE_AGAIN && writer.waiter.done == PAGE);
	MUST(do_write(space, 2, BUFFER, 1, 0, TRANSFER_AT, &other.waiter) == CORE_WAIT);	/* the pieces of one write stay together */
	core_cancel(&writer.waiter);
	MUST(other.woken && do_write(space, 2, BUFFER, 1, 0, TRANSFER_AT, &other.waiter) == 1);
	MUST(core_object_length(object) == 8 * PAGE && core_seek(1, 0, 1) == 8 * PAGE);
}

static void a_broken_off_write_leaves_no_block(void)
{
	struct object *object = open_file(1, make_file(0, 10));
	struct task task = { 0 };

	make_buffer(8);
	fill_buffer(BUFFER, 6 * PAGE, 9);
	MUST(pread_byte(1, 0) == 1);
	MUST(do_write(space, 1, BUFFER, 6 * PAGE, PAGE, TRANSFER_AT, &task.waiter) == CORE_WAIT);
	core_cancel(&task.waiter);
	drain();
	MUST(core_object_length(object) == 10 && trims == 1 && !disk[0].block[1] && !disk[0].block[5] && disk[0].block[0]);
	MUST(pwrite_byte(1, PAGE, 10, 4) == 10 && core_object_length(object) == PAGE + 10);
}

static void close_during_a_read(void)
{
	struct task task = { 0 };

	open_file(1, make_file(0, 4 * PAGE));
	make_buffer(4);
	MUST(do_read(space, 1, BUFFER, 2 * PAGE, 0, 0, &task.waiter) == CORE_WAIT && core_close(1) == 0);
	open_file(1, make_file(1, PAGE));
	drain();
	MUST(task.woken && TRY(do_read(space, 1, BUFFER, 2 * PAGE, 0, 0, &task.waiter)) == 2 * PAGE && load(BUFFER + PAGE) == 2);
	MUST(core_seek(1, 0, 1) == 0);
	drop_caches();
	drain();
	MUST(releases == 1);
}

/* ---- life of objects */

static void unlinked_files_are_not_written(void)
{
	struct object *object = open_file(1, make_file(0, 2 * PAGE));

	make_buffer(2);
	MUST(map_file(object, A, 2 * PAGE, RW, MAP_SHARED, 0) > 0 && pwrite_byte(1, 0, PAGE, 3) == PAGE && store(A + PAGE, 4) == 0);
	disk[0].linked = false;
	core_object_unlinked(object);
	MUST(core_close(1) == 0 && load(A) == 3 && releases == 0);
	MUST(RUN(do_munmap(space, A, 2 * PAGE, w)) == 0);
	drain();
	MUST(releases == 1 && writes == 0 && core_counters.cache_pages == 0 && !core_object_find(1) && !disk[0].block[0]);
}

static void large_shared_memory_ends_in_slices(void)
{
	uint64_t free_pages = core_counters.free_pages;

	MUST(map_memory(A, 10000 * PAGE, RW, MAP_SHARED) > 0);
	for (uint64_t i = 0; i < 10000; i++)
		MUST(store(A + i * PAGE, 1) == 0);
	MUST(RUN(do_munmap(space, A, 10000 * PAGE, w)) == 0 && core_counters.anonymous_pages > 1000);
	while (core_write_back_step())
		;
	drop_caches();
	MUST(core_counters.anonymous_pages == 0 && core_counters.objects == 0 && core_counters.free_pages + 3 >= free_pages);
}

static void unlinked_while_under_write(void)
{
	struct object *object = open_file(1, make_file(0, PAGE));
	struct task task = { 0 };

	make_buffer(1);
	MUST(pwrite_byte(1, 0, 1, 3) == 1 && core_object_sync(object, &task.waiter) == CORE_WAIT);
	core_cancel(&task.waiter);
	disk[0].linked = false;
	core_object_unlinked(object);
	MUST(core_close(1) == 0 && core_object_find(1) == object);	/* its frame is still with the disk */
	drain();
	MUST(!core_object_find(1) && releases == 1);
}

static void release_names_the_uses(void)
{
	struct object *object = open_file(1, make_file(0, PAGE));

	MUST(core_object_use(1, 5) == object && core_object_length(object) == PAGE);
	disk[0].announced++;
	open_file(2, 1);
	MUST(core_close(1) == 0 && core_close(2) == 0);
	drain();
	MUST(releases == 1 && disk[0].announced == 0);
	MUST(!core_object_use(0, 5));
}

#endif
