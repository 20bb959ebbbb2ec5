/* See uart.h. Registers of the 16550 are one byte wide and one byte apart. */
#include "uart.h"

enum uart_register {
	UART_DATA = 0, UART_INTERRUPT_ENABLE = 1, UART_INTERRUPT_CAUSE = 2, UART_FIFO_CONTROL = 2, UART_LINE_CONTROL = 3,
	UART_MODEM_CONTROL = 4, UART_LINE_STATUS = 5,
};

enum { FIFO_ENABLE = 1, FIFO_CLEAR_RECEIVED = 2, FIFO_TRIGGER_14 = 0xc0 };
enum { LINE_8N1 = 3, MODEM_DTR_RTS_OUT2 = 11 };
enum { STATUS_RECEIVED = 1, STATUS_BREAK = 16, STATUS_ROOM = 32 };

void uart_init(struct uart *uart, uint64_t registers)
{
	uart->registers = (volatile uint8_t *)registers;
	uart_enable(uart, 0);
	uart->registers[UART_LINE_CONTROL] = LINE_8N1;
	uart->registers[UART_FIFO_CONTROL] = FIFO_ENABLE | FIFO_CLEAR_RECEIVED | FIFO_TRIGGER_14;
	uart->registers[UART_MODEM_CONTROL] = MODEM_DTR_RTS_OUT2;
}

void uart_enable(struct uart *uart, uint8_t interrupts)
{
	uart->interrupts = interrupts;
	uart->registers[UART_INTERRUPT_ENABLE] = interrupts;
}

bool uart_receive(struct uart *uart, uint8_t *byte)
{
	uint8_t status;

	while ((status = uart->registers[UART_LINE_STATUS]) & STATUS_RECEIVED) {
		*byte = uart->registers[UART_DATA];
		if (!(status & STATUS_BREAK))	/* a break comes as a byte that nobody sent */
			return true;
	}
	return false;
}

size_t uart_room(const struct uart *uart)
{
	return uart->registers[UART_LINE_STATUS] & STATUS_ROOM ? UART_FIFO_BYTES : 0;
}

void uart_send(struct uart *uart, uint8_t byte)
{
	uart->registers[UART_DATA] = byte;
}

void uart_acknowledge(struct uart *uart)
{
	(void)uart->registers[UART_INTERRUPT_CAUSE];
}
