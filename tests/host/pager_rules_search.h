/*
 * Tests of pager_core.c: what others do between two steps of a search for memory, of a write-back and of dropping the caches.
 */
#ifndef PAGER_RULES_SEARCH_H
#define PAGER_RULES_SEARCH_H

static void answer_requests(void)
{
	bool wanted = later;

	for (later = false; queued;)
		MUST(world_answer());
	later |= wanted;
}

/* Its page is out of some page tables already when a program wants it again: it stays, with what is mapped anew. */
static void a_parting_page_is_mapped_again(void)
{
	struct object *object = open_file(1, make_file(0, PAGE));

	for (unsigned slices = 1; slices < 3; slices++) {
		map_places(object, 1, MAP_SHARED);
		for (unsigned i = 0; i < PLACES; i++)
			MUST(load(PLACE(i)) == 1);
		squeeze_to(WANT_STEP - 1);
		core_slice_pages = 4;
		for (unsigned i = 0; i < slices; i++)
			MUST(memory_search(WANT_STEP));
		MUST(core.sweep[SWEEP_PART].object == object && !reach(table, PLACE(PLACES - 1), ACCESS_READ) && reach(table, PLACE(0), ACCESS_READ));
		drop_caches();				/* it is mapped still */
		MUST(pages_find(object, 0) && load(PLACE(PLACES - 1)) == 1);
		while (reach(table, PLACE(0), ACCESS_READ))
			MUST(memory_search(WANT_STEP));
		MUST(pages_find(object, 0) && core_counters.reclaimed == slices - 1);
		check_table(table);
		for (unsigned i = 0; i < 20 * PLACES; i++)
			MUST(load(PLACE(i % PLACES)) == 1 && (i % PLACES || memory_search(WANT_STEP)));
		while (memory_search(WANT_STEP))	/* now nobody comes */
			;
		MUST(!pages_find(object, 0) && !reach(table, PLACE(PLACES - 1), ACCESS_READ));
		squeeze_end();
		drain();
		unmap_places();
	}
}

/* The search has come to mapped pages when others are unmapped: those go first. */
static void what_is_unmapped_goes_before_the_mapped(void)
{
	struct object *object = open_file(1, make_file(0, 50 * PAGE)), *other = open_file(2, make_file(1, 50 * PAGE));
	uint64_t left;

	MUST(map_file(object, A, 50 * PAGE, PROT_READ, MAP_SHARED, 0) > 0 && map_file(other, A + 50 * PAGE, 50 * PAGE, PROT_READ, MAP_SHARED, 0) > 0);
	for (unsigned i = 0; i < 100; i++)
		MUST(load(A + i * PAGE) == (int)i % 50 + 1);
	squeeze_to(WANT_STEP - 1);
	while (memory_search(WANT_STEP))
		;
	MUST(core.search.round == SEARCH_MAPPED && object->pages < 50 && other->pages == 50);
	left = object->pages;
	MUST(left && RUN(core_munmap(space, A + 50 * PAGE, 50 * PAGE, w)) == 0);
	squeeze_to(WANT_STEP - 1);
	while (memory_search(WANT_STEP))
		;
	MUST(object->pages == left && other->pages < 50);
	squeeze_end();
}

/* There is memory again: what was begun is brought to its end. */
static void no_page_stays_half_parted(void)
{
	struct object *object = open_file(1, make_file(0, PAGE));

	map_places(object, 1, MAP_SHARED);
	for (unsigned i = 0; i < PLACES; i++)
		MUST(load(PLACE(i)) == 1);
	squeeze_to(WANT_STEP - 1);
	core_slice_pages = 4;
	MUST(memory_search(WANT_STEP) && core.sweep[SWEEP_PART].object);
	squeeze_end();
	drain();
	MUST(!core.sweep[SWEEP_PART].object && !core.sweeping);
}

/* What the search has passed by becomes clean while it goes on: that is no reason to say that there is no memory. */
static void not_in_vain_if_something_changes(void)
{
	struct object *object = open_file(1, make_file(0, 90 * PAGE));

	MUST(map_file(object, A, 90 * PAGE, RW, MAP_SHARED, 0) > 0);
	open_file(2, make_file(1, PAGE));
	MUST(map_file(core_object_find(2), A + 100 * PAGE, PAGE, PROT_READ, MAP_SHARED, 0) > 0);
	for (unsigned when = 0; when < 32; when++) {
		struct task sync = { 0 }, fault = { 0 }, other = { 0 };
		struct map_item item;
		long status;

		for (unsigned i = 0; i < 90; i++)
			MUST(store(A + i * PAGE, 9) == 0);
		MUST(TRY(core_object_sync(object, &sync.waiter)) == CORE_WAIT && queued);
		squeeze_to(WANT_STEP - 1);
		core_slice_pages = 4;
		for (unsigned steps = 0;; steps++) {
			fault.woken = false;
			status = core_fault(space, A + 100 * PAGE, ACCESS_READ, &fault.waiter, &item);
			while (status == CORE_WAIT && !fault.woken) {
				if (steps++ >= when / 2)
					answer_requests();
				if (when % 2 && steps % 8) {	/* another operation carries it on */
					MUST((status = core_fault(space, A + 100 * PAGE, ACCESS_READ, &other.waiter, &item)) == CORE_WAIT || !status);
					core_cancel(&other.waiter);
				} else {
					later = core_deferred_step();
				}
			}
			if (status != CORE_WAIT)
				break;
		}
		MUST(status == 0);
		squeeze_end();
		core_cancel(&sync.waiter);
		drain();
		MUST(RUN(core_munmap(space, A + 100 * PAGE, PAGE, w)) == 0);
		drop_caches();
		MUST(map_file(core_object_find(2), A + 100 * PAGE, PAGE, PROT_READ, MAP_SHARED, 0) > 0);
	}
}

/* A page that a program is to bring makes none free: who lacks memory hears that there is none, and need not wait for that program. */
static void a_programs_pager_is_no_help(void)
{
	struct object *object = shared_memory(0, 1);
	struct task task = { 0 };
	uint64_t stored = 0;
	long status;

	make_buffer(1);
	MUST(core_object_serve(object, 7) == 0 && core_read(space, 1, BUFFER, 1, 0, 0, &task.waiter) == CORE_WAIT && served);
	MUST(map_memory(A, 120 * PAGE, RW, MAP_PRIVATE | MAP_NORESERVE) > 0);
	while (!(status = store(A + stored * PAGE, 1)) && stored < 120)
		stored++;
	MUST(status == -ENOMEM && stored > 60 && RUN(do_munmap(space, A, 120 * PAGE, w)) == 0);
	core_complete(served, -EIO, 0);
	MUST(task.woken && core_read(space, 1, BUFFER, 1, 0, 0, &task.waiter) == -EIO && core_object_serve(object, 0) == 0);
}

/*
 * The page that has come is the only clean one, and others have taken memory meanwhile. It may be given back for that once, but not whenever it has come
 * again: then something must be written.
 */
static void a_page_is_not_fetched_for_ever(void)
{
	struct object *object = open_file(1, make_file(0, 60 * PAGE));
	struct task fault = { 0 };
	struct map_item item;
	unsigned rounds = 0;
	long status;

	MUST(map_file(object, A, 60 * PAGE, RW, MAP_SHARED, 0) > 0);
	for (unsigned i = 0; i < 60; i++)
		MUST(store(A + i * PAGE, 9) == 0);
	MUST(map_file(open_file(2, make_hole_file(1, PAGE)), A + 100 * PAGE, PAGE, RW, MAP_SHARED, 0) > 0);
	squeeze_to(WANT_STEP);
	while ((status = core_fault(space, A + 100 * PAGE, ACCESS_WRITE, &fault.waiter, &item)) == CORE_WAIT && rounds++ < 20) {
		squeeze_to(rounds == 1 ? WANT_STEP / 2 - 1 : WANT_STEP);
		for (fault.woken = false; !fault.woken;)
			answer_requests(), later = core_deferred_step();
	}
	MUST(status == 0);
	squeeze_end();
}

/* A prompt call takes what is there. What it lacks is looked for when it is over. */
static void the_next_prompt_call_finds_more(void)
{
	struct object *object = open_file(1, make_file(0, 90 * PAGE));

	MUST(map_file(object, A, 90 * PAGE, PROT_READ, MAP_SHARED, 0) > 0);
	for (unsigned i = 0; i < 90; i++)
		MUST(load(A + i * PAGE) == (int)i + 1);
	make_file(1, PAGE);
	squeeze_to(0);
	slab_trim();
	core_slice_pages = 4;
	MUST(core_open(3 * OPENS_PER_CHUNK, 2, PAGE, false) == -ENOMEM && !core_open_object(3 * OPENS_PER_CHUNK));
	drain();
	MUST(core_counters.free_pages >= WANT_STEP);
	open_file(3 * OPENS_PER_CHUNK, 2);
	squeeze_end();
}

/* The file in work is closed and unlinked, its neighbours come and go, the caller is killed. */
static void others_come_and_go_while_caches_are_dropped(void)
{
	for (unsigned slices = 1; slices < 14; slices++) {
		struct task task = { 0 };
		bool broken_off = slices % 2;
		long status = CORE_AGAIN;

		make_buffer(1);
		for (unsigned i = 1; i <= 4; i++) {
			open_file(i, make_file(i - 1, 30 * PAGE));
			for (unsigned page = 0; page < 30; page++)
				MUST(pread_byte(i, page * PAGE) == (int)page + 1);
		}
		core_slice_pages = 4;
		for (unsigned i = 0; i < slices && status == CORE_AGAIN; i++)
			status = core_drop_caches(&task.waiter);
		for (unsigned i = 1; i <= 4; i++) {
			core_object_unlinked(core_object_find(i));
			disk[i - 1].linked = false;
			MUST(core_close(i) == 0);
		}
		open_file(5, make_file(4, PAGE));
		MUST(pread_byte(5, 0) == 1 && core_close(5) == 0);
		if (broken_off)
			core_cancel(&task.waiter);
		else
			MUST(status != CORE_AGAIN || TRY(core_drop_caches(&task.waiter)) == 0);
		drain();
		drop_caches();
		drain();
		MUST(!core_counters.cache_pages && !core_counters.objects && !disk[4].announced);
		drop_blocks(&disk[4], 0);
	}
}

/* The writer stands before a file that goes. */
static void write_back_goes_on_behind_a_file_that_goes(void)
{
	struct object *object;
	unsigned rounds = 0;

	make_buffer(1);
	for (unsigned i = 1; i <= 20; i++) {
		open_file(i, make_file(i - 1, PAGE));
		MUST(pwrite_byte(i, 0, 1, 99) == 1);
	}
	while (!core_write_back_step())
		MUST(!queued && ++rounds < 3);
	object = core.writer.object;
	MUST(rounds == 1 && queued == 8 && object);
	core_object_unlinked(object);
	disk[object->number - 1].linked = false;
	MUST(core_close(object->number) == 0 && core.writer.object && core.writer.object != object);
	while (core_write_back_step())
		;
	drain();
	MUST(writes == 19 && !core_counters.cache_dirty_pages && !core.writer.object);
}

/* A page that was written, and written again, is due when two rounds have seen its file dirty; one in a file that has just become so is not. */
static void a_round_leaves_young_files_alone(void)
{
	make_buffer(1);
	open_file(1, make_file(0, PAGE));
	open_file(2, make_file(1, PAGE));
	MUST(pwrite_byte(1, 0, 1, 50) == 1 && !core_write_back_step() && pwrite_byte(2, 0, 1, 51) == 1);
	while (core_write_back_step())
		;
	MUST(queued == 1);
	drain();
	MUST(on_disk(1, 0) == 50 && on_disk(2, 0) == 1);
	while (core_write_back_step())
		;
	drain();
	MUST(on_disk(2, 0) == 51);
}

#endif
