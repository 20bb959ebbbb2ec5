/*
 * A 16550 UART. It only moves bytes: what they mean, and when to move them, is main.c's business. Speed and frame stay as the
 * firmware has set them.
 */
#ifndef CONSOLE_UART_H
#define CONSOLE_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_REGISTER_BYTES 8
#define UART_FIFO_BYTES 16

struct uart {
	volatile uint8_t *registers;
	uint8_t interrupts;		/* the interrupt enable register */
};

enum uart_interrupt { UART_RECEIVED = 1, UART_SENT = 2 };

void uart_init(struct uart *uart, uint64_t registers);
void uart_enable(struct uart *uart, uint8_t interrupts);
/* False: nothing has been received. */
bool uart_receive(struct uart *uart, uint8_t *byte);
/* How many bytes uart_send takes now: 0 or UART_FIFO_BYTES. */
size_t uart_room(const struct uart *uart);
void uart_send(struct uart *uart, uint8_t byte);
/* Clears the cause of a UART_SENT interrupt. */
void uart_acknowledge(struct uart *uart);

#endif
