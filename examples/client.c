/* Call a talk desk: client <host> [<port>]. Exit status 0: the desk has confirmed every line (docs/PROTOCOL.md).
 * Build: cc -o client client.c */
#define _POSIX_C_SOURCE 200809L
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_PAYLOAD = 16384, MAX_NAME = 64, MAX_REASON = 200 };

static int desk = -1, answered, left;

static void fail(const char *why)
{
	fprintf(stderr, "client: %s\n", why);
	exit(1);
}

static void send_bytes(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(desk, bytes, length, MSG_NOSIGNAL);
		if (sent < 0)
			fail("the connection was lost");
		bytes += sent;
		length -= sent;
	}
}

static void send_frame(char tag, const char *payload, size_t length)
{
	send_bytes((char[]){ tag, length >> 8, length & 0xff }, 3);
	send_bytes(payload, length);
}

static void leave(const char *reason)
{
	send_frame('B', reason, strlen(reason));
	shutdown(desk, SHUT_WR);
	left = 1;
}

/* The desk broke the protocol. Closing a socket with unread data resets the connection, and the desk might lose our
 * reason: read until it has closed. */
static void wrong(const char *reason)
{
	char rest[4096];

	if (!left)
		leave(reason);
	while (poll(&(struct pollfd){ .fd = desk, .events = POLLIN }, 1, 2000) > 0 && read(desk, rest, sizeof rest) > 0)
		;
	fail(reason);
}

/* Untrusted text must not control a terminal: everything but printable ASCII is replaced. */
static void show(const unsigned char *text, size_t length, int complete)
{
	int person = isatty(STDOUT_FILENO);

	for (size_t i = 0; i < length; i++)
		putchar(person && (text[i] < ' ' || text[i] > '~') && text[i] != '\t' ? '?' : text[i]);
	if (complete)
		putchar('\n');
	if (fflush(stdout) == EOF)
		fail("cannot write to standard output");
}

static void receive(char tag, const unsigned char *payload, size_t length)
{
	switch (tag) {
	case 'H':
		if (answered || length < 3 || payload[0] != 1)
			wrong("protocol error: not the HELLO that is expected");
		answered = 1;
		break;
	case 'T':
	case 't':
		if (!answered)
			wrong("protocol error: text before HELLO");
		show(payload, length, tag == 'T');
		break;
	case 'B':
		if (left && answered)
			exit(0);
		if (!left)
			leave("");
		fail(answered ? "the desk left first" : "the desk refused the call");
	}
}

/* Reads from the desk and handles each complete frame. */
static void read_desk(void)
{
	static unsigned char inbox[3 + MAX_PAYLOAD];
	static size_t filled;
	ssize_t came = read(desk, inbox + filled, sizeof inbox - filled);

	if (came <= 0)
		fail("the connection was lost");
	filled += came;
	for (;;) {
		size_t length = filled < 3 ? 0 : inbox[1] << 8 | inbox[2];
		if (filled >= 3 && length > (inbox[0] == 'H' ? 2 + MAX_NAME : inbox[0] == 'B' ? MAX_REASON : MAX_PAYLOAD))
			wrong("protocol error: a frame that is too long");
		if (filled < 3 + length)
			return;
		receive(inbox[0], inbox + 3, length);
		filled -= 3 + length;
		memmove(inbox, inbox + 3 + length, filled);
	}
}

static void read_input(void)
{
	char typed[MAX_PAYLOAD];
	ssize_t count = read(STDIN_FILENO, typed, sizeof typed);
	char *line = typed, *end;

	if (count <= 0) {
		leave("");
		return;
	}
	while ((end = memchr(line, '\n', typed + count - line)) != NULL) {
		send_frame('T', line, end - line);
		line = end + 1;
	}
	if (line < typed + count)
		send_frame('t', line, typed + count - line);
}

static void dial(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *address;
	int error = getaddrinfo(host, port, &hints, &address);

	if (error != 0)
		fail(gai_strerror(error));
	for (; address != NULL; address = address->ai_next) {
		desk = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
		if (desk >= 0 && connect(desk, address->ai_addr, address->ai_addrlen) == 0)
			return;
		close(desk);
	}
	fail("no desk answers there");
}

int main(int argc, char *argv[])
{
	char hello[2 + MAX_NAME + 1] = { 1, 0 };
	const char *user = getenv("USER");

	if (argc < 2)
		fail("usage: client <host> [<port>]");
	dial(argv[1], argc > 2 ? argv[2] : "8255");
	strncat(hello + 2, user != NULL && *user ? user : "somebody", MAX_NAME);
	send_frame('H', hello, 2 + strlen(hello + 2));
	for (;;) {
		struct pollfd wants[] = {
			{ .fd = desk, .events = POLLIN },
			{ .fd = answered && !left ? STDIN_FILENO : -1, .events = POLLIN },
		};
		if (poll(wants, 2, left ? 10000 : answered ? -1 : 60000) <= 0)
			fail("no answer");
		if (wants[0].revents)
			read_desk();
		else if (wants[1].revents)
			read_input();
	}
}
