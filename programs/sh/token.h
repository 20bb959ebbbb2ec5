/*
 * Between token.c and parse.c: the token that comes next, and how to go on from it.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>

struct source;

struct token {
	enum { TOKEN_WORD, TOKEN_OPERATOR, TOKEN_NEWLINE, TOKEN_END } kind;
	const char *text;	/* raw word, or the operator: ; & && | || ( ) < > >> <& >& */
	int descriptor;		/* of a redirection written as 2>, else -1 */
};

extern struct token token;	/* valid after peek() */
extern bool parse_failed;

struct token *peek(void);
void advance(void);
void show_prompt(void);
void syntax_error(const char *near);	/* says it once and sets parse_failed */
void tokens_begin(struct source *source);
void tokens_skip_line(void);	/* after an error the rest of the line has lost its meaning */

#endif
