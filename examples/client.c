/* Call a talk desk: client <host> [<port>]. Exit status 0: the desk has confirmed every line (docs/PROTOCOL.md).
 * Build: cc -o client client.c */
#define _POSIX_C_SOURCE 200809L
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PAYLOAD = 16384, MAX_NAME = 64, MAX_REASON = 200, ACK_SIZE = 8, ACKNOWLEDGES = 0x08 };

static int desk = -1, answered, left, acknowledges;
/* TEXT and PART frames: said here, confirmed by the desk, shown here. */
static unsigned long long said, confirmed, shown;
/* When to acknowledge, in milliseconds; 0: there is nothing to acknowledge. */
static long long ack_at;

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

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static void acknowledge(void)
{
	char count[ACK_SIZE];

	for (int i = 0; i < ACK_SIZE; i++)
		count[i] = shown >> 8 * (ACK_SIZE - 1 - i) & 0xff;
	send_frame('K', count, ACK_SIZE);
	ack_at = 0;
}

static void leave(const char *reason)
{
	if (acknowledges)
		acknowledge();
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

static void confirm(const unsigned char *payload)
{
	unsigned long long count = 0;

	for (int i = 0; i < ACK_SIZE; i++)
		count = count << 8 | payload[i];
	if (count < confirmed || count > said)
		wrong("protocol error: an ACK that goes back or counts too much");
	confirmed = count;
}

static void receive(char tag, const unsigned char *payload, size_t length)
{
	switch (tag) {
	case 'H':
		if (answered || length < 3 || payload[0] != 1)
			wrong("protocol error: not the HELLO that is expected");
		answered = 1;
		acknowledges = payload[1] & ACKNOWLEDGES;
		break;
	case 'T':
	case 't':
		if (!answered)
			wrong("protocol error: text before HELLO");
		show(payload, length, tag == 'T');
		shown++;
		if (acknowledges && !left && ack_at == 0)
			ack_at = now() + 1000;
		break;
	case 'K':
		if (acknowledges)
			confirm(payload);
		break;
	case 'B':
		if (left && answered && acknowledges && confirmed < said)
			fail("the desk has not shown every line");
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
		if (filled >= 3 && inbox[0] == 'K' && length != ACK_SIZE)
			wrong("protocol error: an ACK that is not 8 bytes long");
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
		said++;
	}
	if (line < typed + count) {
		send_frame('t', line, typed + count - line);
		said++;
	}
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
	char hello[2 + MAX_NAME + 1] = { 1, ACKNOWLEDGES };
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
		int limit = left ? 10000 : answered ? -1 : 60000;
		if (ack_at != 0)
			limit = ack_at > now() ? ack_at - now() : 0;
		int ready = poll(wants, 2, limit);
		if (ack_at != 0 && now() >= ack_at)
			acknowledge();
		else if (ready <= 0 && ack_at == 0)
			fail("no answer");
		if (wants[0].revents)
			read_desk();
		else if (wants[1].revents)
			read_input();
	}
}
