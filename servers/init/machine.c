/* See machine.h. */
#include "machine.h"

#include "fdt.h"
#include "server.h"

static bool read_device(const struct fdt_node *node, struct device *device)
{
	struct device found = { 0 };

	if (!fdt_reg(node, &found.registers, &found.bytes) || !found.bytes || found.registers + found.bytes < found.registers)
		return false;
	fdt_interrupt(node, &found.irq);
	*device = found;
	return true;
}

/* The first one wins. */
static void read_first(const struct fdt_node *node, struct device *device)
{
	if (!device->bytes)
		read_device(node, device);
}

static void add_virtio(struct machine *machine, const struct fdt_node *node)
{
	struct device device;
	unsigned place = machine->virtio_count;

	if (place == MACHINE_DISKS_MAX || !read_device(node, &device))
		return;
	for (; place && machine->virtio[place - 1].registers > device.registers; place--)
		machine->virtio[place] = machine->virtio[place - 1];
	machine->virtio[place] = device;
	machine->virtio_count++;
}

static void visit(void *context, const struct fdt_node *node)
{
	struct machine *machine = context;

	if (fdt_compatible(node, "ns16550a"))
		read_first(node, &machine->uart);
	if (fdt_compatible(node, "google,goldfish-rtc"))
		read_first(node, &machine->rtc);
	if (fdt_compatible(node, "sifive,test0") || fdt_compatible(node, "sifive,test1"))
		read_first(node, &machine->finisher);
	if (fdt_compatible(node, "virtio,mmio"))
		add_virtio(machine, node);
	if (node->depth == 1 && !strcmp(node->name, "chosen") && node->rng_seed.data) {
		machine->seed_bytes = node->rng_seed.bytes < SEED_BYTES ? node->rng_seed.bytes : SEED_BYTES;
		memcpy(machine->seed, node->rng_seed.data, machine->seed_bytes);
	}
}

void machine_read(struct machine *machine, const void *device_tree, size_t bytes)
{
	*machine = (struct machine){ 0 };
	if (!fdt_walk(device_tree, bytes, visit, machine))
		log_line("init: the device tree is malformed: some devices may be missing");
}
