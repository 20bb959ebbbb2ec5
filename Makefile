# Builds Quire, its disk and its host tests into $(BUILD). `make help` lists the goals. Sources are found by folder, so a new file
# needs no line here. ./quire calls this file; it installs nothing and runs nothing itself.

BUILD	:= build
CROSS	:= riscv64-linux-gnu-
V	:=
QUIET	:=

# One spelling, whoever calls: rules and the dependency files of earlier runs name the same targets.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))

Q	:= $(if $(V),,@)
say	= $(if $(V)$(QUIET),,@printf '  %-8s %s\n' $(1) $(2))
comma	:= ,
folder	= $(Q)mkdir -p $(@D)

# Administrators' folders (mke2fs, debugfs) are not on every user's PATH.
export PATH := $(PATH):/usr/sbin:/sbin
# The same sources give the same image.
export E2FSPROGS_FAKE_TIME := 1700000000

WARNINGS := -Wall -Wextra -Werror
COMMON	:= -std=gnu11 -O2 -g $(WARNINGS) -MMD -MP
# Kernel and servers: no FPU, no C library, no calls that the compiler made up out of loops.
BARE	:= $(COMMON) -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -ffreestanding -fno-pic -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-common -fno-tree-loop-distribute-patterns -Iabi
# A server is optimised as a whole, across its files.
WHOLE	:= -flto -flto-partition=one
BARE_LINK := -march=rv64imac_zicsr_zifencei -mabi=lp64 -no-pie -static -nostdlib -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack
HOST_CC	:= cc
HOST	:= -std=gnu11 -O1 -g $(WARNINGS) -MMD -MP -fsanitize=address,undefined -fno-sanitize-recover=all -Iabi -Itests/host -Itools/simulate

sources	= $(foreach dir,$(1),$(wildcard $(dir)/*.c $(dir)/*.S))
objects	= $(patsubst %,$(BUILD)/obj/%.o,$(1))

all: $(BUILD)/quire.elf $(BUILD)/boot.cpio $(BUILD)/disk.img
.PHONY: all programs hosttests simulate tests bench clean help
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

help:
	@echo 'make              kernel, boot archive and disk image in $(BUILD)/'
	@echo 'make programs     the guest programs and guest tests only (they run under qemu-riscv64, too)'
	@echo 'make bench        what ./quire bench runs: all, and the kernel with its tests in init'"'"'s place'
	@echo 'make hosttests    the host tests, with sanitizers'
	@echo 'make simulate     the simulator of the pager: $(BUILD)/simulate'
	@echo 'make tests        everything that ./quire test runs'
	@echo 'make clean        remove $(BUILD)/'
	@echo 'BUILD=DIR builds elsewhere, V=1 shows the commands, QUIET=1 shows errors only.'

# ---- The kernel. It includes abi/ and its own headers, nothing else; init's flat image is part of it.

KERNEL	:= $(call objects,$(call sources,kernel kernel/riscv))

$(BUILD)/obj/kernel/%.o: kernel/% Makefile
	$(call say,CC,$<)
	$(folder)
	$(Q)$(CROSS)gcc $(BARE) -Ikernel -Wa,-I$(BUILD) -c $< -o $@
$(filter %.S.o,$(KERNEL)): $(BUILD)/init.bin

$(BUILD)/quire.elf: $(KERNEL) linker.ld
	$(call say,LD,$@)
	$(Q)$(CROSS)gcc $(BARE_LINK) -T linker.ld $(KERNEL) -o $@

$(BUILD)/init.bin: $(BUILD)/servers/init
	$(call say,OBJCOPY,$@)
	$(Q)$(CROSS)objcopy -O binary $< $@

# ---- libsys and the servers. A server includes abi/, libsys/ and its own folder (and folders inside it).

SERVERS	:= init pager proc fs blk console
ARCHIVED := $(filter-out init,$(SERVERS))
# Each server has addresses of its own, so that debuggers and profilers can tell a server by its pc.
BASES	:= init:0x6000000 pager:0x1000000 proc:0x2000000 fs:0x3000000 blk:0x4000000 console:0x5000000
LIBSYS	:= $(call objects,$(call sources,libsys))

$(BUILD)/obj/libsys/%.o: libsys/% Makefile
	$(call say,CC,$<)
	$(folder)
	$(Q)$(CROSS)gcc $(BARE) -Ilibsys -c $< -o $@

# Small functions of every server's loop become part of it.
$(BUILD)/obj/libsys/ring.c.o: BARE += $(WHOLE) -ffat-lto-objects

$(BUILD)/libsys.a: $(LIBSYS)
	$(call say,AR,$@)
	$(folder)
	$(Q)rm -f $@ && $(CROSS)ar rcsD $@ $(LIBSYS)

# server_rules NAME: its objects and its executable. libsys/NAME.ld goes before libsys/server.ld.
define server_rules
SERVER_$(1) := $(call objects,$(call sources,servers/$(1) servers/$(1)/*))
SCRIPT_$(1) := $(firstword $(wildcard servers/$(1)/*.ld libsys/$(1).ld) libsys/server.ld)
$(BUILD)/obj/servers/$(1)/%.o: servers/$(1)/% Makefile
	$$(call say,CC,$$<)
	$$(folder)
	$$(Q)$(CROSS)gcc $(BARE) $(WHOLE) -Ilibsys -Iservers/$(1) -c $$< -o $$@
$(BUILD)/servers/$(1): $$(SERVER_$(1)) $(BUILD)/libsys.a $$(SCRIPT_$(1))
	$$(call say,LD,$$@)
	$$(folder)
	$$(Q)$(CROSS)gcc $(BARE) $(WHOLE) $(BARE_LINK) -Wl,--defsym=SERVER_BASE=$(patsubst $(1):%,%,$(filter $(1):%,$(BASES))) -T $$(SCRIPT_$(1)) $$(SERVER_$(1)) \
		$(BUILD)/libsys.a -o $$@
endef
$(foreach name,$(SERVERS),$(eval $(call server_rules,$(name))))

$(BUILD)/boot.cpio: $(ARCHIVED:%=$(BUILD)/servers/%)
	$(call say,CPIO,$@)
	$(Q)rm -rf $(BUILD)/archive && mkdir -p $(BUILD)/archive
	$(Q)for name in $(ARCHIVED); do $(CROSS)strip -o $(BUILD)/archive/$$name $(BUILD)/servers/$$name || exit; done
	$(Q)touch -d @$$E2FSPROGS_FAKE_TIME $(BUILD)/archive/*
	$(Q)cd $(BUILD)/archive && printf '%s\n' $(ARCHIVED) | cpio -o -H newc -R 0:0 --reproducible --quiet > ../boot.cpio

# ---- Programs and guest tests: ordinary static Linux executables. programs/NAME.c or programs/NAME/*.c, each with programs/common.c
# if it exists; tests/guest/NAME.c and tests/bench/NAME.c the same way.

names	= $(filter-out common,$(basename $(notdir $(wildcard $(1)/*.c))) $(notdir $(patsubst %/,%,$(dir $(wildcard $(1)/*/*.c)))))
PROGRAMS := $(sort $(call names,programs))
GUEST	:= $(sort $(call names,tests/guest))
BENCH	:= $(sort $(call names,tests/bench))
LINUX	:= $(COMMON) -D_GNU_SOURCE=

$(BUILD)/obj/programs/%.o: programs/% Makefile
	$(call say,CC,$<)
	$(folder)
	$(Q)$(CROSS)gcc $(LINUX) -Iprograms -c $< -o $@

# Tests, and native programs, which may also call the kernel and the servers themselves.
define linux_test_rules
$(BUILD)/obj/$(1)/%.o: $(1)/% Makefile
	$$(call say,CC,$$<)
	$$(folder)
	$$(Q)$(CROSS)gcc $$(LINUX) -Iprograms -Itests/guest -pthread -c $$< -o $$@
endef
$(foreach folder,tests/guest tests/bench tests/native native,$(eval $(call linux_test_rules,$(folder))))
# Where the benchmark finds its files and its knob.
$(BUILD)/obj/tests/bench/%: LINUX += -DDISK_DIR='""' -DMEM_DIR='"/dev/shm"' -DFAULT_AROUND_KNOB='"/proc/sys/vm/fault_around_bytes"'

NATIVE	:= $(sort $(call names,native))
NATIVETESTS := $(sort $(call names,tests/native))
$(BUILD)/obj/native/%.o $(BUILD)/obj/tests/native/%.o: LINUX += -Iabi -Ilibsys

# executable_rules SOURCE FOLDER, OUTPUT FOLDER, NAME, LINK FLAGS, LIBRARY: links $(BUILD)/OUTPUT/NAME.
define executable_rules
$(BUILD)/$(2)/$(3): $(call objects,$(wildcard $(1)/$(3).c $(1)/$(3)/*.c $(1)/common.c)) $(5)
	$$(call say,LD,$$@)
	$$(folder)
	$$(Q)$(CROSS)gcc $(4) $$^ -o $$@
endef
$(foreach name,$(PROGRAMS),$(eval $(call executable_rules,programs,programs,$(name),-static -Wl$(comma)--build-id=none)))
$(foreach name,$(GUEST),$(eval $(call executable_rules,tests/guest,tests,$(name),-static -pthread -Wl$(comma)--build-id=none)))
$(foreach name,$(BENCH),$(eval $(call executable_rules,tests/bench,tests,$(name),-static -pthread -Wl$(comma)--build-id=none)))
$(foreach name,$(NATIVE),$(eval $(call executable_rules,native,programs,$(name),-static -Wl$(comma)--build-id=none)))
$(foreach name,$(NATIVETESTS),$(eval $(call executable_rules,tests/native,tests,$(name),-static -Wl$(comma)--build-id=none)))

# ---- The disk: the stripped executables in an ext2 volume.

ROOT	:= $(BUILD)/root
IMAGE_FILES := $(addprefix $(ROOT)/bin/,$(PROGRAMS) $(NATIVE)) $(addprefix $(ROOT)/tests/,$(GUEST) $(BENCH) $(NATIVETESTS))

programs: $(IMAGE_FILES)

$(ROOT)/bin/%: $(BUILD)/programs/%
	$(folder)
	$(Q)$(CROSS)strip -o $@ $<
$(ROOT)/tests/%: $(BUILD)/tests/%
	$(folder)
	$(Q)$(CROSS)strip -o $@ $<

# A list of what belongs into the image, rewritten only when it changes: it makes the image anew when a program is gone.
ifneq ($(strip $(file < $(BUILD)/image.list)),$(strip $(IMAGE_FILES)))
$(BUILD)/image.list: FORCE
endif
$(BUILD)/image.list:
	$(folder)
	$(Q)printf '%s\n' $(IMAGE_FILES) > $@
.PHONY: FORCE

$(BUILD)/disk.img: $(IMAGE_FILES) $(BUILD)/image.list tools/mkdisk
	$(call say,MKDISK,$@)
	$(Q)tools/mkdisk $(ROOT) $(BUILD)/image.list $@

# ---- The kernel's tests: the same kernel with tests/kernel in init's place.

KERNELTEST := $(call objects,$(call sources,tests/kernel))
ASSEMBLY := $(filter %.S.o,$(KERNEL))

$(BUILD)/obj/tests/kernel/%.o: tests/kernel/% Makefile
	$(call say,CC,$<)
	$(folder)
	$(Q)$(CROSS)gcc $(BARE) -Ilibsys -Itests/kernel -c $< -o $@

$(BUILD)/kerneltest/init: $(KERNELTEST) $(BUILD)/libsys.a $(SCRIPT_init)
	$(call say,LD,$@)
	$(folder)
	$(Q)$(CROSS)gcc $(BARE_LINK) -T $(SCRIPT_init) $(KERNELTEST) $(BUILD)/libsys.a -o $@
	$(Q)$(CROSS)objcopy -O binary $@ $@.bin

$(BUILD)/obj/kerneltest/%.o: kernel/% $(BUILD)/kerneltest/init Makefile
	$(folder)
	$(Q)$(CROSS)gcc $(BARE) -Ikernel -Wa,-I$(BUILD)/kerneltest -c $< -o $@

$(BUILD)/kerneltest/quire.elf: $(KERNEL) $(ASSEMBLY:$(BUILD)/obj/kernel/%=$(BUILD)/obj/kerneltest/%) linker.ld
	$(call say,LD,$@)
	$(Q)$(CROSS)gcc $(BARE_LINK) -T linker.ld $(filter-out $(ASSEMBLY) %.ld,$^) -o $@

# ---- Host tests. tests/host/NAME.c names the sources it is compiled with in a comment, relative to the top:
#	/* sources: servers/pager/core/tree.c servers/pager/core/object.c */
# (a folder with its / means all in it); their folders are on its include path. tests/host/common.c belongs to each if it exists. What it wants
# all of them to be compiled with besides stands in a line of its own: flags: -f...

HOSTTESTS := $(sort $(call names,tests/host))
host_sources = $(wildcard $(patsubst %/,%/*.c,$(patsubst ../../%,%,$(filter-out */,$(filter %.c %/,$(shell sed -n 's/^.*sources: *//p' tests/host/$(1).c))))))
host_flags = $(shell sed -n 's/^ \* flags: *//p' tests/host/$(1).c)
host_include = $(sort $(foreach dir,$(sort $(dir $(1))),-I$(dir) -I$(dir).. ))

define host_rules
HOST_$(1) := $(wildcard tests/host/$(1).c tests/host/common.c) $(call host_sources,$(1))
$(BUILD)/host/$(1): $$(patsubst %,$(BUILD)/obj/host/$(1)/%.o,$$(HOST_$(1)))
	$$(call say,HOSTLD,$$@)
	$$(folder)
	$$(Q)$(HOST_CC) $(HOST) $$^ -o $$@ -lpthread -lm
$(BUILD)/obj/host/$(1)/%.o: % Makefile
	$$(call say,HOSTCC,$$<)
	$$(folder)
	$$(Q)$(HOST_CC) $(HOST) $(call host_flags,$(1)) $$(call host_include,$$(HOST_$(1))) -c $$< -o $$@
endef
$(foreach name,$(HOSTTESTS),$(eval $(call host_rules,$(name))))

# ---- The simulator: the pager's core on this machine, driven by traces (docs/experiments.md), for speed: tests/host/simulate.c has the sanitizers.

$(BUILD)/obj/simulate/%.o: % Makefile
	$(call say,HOSTCC,$<)
	$(folder)
	$(Q)$(HOST_CC) $(COMMON) -Iabi -Itools/simulate -Iservers/pager/core -c $< -o $@

$(BUILD)/simulate: $(patsubst %,$(BUILD)/obj/simulate/%.o,$(call sources,tools/simulate servers/pager/core))
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $^ -o $@

simulate: $(BUILD)/simulate
hosttests: $(HOSTTESTS:%=$(BUILD)/host/%)
bench: all $(BUILD)/kerneltest/quire.elf
tests: bench hosttests simulate

clean:
	$(Q)rm -rf $(BUILD)

-include $(shell test -d $(BUILD)/obj && find $(BUILD)/obj -name '*.d')
